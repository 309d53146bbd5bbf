import {
  readDatabaseSettings,
  readKafkaSettings,
  readLatenessRules,
  readTopics,
  readWatermarkSettings,
  sourceOf,
} from "../../lib/config.ts";
import { openOffsetReader } from "../../lib/kafka/offsets.ts";
import { log } from "../../lib/log.ts";
import { openPool } from "../../lib/store/pool.ts";
import { sweepAll } from "../../lib/store/sweep-all.ts";

const kafka = readKafkaSettings(process.env);
const rules = { ...readWatermarkSettings(process.env), ...readLatenessRules(process.env) };
const topics = readTopics(process.env);
const offsets = openOffsetReader(kafka);
const pool = openPool(readDatabaseSettings(process.env), 45_000);

export async function handler(): Promise<void> {
  const outcomes = await sweepAll(
    pool,
    sourceOf(kafka.clusterArn, kafka.brokers),
    topics,
    offsets.read,
    rules,
  );
  log("info", "swept", { streams: outcomes });
}
