import { readDatabaseSettings } from "../../lib/config/database.ts";
import { readDeployedName } from "../../lib/config/environment.ts";
import { readKafkaSettings, readTopics, sourceOf } from "../../lib/config/kafka.ts";
import {
  readLatenessRules,
  readQuarantineRetentionDays,
  readTroubleRules,
  readWatermarkSettings,
} from "../../lib/config/rules.ts";
import { metricWriter } from "../../lib/embedded-metrics.ts";
import { openArchive } from "../../lib/kafka/archive.ts";
import { openOffsetReader } from "../../lib/kafka/offsets.ts";
import { log } from "../../lib/log.ts";
import { logTrouble } from "../../lib/store/log-trouble.ts";
import { openPool } from "../../lib/store/pool.ts";
import { forgetConflicts, forgetDoubtful, forgetQuarantine } from "../../lib/store/retention.ts";
import { sweepAll } from "../../lib/store/sweep-all.ts";

const kafka = readKafkaSettings(process.env);
const rules = { ...readWatermarkSettings(process.env), ...readLatenessRules(process.env) };
const retentionDays = readQuarantineRetentionDays(process.env);
const topics = readTopics(process.env);
const offsets = openOffsetReader(kafka);
const archive = openArchive(kafka);
const source = sourceOf(kafka.clusterArn, kafka.brokers);
const pool = openPool(readDatabaseSettings(process.env), 45_000);
const writeMetrics = metricWriter(readDeployedName(process.env));
const troubleRules = readTroubleRules(process.env);

export async function handler(): Promise<void> {
  // Before the sweep, which would make up for its own absence.
  await logTrouble(pool, troubleRules);
  try {
    const { outcomes, failures } = await sweepAll(
      pool,
      source,
      topics,
      (topic) => ({
        offsets: () => offsets.read(topic),
        see: (entryEpochs) => archive.see(topic, entryEpochs),
        epochStarts: (partition, leaderEpoch) => archive.epochStarts(topic, partition, leaderEpoch),
        read: (partition, ranges) => archive.read(topic, partition, ranges),
      }),
      archive.nextRecord,
      rules,
    );
    log("info", "swept", { streams: outcomes });
    for (const { stream, lag, watermarkUs, finalised, breaks } of outcomes) {
      const age = watermarkUs === null ? {} : { WatermarkAge: (Date.now() - watermarkUs / 1000) / 1000 };
      const broken = breaks.length > 0 ? { LogBreaks: breaks.length } : {};
      writeMetrics(stream, { Sweeps: 1, Lag: lag, Finalised: finalised, ...age, ...broken });
    }
    await forgetConflicts(pool, retentionDays);
    await forgetDoubtful(pool, retentionDays);
    const forgotten = await forgetQuarantine(pool, retentionDays);
    if (forgotten.unresolved > 0)
      log("warn", "quarantined records were forgotten that nobody had resolved", {
        ...forgotten,
        retentionDays,
      });
    if (failures.length > 0)
      throw new AggregateError(
        failures,
        `not swept whole: ${failures.map((failure) => failure.message).join("; ")}`,
      );
  } finally {
    // Between two runs a connection would only grow stale, and keep `serverless invoke local` from ending.
    await Promise.all([offsets.close(), archive.close()]);
  }
}
