// The handler of every aggregating function: one way of an event, from the trigger to the commit.

import type { Context } from "aws-lambda";
import { type Environment, readDatabaseSettings, readLatenessRules } from "../config.ts";
import { log } from "../log.ts";
import { commitRecords } from "../store/commit.ts";
import { postgresJudge } from "../store/judge.ts";
import { openPool } from "../store/pool.ts";
import type { Event, Stream } from "../streams/stream.ts";
import { type KafkaEvent, readKafkaEvent } from "./kafka-event.ts";

/** Below the functions' time-out of 60 s, so that PostgreSQL gives up before Lambda does. */
const STATEMENT_TIMEOUT_MS = 45_000;

/**
 * Makes a Lambda handler that commits what a Kafka trigger delivers.
 * The handler throws for trouble with infrastructure only; the whole batch can then come again.
 */
export function aggregate<E extends Event, P>(
  stream: Stream<E, P>,
  env: Environment,
): (event: KafkaEvent, context?: Context) => Promise<void> {
  const rules = readLatenessRules(env);
  const judge = postgresJudge(openPool(readDatabaseSettings(env), STATEMENT_TIMEOUT_MS));
  return async (event) => {
    for (const { address, records } of readKafkaEvent(event)) {
      const startedMs = performance.now();
      const outcome = await commitRecords(judge, stream, address, records, rules);
      log("info", "committed", {
        stream: stream.name,
        partition: `${address.topic}-${address.partition}`,
        firstOffset: records.at(0)?.offset,
        lastOffset: records.at(-1)?.offset,
        ...outcome,
        ms: Math.round(performance.now() - startedMs),
      });
    }
  };
}
