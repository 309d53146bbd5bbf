// Sweeps all streams; what is wrong with one does not keep the others from becoming final.

import type { PartitionOffsets } from "../core/watermark.ts";
import { log, messageOf } from "../log.ts";
import type { StreamName } from "../streams/stream.ts";
import { type SweepOutcome, type SweepRules, type SweepStore, sweepStream } from "./sweep.ts";

/** @throws AggregateError, after every stream had its turn, with what went wrong for each */
export async function sweepAll(
  store: SweepStore,
  source: string,
  topics: Readonly<Record<StreamName, string>>,
  readOffsets: (topic: string) => Promise<readonly PartitionOffsets[]>,
  rules: SweepRules,
): Promise<SweepOutcome[]> {
  const outcomes: SweepOutcome[] = [];
  const failures: Error[] = [];
  for (const stream of ["sensor", "consumption", "weather"] as const) {
    const topic = topics[stream];
    try {
      const outcome = await sweepStream(store, { stream, source, topic }, () => readOffsets(topic), rules);
      if (outcome.recreatedPartitions.length > 0)
        log("warn", "topic was deleted and created again; its partitions start over", {
          topic,
          partitions: outcome.recreatedPartitions,
        });
      outcomes.push(outcome);
    } catch (error) {
      // The other streams are swept first; the error is thrown after them.
      failures.push(new Error(`${stream} (${topic}): ${messageOf(error)}`, { cause: error }));
    }
  }
  if (failures.length > 0)
    throw new AggregateError(failures, `not swept: ${failures.map((failure) => failure.message).join("; ")}`);
  return outcomes;
}
