// Sweeps all streams; what is wrong with one does not keep the others from becoming final.

import type { Pool } from "pg";
import { messageOf } from "../log.ts";
import { type StreamName, streamNames } from "../streams/stream.ts";
import { completeConflicts } from "./complete-conflicts.ts";
import { type NextRecord, settleHoles } from "./holes.ts";
import { logBreaks } from "./log-breaks.ts";
import { type SweepOutcome, type SweepRules, sweepStream } from "./sweep.ts";
import { postgresSweepStore } from "./sweep-store.ts";
import type { TopicLog } from "./watch-log.ts";

export interface Swept {
  readonly outcomes: readonly SweepOutcome[];
  /** What went wrong, for each stream that it went wrong for. */
  readonly failures: readonly Error[];
}

/** Every stream has its turn; whoever calls throws the failures when he has made use of the rest. */
export async function sweepAll(
  pool: Pool,
  source: string,
  topics: Readonly<Record<StreamName, string>>,
  topicLog: (topic: string) => TopicLog,
  nextRecord: NextRecord,
  rules: SweepRules,
): Promise<Swept> {
  const store = postgresSweepStore(pool);
  const outcomes: SweepOutcome[] = [];
  const failures: Error[] = [];
  for (const stream of streamNames) {
    const topic = topics[stream];
    try {
      const outcome = await sweepStream(store, { stream, source, topic }, topicLog(topic), rules);
      logBreaks(source, topic, outcome.breaks);
      outcomes.push(outcome);
      // Afterwards: a sweep does not wait for it, the next one has the use of it.
      await settleHoles(pool, { stream, source, topic }, await topicLog(topic).offsets(), nextRecord);
      await completeConflicts(pool, { stream, source, topic }, topicLog(topic));
    } catch (error) {
      // The other streams still have their turn.
      failures.push(new Error(`${stream} (${topic}): ${messageOf(error)}`, { cause: error }));
    }
  }
  return { outcomes, failures };
}
