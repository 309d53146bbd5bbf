// Sweeps a stream: observes its partitions, moves its watermark on and makes passed windows final.
// Safe to run twice at once: the stream's row is locked while the watermark moves, and finality follows from it.

import {
  advanceWatermark,
  isIdle,
  type PartitionOffsets,
  type PartitionProgress,
} from "../core/watermark.ts";
import type { StreamName } from "../streams/stream.ts";

export interface SweptTopic {
  readonly stream: StreamName;
  readonly source: string;
  readonly topic: string;
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
  readonly finalised: number;
  /** Partitions that start over because their topic was deleted and created again. */
  readonly recreatedPartitions: readonly number[];
}

export interface ObservedPartition extends PartitionProgress {
  readonly offsets: PartitionOffsets;
  /** Start of the present unbroken watch, µs. */
  readonly observedSinceUs: number;
}

/** What a sweep reads and writes; each call is one transaction. */
export interface SweepStore {
  /** The end of the newest ledger entry of each partition. */
  readLedgerEnds(swept: SweptTopic): Promise<ReadonlyMap<number, number>>;
  startIncarnations(swept: SweptTopic, partitions: readonly number[]): Promise<void>;
  /**
   * Under the lock of the stream's row: joins the broker's offsets with ledger and previous observation, and
   * records what `decide` makes of them.
   */
  moveWatermark(
    swept: SweptTopic,
    offsets: readonly PartitionOffsets[],
    idleUs: number,
    decide: (
      previousUs: number | null,
      nowUs: number,
      partitions: readonly ObservedPartition[],
    ) => MovedWatermark,
  ): Promise<MovedWatermark>;
  /** Makes up to `most` passed rows final; returns how many. */
  finalise(stream: StreamName, most: number): Promise<number>;
  /** Forgets identities of events that would be too late by now. */
  forgetIdentities(stream: StreamName, amendmentHorizonUs: number): Promise<void>;
}

const FINALISE_BATCH = 5_000;

/**
 * A partition whose end lies below what the ledger has applied belongs to a topic that was created again.
 * `ledgerEnds` must have been read before `offsets` were asked of the broker.
 */
function recreated(ledgerEnds: ReadonlyMap<number, number>, offsets: readonly PartitionOffsets[]): number[] {
  return offsets
    .filter(({ partition, end }) => end < (ledgerEnds.get(partition) ?? 0))
    .map((o) => o.partition);
}

async function finaliseRows(store: SweepStore, stream: StreamName): Promise<number> {
  let total = 0;
  for (;;) {
    const finalised = await store.finalise(stream, FINALISE_BATCH);
    total += finalised;
    if (finalised < FINALISE_BATCH) return total;
  }
}

/**
 * One sweep of one stream.
 * @param readOffsets asks the broker for the partitions of the topic; called after the ledger was read
 * @throws where broker or database are away; a later sweep does what this one could not
 */
export async function sweepStream(
  store: SweepStore,
  swept: SweptTopic,
  readOffsets: () => Promise<readonly PartitionOffsets[]>,
  rules: SweepRules,
): Promise<SweepOutcome> {
  const ledgerEnds = await store.readLedgerEnds(swept);
  const offsets = await readOffsets();
  const recreatedPartitions = recreated(ledgerEnds, offsets);
  if (recreatedPartitions.length > 0) await store.startIncarnations(swept, recreatedPartitions);
  const moved = await store.moveWatermark(swept, offsets, rules.idleUs, (previousUs, nowUs, partitions) => {
    const { atUs, heldBy } = advanceWatermark(previousUs, partitions, { nowUs, ...rules });
    return {
      watermarkUs: atUs,
      heldBy,
      lag: partitions.reduce((sum, p) => sum + p.lag, 0),
      idlePartitions: partitions.filter((p) => isIdle(p, rules.idleUs)).map((p) => p.partition),
    };
  });
  const finalised = await finaliseRows(store, swept.stream);
  await store.forgetIdentities(swept.stream, rules.amendmentHorizonUs);
  return { stream: swept.stream, ...moved, finalised, recreatedPartitions };
}
