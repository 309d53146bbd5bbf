// The handler of every aggregating function: one way of an event, from the trigger to the commit.

import type { Context } from "aws-lambda";
import { DatabaseError } from "pg";
import { readDatabaseSettings } from "../config/database.ts";
import { type Environment, readDeployedName } from "../config/environment.ts";
import { readClusterArn } from "../config/kafka.ts";
import { readLatenessRules } from "../config/rules.ts";
import { metricWriter } from "../embedded-metrics.ts";
import { log, messageOf } from "../log.ts";
import { postgresJudge } from "../postgres/judge.ts";
import { openPool } from "../postgres/pool.ts";
import type { Event, Stream } from "../streams/stream.ts";
import { commitRecords } from "../windows/commit.ts";
import { type KafkaEvent, readKafkaEvent } from "./kafka-event.ts";

/** Below the functions' time-out of 60 s, so that PostgreSQL gives up before Lambda does. */
const STATEMENT_TIMEOUT_MS = 45_000;

/**
 * Makes a Lambda handler that commits what a Kafka trigger delivers.
 * The handler throws for trouble with infrastructure only; the whole batch can then come again.
 */
export function aggregate<E extends Event>(
  stream: Stream<E>,
  env: Environment,
): (event: KafkaEvent, context?: Pick<Context, "getRemainingTimeInMillis">) => Promise<void> {
  const rules = readLatenessRules(env);
  const clusterArn = readClusterArn(env);
  const pool = openPool(readDatabaseSettings(env), STATEMENT_TIMEOUT_MS);
  const writeMetrics = metricWriter(readDeployedName(env));
  return async (event, context) => {
    const judge = postgresJudge(pool, context && (() => context.getRemainingTimeInMillis()));
    for (const { address, records } of readKafkaEvent(event, clusterArn)) {
      const startedMs = performance.now();
      const batch = {
        stream: stream.name,
        partition: `${address.topic}-${address.partition}`,
        firstOffset: records.at(0)?.offset,
        lastOffset: records.at(-1)?.offset,
      };
      try {
        const outcome = await commitRecords(judge, stream, address, records, rules);
        const ms = Math.round(performance.now() - startedMs);
        log("info", "committed", { ...batch, ...outcome, ms });
        writeMetrics(stream.name, {
          Records: outcome.records,
          Quarantined: outcome.quarantined,
          TooLate: outcome.tooLate,
          Conflicts: outcome.conflicts,
          Doubtful: outcome.doubtful,
          Replayed: outcome.replayed,
          Late: outcome.late,
          CommitDuration: ms,
        });
      } catch (error) {
        // The trigger delivers the batch again; the SQLSTATE says whether the database was full, busy or gone.
        const sqlState = error instanceof DatabaseError ? error.code : null;
        log("error", "not committed", { ...batch, sqlState, reason: messageOf(error) });
        throw error;
      }
    }
  };
}
