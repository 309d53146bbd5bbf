// Sweeps a stream: observes its partitions and moves its watermark on, which makes the windows final that it passes.
// Safe to run twice at once: the stream's row is locked while the watermark moves.

import type { OffsetRanges } from "../core/ranges.ts";
import {
  advanceWatermark,
  isIdle,
  type PartitionOffsets,
  type PartitionProgress,
} from "../core/watermark.ts";
import type { StreamName } from "../streams/stream.ts";
import { type LedgerEntry, type Observed, type TopicLog, watchLog } from "./watch-log.ts";

export interface SweptTopic {
  readonly stream: StreamName;
  readonly source: string;
  readonly topic: string;
}

/** Offsets [from, to) of a partition that the ledger does not hold. */
export interface Gap {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** What the broker says of gaps. */
export interface CheckedGaps {
  /** Each begins with an offset that holds a record or still may; in offset order within a partition. */
  readonly withRecord: readonly Gap[];
  /** How many offsets by partition have not been looked up on the broker: there were too many gaps for one sweep. */
  readonly unchecked: ReadonlyMap<number, number>;
}

export interface SweepRules {
  readonly delayUs: number;
  readonly idleUs: number;
  readonly amendmentHorizonUs: number;
}

/** Where a watermark was moved to, and what was seen. */
export interface MovedWatermark {
  readonly watermarkUs: number | null;
  readonly heldBy: number | null;
  readonly lag: number;
  readonly idlePartitions: readonly number[];
}

export interface SweepOutcome extends MovedWatermark {
  readonly stream: StreamName;
  /** Where another log answers than before, or the log was cut. */
  readonly breaks: readonly FoundBreak[];
  /** Of what the trigger's group has passed; those with a record are lost. */
  readonly passed: CheckedGaps;
}

export interface ObservedPartition extends PartitionProgress {
  readonly offsets: PartitionOffsets;
  /** Start of the present unbroken watch, µs. */
  readonly observedSinceUs: number;
}

/** A break as it is told. */
export type FoundBreak = {
  readonly partition: number;
  /** Cluster, topic and epoch until then, and now; of a renamed cluster, its names. */
  readonly before: string;
  readonly after: string;
  /** Offsets that were applied and are of the log no more; of a renamed cluster: counted under both names. */
  readonly offsets: OffsetRanges;
} & (
  | { readonly kind: "another_cluster" | "created_again" | "renamed" }
  | { readonly kind: "truncated"; readonly from: number; readonly to: number }
);

export interface LedgerReading {
  /** The database's clock when it was read, µs. */
  readonly readAtUs: number;
  readonly entries: readonly LedgerEntry[];
}

/** What a sweep reads and writes; each call is one transaction. */
export interface SweepStore {
  readLedger(swept: SweptTopic): Promise<LedgerReading>;
  /**
   * Writes down which logs were seen, and begins the next entry where one broke and nobody has begun it yet.
   * @returns what is to be told
   */
  recordLogs(swept: SweptTopic, observed: readonly Observed[]): Promise<readonly FoundBreak[]>;
  /**
   * Under the lock of the stream's row: joins the broker's offsets with ledger and previous observation, and
   * records what `decide` makes of them. No commit is under way while the watermark moves. Silence is reckoned up to `askedAtUs`, after which the broker was asked:
   * of what came since, its answer says nothing, and a sweeper may be frozen for long before it gets here.
   */
  moveWatermark(
    swept: SweptTopic,
    offsets: readonly PartitionOffsets[],
    askedAtUs: number,
    idleUs: number,
    decide: (previousUs: number | null, partitions: readonly ObservedPartition[]) => MovedWatermark,
  ): Promise<MovedWatermark>;
  /** Forgets identities of events that would be too late by now. */
  forgetIdentities(stream: StreamName, amendmentHorizonUs: number): Promise<void>;
}

const nothingPassed: CheckedGaps = { withRecord: [], unchecked: new Map() };

/**
 * One sweep of one stream.
 * While something is lost the watermark stands: what is delivered again finds its windows as they were left.
 * @param log the topic on the broker; asked after the ledger was read
 * @param findLost called when each log has its entry
 * @throws where broker or database are away; a later sweep does what this one could not
 */
export async function sweepStream(
  store: SweepStore,
  swept: SweptTopic,
  log: TopicLog,
  rules: SweepRules,
  findLost: (offsets: readonly PartitionOffsets[]) => Promise<CheckedGaps> = async () => nothingPassed,
): Promise<SweepOutcome> {
  const { readAtUs, entries } = await store.readLedger(swept);
  const offsets = await log.offsets();
  const breaks = await store.recordLogs(swept, await watchLog(log, entries, offsets));
  const passed = await findLost(offsets);
  const [holding] = passed.withRecord;
  const moved = await store.moveWatermark(
    swept,
    offsets,
    readAtUs,
    rules.idleUs,
    (previousUs, partitions) => {
      const { atUs, heldBy } =
        holding === undefined
          ? advanceWatermark(previousUs, partitions, { nowUs: readAtUs, ...rules })
          : { atUs: previousUs, heldBy: holding.partition };
      return {
        watermarkUs: atUs,
        heldBy,
        lag: partitions.reduce((sum, p) => sum + p.lag, 0),
        idlePartitions: partitions.filter((p) => isIdle(p, rules.idleUs)).map((p) => p.partition),
      };
    },
  );
  await store.forgetIdentities(swept.stream, rules.amendmentHorizonUs);
  return { stream: swept.stream, ...moved, breaks, passed };
}
