import {
  readDatabaseSettings,
  readKafkaSettings,
  readLatenessRules,
  readTopics,
  readWatermarkSettings,
  sourceOf,
} from "../../lib/config.ts";
import { openHoleReader } from "../../lib/kafka/holes.ts";
import { openOffsetReader } from "../../lib/kafka/offsets.ts";
import { log } from "../../lib/log.ts";
import { openPool } from "../../lib/store/pool.ts";
import { sweepAll } from "../../lib/store/sweep-all.ts";

const kafka = readKafkaSettings(process.env);
const rules = { ...readWatermarkSettings(process.env), ...readLatenessRules(process.env) };
const topics = readTopics(process.env);
const offsets = openOffsetReader(kafka);
const holes = openHoleReader(kafka);
const source = sourceOf(kafka.clusterArn, kafka.brokers);
const pool = openPool(readDatabaseSettings(process.env), 45_000);

export async function handler(): Promise<void> {
  try {
    const outcomes = await sweepAll(pool, source, topics, offsets.read, holes.nextRecord, rules);
    log("info", "swept", { streams: outcomes });
  } finally {
    // Between two runs a connection would only grow stale, and keep `serverless invoke local` from ending.
    await Promise.all([offsets.close(), holes.close()]);
  }
}
