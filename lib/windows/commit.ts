// Commits a partition's records: folds them on the facts known, lets the judge (PostgreSQL) decide, and folds again on its facts
// where they have changed. One round trip in the common case; nothing is held between two tries.

import type { Tail } from "../core/log-identity.ts";
import type { LogRecord } from "../core/log-record.ts";
import { fromMultirange, union } from "../core/ranges.ts";
import { type Event, inZone, type Stream, type StreamZones } from "../streams/stream.ts";
import {
  EARLIEST_WINDOW_END_US,
  type Facts,
  type FoldedBatch,
  foldRecords,
  noFacts,
  type SeenIdentity,
} from "./fold.ts";
import { tailOf } from "./tail.ts";

/** Where records come from. */
export interface PartitionAddress {
  /** The cluster: MSK's ARN, or the bootstrap servers of a self-managed one. */
  readonly source: string;
  readonly topic: string;
  readonly partition: number;
}

export interface LatenessRules {
  /** How far ahead of the database's clock an event time may be, µs. */
  readonly futureSkewUs: number;
  /** For how long after its watermark a window can still be amended, µs. */
  readonly amendmentHorizonUs: number;
  /** Of time stamps without a zone; UTC where absent. */
  readonly zones?: StreamZones;
}

/** What became of the records. `replayed` ones had been applied before. */
export interface CommitOutcome {
  readonly records: number;
  readonly counted: number;
  readonly replayed: number;
  readonly quarantined: number;
  readonly tooLate: number;
  readonly duplicates: number;
  readonly conflicts: number;
  /** Counted events with a value that is likely to be another unit. */
  readonly doubtful: number;
  readonly late: number;
  readonly roundTrips: number;
}

interface Judged {
  readonly incarnation: number;
  readonly nowUs: number;
  readonly watermarkUs: number | null;
}

/** What `commit_<stream>` answers: applied, or not, and then the facts to fold again with. */
export type Verdict = Judged &
  (
    | {
        readonly applied: true;
        readonly late: number;
        /** Of weather: how many events are doubtful by their station's history alone. */
        readonly doubtfulByHistory?: number;
      }
    | {
        readonly applied: false;
        /** Of the batch's offsets, as an `int8multirange`. */
        readonly alreadyApplied: string;
        /** Identities of the batch that were counted before. */
        readonly seen: readonly (SeenIdentity & { readonly eventKey: string })[];
      }
  );

type RefusedVerdict = Extract<Verdict, { applied: false }>;

/**
 * Judges a batch and, where its facts hold, applies it, in one transaction. "try again" says that nothing happened
 * for a reason that lies in other transactions.
 * @param tail of the batch as it was delivered
 */
export type Judge = <E extends Event>(
  stream: Stream<E>,
  address: PartitionAddress,
  rules: LatenessRules,
  tail: Tail,
  batch: FoldedBatch,
) => Promise<Verdict | "try again">;

/** Each try answers a change of the facts by others; more than this many in a row is a fault worth an error. */
const MAX_TRIES = 20;

/** What the verdict adds to the facts: it speaks only of the offsets and identities of the try that it judged. */
function learn(facts: Facts, verdict: RefusedVerdict, rules: LatenessRules): Facts {
  return {
    applied: union(facts.applied, fromMultirange(verdict.alreadyApplied)),
    futureAfterUs: verdict.nowUs + rules.futureSkewUs,
    tooLateUpToUs:
      verdict.watermarkUs === null
        ? EARLIEST_WINDOW_END_US
        : Math.max(EARLIEST_WINDOW_END_US, verdict.watermarkUs - rules.amendmentHorizonUs),
    seen: new Map([...facts.seen, ...verdict.seen.map((one) => [one.eventKey, one] as const)]),
  };
}

/**
 * Applies the records of one partition exactly once, in effect: offsets that were applied before are left out,
 * and the rest changes ledger, sums, quarantine and identities in one transaction.
 * @param records in offset order, not empty
 * @throws what the judge throws where PostgreSQL is in trouble; then nothing was applied, or, when the connection
 *   broke at the commit, all of it, and delivering the batch again is right in both cases
 */
export async function commitRecords<E extends Event>(
  judge: Judge,
  stream: Stream<E>,
  address: PartitionAddress,
  records: readonly LogRecord[],
  rules: LatenessRules,
): Promise<CommitOutcome> {
  let facts = noFacts;
  const tail = tailOf(records);
  const zoned = inZone(stream, rules.zones);
  for (let roundTrips = 1; roundTrips <= MAX_TRIES; roundTrips++) {
    const batch = foldRecords(zoned, records, facts);
    const outcome = {
      records: records.length,
      counted: batch.counted,
      replayed: records.length - batch.records,
      quarantined: batch.refused.length,
      tooLate: batch.tooLate.length,
      duplicates: batch.duplicates,
      conflicts: batch.conflicts.length,
      doubtful: new Set(batch.doubtful.map(({ offset }) => offset)).size,
      roundTrips,
    };
    if (batch.offsets.length === 0) return { ...outcome, late: 0, roundTrips: roundTrips - 1 };
    const verdict: Verdict | "try again" = await judge(stream, address, rules, tail, batch);
    if (verdict === "try again") continue;
    if (verdict.applied) {
      const doubtful = outcome.doubtful + (verdict.doubtfulByHistory ?? 0);
      return { ...outcome, doubtful, late: verdict.late };
    }

    facts = learn(facts, verdict, rules);
  }
  const { topic, partition } = address;
  throw new Error(
    `${topic}-${partition} offsets ${records.at(0)?.offset}–${records.at(-1)?.offset}: the facts changed under ` +
      `${MAX_TRIES} tries of committing them; the batch will come again`,
  );
}
