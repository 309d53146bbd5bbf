// The handler of sweep-windows: what it is put together from when the function starts, and what each run does.

import type { Context } from "aws-lambda";
import { readDatabaseSettings } from "../config/database.ts";
import type { Environment } from "../config/environment.ts";
import { readDeployedName } from "../config/environment.ts";
import { readGroups, readKafkaSettings, readTopics, sourceOf } from "../config/kafka.ts";
import {
  readLatenessRules,
  readQuarantineRetentionDays,
  readTroubleRules,
  readWatermarkSettings,
  readWindowRetentionDays,
} from "../config/rules.ts";
import { metricWriter } from "../embedded-metrics.ts";
import { openArchive } from "../kafka/archive.ts";
import { openGroupReader } from "../kafka/groups.ts";
import { openOffsetReader } from "../kafka/offsets.ts";
import { topicLogOf } from "../kafka/topic-log.ts";
import { log } from "../log.ts";
import { logTrouble } from "../postgres/log-trouble.ts";
import { openPool } from "../postgres/pool.ts";
import { postgresSweepDatabase } from "../postgres/sweep-database.ts";
import { type SweptBroker, sweepAll } from "../windows/sweep-all.ts";

/** What one sweep delivers again at most; the next one goes on. */
const REDELIVERED_RECORDS = 100_000;
/** With less time left no other batch is begun: one may wait for locks and statements for long. */
const LEAST_FOR_A_BATCH_MS = 20_000;
/** Without a context nobody ends the function: on one machine, where a sweep is to be done before the next one is due. */
const USUAL_MS = 30_000;
const ASK_POLICY_EVERY_MS = 86_400_000;

/**
 * Makes the Lambda handler that sweeps all streams.
 * The handler throws where a stream could not be swept whole; the next run does what this one could not.
 */
export function sweeping(
  env: Environment,
): (event: unknown, context?: Pick<Context, "getRemainingTimeInMillis">) => Promise<void> {
  const kafka = readKafkaSettings(env);
  const rules = { ...readWatermarkSettings(env), ...readLatenessRules(env) };
  const retention = {
    recordDays: readQuarantineRetentionDays(env),
    windowDays: readWindowRetentionDays(env),
    amendmentHorizonUs: rules.amendmentHorizonUs,
  };
  const topics = readTopics(env);
  const offsets = openOffsetReader(kafka);
  const groups = openGroupReader(kafka);
  const archive = openArchive(kafka);
  const streams = {
    source: sourceOf(kafka.clusterArn, kafka.brokers),
    topics,
    groups: readGroups(env, topics),
  };
  const broker: SweptBroker = {
    topicLog: (topic) => topicLogOf(topic, offsets, groups, archive),
    readCommitted: groups.readCommitted,
    nextRecord: archive.nextRecord,
    readRecords: archive.read,
  };
  const pool = openPool(readDatabaseSettings(env), 45_000);
  const writeMetrics = metricWriter(readDeployedName(env));
  const troubleRules = readTroubleRules(env);
  const database = postgresSweepDatabase(pool);
  let policyAskedMs = Number.NEGATIVE_INFINITY;

  async function warnOfCompaction(): Promise<void> {
    if (performance.now() - policyAskedMs < ASK_POLICY_EVERY_MS) return;
    policyAskedMs = performance.now();
    const { compactionWarnings } = await import("../kafka/compaction.ts"); // once a day
    for (const warning of await compactionWarnings(Object.values(topics), groups.isCompacted))
      log("warn", warning);
  }
  return async (_event, context) => {
    const startedMs = performance.now();
    const remainingMs = () =>
      context?.getRemainingTimeInMillis() ?? USUAL_MS - (performance.now() - startedMs);
    // Before the sweep, which would make up for its own absence.
    await logTrouble(pool, troubleRules);
    try {
      const { outcomes, redelivered, failures } = await sweepAll(database, streams, broker, rules, {
        records: REDELIVERED_RECORDS,
        hasTime: () => remainingMs() > LEAST_FOR_A_BATCH_MS,
      });
      log("info", "swept", { streams: outcomes, redelivered });
      for (const { stream, lag, lost, watermarkUs, breaks } of outcomes) {
        const age = watermarkUs === null ? {} : { WatermarkAge: (Date.now() - watermarkUs / 1000) / 1000 };
        const broken = breaks.length > 0 ? { LogBreaks: breaks.length } : {};
        writeMetrics(stream, { Sweeps: 1, Lag: lag, Lost: lost, ...age, ...broken });
      }
      // Loaded only here: a sweep's start does not need it.
      const { keepHouse } = await import("../postgres/housekeeping.ts");
      await keepHouse(pool, retention);
      await warnOfCompaction();
      if (failures.length > 0)
        throw new AggregateError(
          failures,
          `not swept whole: ${failures.map((failure) => failure.message).join("; ")}`,
        );
    } finally {
      // Between two runs a connection would only grow stale, and keep `serverless invoke local` from ending.
      await Promise.all([offsets.close(), groups.close(), archive.close()]);
    }
  };
}
