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
  /** Partitions that have another incarnation now, for their topic was deleted and created again. */
  readonly startedIncarnations: readonly number[];
}

export interface ObservedPartition extends PartitionProgress {
  readonly offsets: PartitionOffsets;
  /** Start of the present unbroken watch, µs. */
  readonly observedSinceUs: number;
}

/** The newest ledger entry of a partition. */
export interface LedgerEnd {
  readonly partition: number;
  readonly incarnation: number;
  /** Offset after the largest that was applied. */
  readonly end: number;
}

export interface LedgerReading {
  /** The database's clock when it was read, µs. */
  readonly readAtUs: number;
  readonly ends: readonly LedgerEnd[];
}

/** What a sweep reads and writes; each call is one transaction. */
export interface SweepStore {
  readLedger(swept: SweptTopic): Promise<LedgerReading>;
  /** Begins the incarnation after each of these, where nobody has begun it yet. */
  startIncarnationsAfter(swept: SweptTopic, dead: readonly LedgerEnd[]): Promise<void>;
  /**
   * Under the lock of the stream's row: joins the broker's offsets with ledger and previous observation, and
   * records what `decide` makes of them. Silence is reckoned up to `askedAtUs`, after which the broker was asked:
   * of what came since, its answer says nothing, and a sweeper may be frozen for long before it gets here.
   */
  moveWatermark(
    swept: SweptTopic,
    offsets: readonly PartitionOffsets[],
    askedAtUs: number,
    idleUs: number,
    decide: (previousUs: number | null, partitions: readonly ObservedPartition[]) => MovedWatermark,
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
function deadIncarnations(
  ledgerEnds: readonly LedgerEnd[],
  offsets: readonly PartitionOffsets[],
): LedgerEnd[] {
  const brokerEnds = new Map(offsets.map(({ partition, end }) => [partition, end]));
  return ledgerEnds.filter(({ partition, end }) => (brokerEnds.get(partition) ?? end) < end);
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
  const { readAtUs, ends } = await store.readLedger(swept);
  const offsets = await readOffsets();
  const dead = deadIncarnations(ends, offsets);
  if (dead.length > 0) await store.startIncarnationsAfter(swept, dead);
  const moved = await store.moveWatermark(
    swept,
    offsets,
    readAtUs,
    rules.idleUs,
    (previousUs, partitions) => {
      const { atUs, heldBy } = advanceWatermark(previousUs, partitions, { nowUs: readAtUs, ...rules });
      return {
        watermarkUs: atUs,
        heldBy,
        lag: partitions.reduce((sum, p) => sum + p.lag, 0),
        idlePartitions: partitions.filter((p) => isIdle(p, rules.idleUs)).map((p) => p.partition),
      };
    },
  );
  const finalised = await finaliseRows(store, swept.stream);
  await store.forgetIdentities(swept.stream, rules.amendmentHorizonUs);
  return { stream: swept.stream, ...moved, finalised, startedIncarnations: dead.map((d) => d.partition) };
}
