import {
  readDatabaseSettings,
  readDeployedName,
  readKafkaSettings,
  readLatenessRules,
  readTopics,
  readWatermarkSettings,
  sourceOf,
} from "../../lib/config.ts";
import { metricWriter } from "../../lib/embedded-metrics.ts";
import { openOffsetReader } from "../../lib/kafka/offsets.ts";
import { log } from "../../lib/log.ts";
import { openPool } from "../../lib/store/pool.ts";
import { sweepAll } from "../../lib/store/sweep-all.ts";

const kafka = readKafkaSettings(process.env);
const rules = { ...readWatermarkSettings(process.env), ...readLatenessRules(process.env) };
const topics = readTopics(process.env);
const offsets = openOffsetReader(kafka);
const source = sourceOf(kafka.clusterArn, kafka.brokers);
const pool = openPool(readDatabaseSettings(process.env), 45_000);
const writeMetrics = metricWriter(readDeployedName(process.env));

export async function handler(): Promise<void> {
  try {
    const outcomes = await sweepAll(pool, source, topics, offsets.read, rules);
    log("info", "swept", { streams: outcomes });
    for (const { stream, lag, watermarkUs, finalised } of outcomes) {
      const age = watermarkUs === null ? {} : { WatermarkAge: (Date.now() - watermarkUs / 1000) / 1000 };
      writeMetrics(stream, { Sweeps: 1, Lag: lag, Finalised: finalised, ...age });
    }
  } finally {
    // Between two runs a connection would only grow stale, and keep `serverless invoke local` from ending.
    await offsets.close();
  }
}
