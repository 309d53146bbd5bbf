import {
  readDatabaseSettings,
  readKafkaSettings,
  readLatenessRules,
  readTopics,
  readTroubleRules,
  readWatermarkSettings,
  sourceOf,
} from "../../lib/config.ts";
import { openOffsetReader } from "../../lib/kafka/offsets.ts";
import { log } from "../../lib/log.ts";
import { logTrouble } from "../../lib/store/log-trouble.ts";
import { openPool } from "../../lib/store/pool.ts";
import { sweepAll } from "../../lib/store/sweep-all.ts";
import { postgresSweepStore } from "../../lib/store/sweep-store.ts";

const kafka = readKafkaSettings(process.env);
const rules = { ...readWatermarkSettings(process.env), ...readLatenessRules(process.env) };
const topics = readTopics(process.env);
const offsets = openOffsetReader(kafka);
const source = sourceOf(kafka.clusterArn, kafka.brokers);
const pool = openPool(readDatabaseSettings(process.env), 45_000);
const store = postgresSweepStore(pool);
const troubleRules = readTroubleRules(process.env);

export async function handler(): Promise<void> {
  // Before the sweep, which would make up for its own absence.
  await logTrouble(pool, troubleRules);
  try {
    const outcomes = await sweepAll(store, source, topics, offsets.read, rules);
    log("info", "swept", { streams: outcomes });
  } finally {
    // Between two runs a connection would only grow stale, and keep `serverless invoke local` from ending.
    await offsets.close();
  }
}
