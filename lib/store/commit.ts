// Commits a partition's records: folds them on the facts known, lets PostgreSQL judge, and folds again on its facts
// where they have changed. One round trip in the common case; nothing is held between two tries.

import { type ClientBase, DatabaseError } from "pg";
import {
  EARLIEST_WINDOW_END_US,
  type Facts,
  type FoldedBatch,
  foldRecords,
  type LogRecord,
} from "../aggregate/fold.ts";
import { fromMultirange, holds, type OffsetRanges, toMultirange, union } from "../core/ranges.ts";
import type { Event, Stream } from "../streams/stream.ts";

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
}

/** What became of the records. `replayed` ones had been applied before. */
export interface CommitOutcome {
  readonly records: number;
  readonly counted: number;
  readonly replayed: number;
  readonly quarantined: number;
  readonly tooLate: number;
  readonly duplicates: number;
  readonly late: number;
  readonly roundTrips: number;
}

/** A pool, or a connection with a transaction that the commit shall be part of. */
export type Queryable = Pick<ClientBase, "query">;

/** What `claim_batch` answers. */
interface Verdict {
  readonly applied: boolean;
  readonly incarnation: number;
  readonly nowUs: number;
  readonly watermarkUs: number | null;
  readonly late?: number;
  readonly alreadyApplied?: string;
  readonly ledgerMaxRecordTimeMs?: number | null;
  readonly seenEventKeys?: readonly string[];
}

/** Each try answers a change of the facts by others; more than this many in a row is a fault worth an error. */
const MAX_TRIES = 20;
/** deadlock_detected and serialization_failure: the transaction did nothing and may be tried again at once. */
const TRANSIENT = new Set(["40P01", "40001"]);

const statements = {
  sensor: "commit_sensor",
  consumption: "commit_consumption",
  weather: "commit_weather",
} as const;

const initialFacts: Facts = {
  applied: [],
  futureAfterUs: Number.POSITIVE_INFINITY,
  tooLateUpToUs: EARLIEST_WINDOW_END_US,
  seenEventKeys: new Set(),
};

function parametersOf<E extends Event, P>(
  stream: Stream<E, P>,
  address: PartitionAddress,
  rules: LatenessRules,
  deadIncarnation: number | null,
  batch: FoldedBatch<P>,
): unknown[] {
  const header = {
    stream: stream.name,
    ...address,
    deadIncarnation,
    offsets: toMultirange(batch.offsets),
    records: batch.records,
    counted: batch.counted,
    duplicates: batch.duplicates,
    firstWindowEndUs: batch.firstWindowEndUs,
    maxEventTimeUs: batch.maxEventTimeUs,
    maxRecordTimeMs: batch.maxRecordTimeMs,
    ...rules,
  };
  return [
    JSON.stringify(header),
    batch.identities.map((identity) => identity.eventKey),
    batch.identities.map((identity) => identity.timeUs),
    batch.refused.map((record) => record.offset),
    batch.refused.map((record) => record.refused),
    batch.refused.map((record) => record.field),
    batch.refused.map((record) => record.value),
    batch.tooLate.map((record) => record.offset),
    batch.tooLate.map((record) => record.timeUs),
    batch.tooLate.map((record) => record.value),
    batch.partials.map((partial) => partial.windowStartUs),
    ...stream.parameters(batch.partials.map(({ partial }) => partial)),
  ];
}

async function askDatabase(
  database: Queryable,
  statement: string,
  parameters: unknown[],
): Promise<Verdict | "try again"> {
  const placeholders = parameters.map((_, i) => `$${i + 1}`).join(", ");
  try {
    const { rows } = await database.query<{ verdict: Verdict }>({
      name: statement,
      text: `SELECT ${statement}(${placeholders}) AS verdict`,
      values: parameters,
    });
    const verdict = rows[0]?.verdict;
    if (verdict === undefined) throw new Error(`${statement} returned no row`);
    return verdict;
  } catch (error) {
    // The transaction was rolled back because of another one, not because of the data: the same call may succeed.
    if (error instanceof DatabaseError && TRANSIENT.has(error.code ?? "")) return "try again";
    throw error;
  }
}

/** A replayed record cannot be younger than all that the ledger has applied: then it is another topic of that name. */
function provesNewIncarnation(
  records: readonly LogRecord[],
  applied: OffsetRanges,
  verdict: Verdict,
): boolean {
  const newest = verdict.ledgerMaxRecordTimeMs;
  if (newest === undefined || newest === null) return false;
  return records.some((record) => record.recordTimeMs > newest && holds(applied, record.offset));
}

/** What the verdict adds to the facts: it speaks only of the offsets and identities of the try that it judged. */
function learn(facts: Facts, verdict: Verdict, rules: LatenessRules, applied: OffsetRanges): Facts {
  return {
    applied,
    futureAfterUs: verdict.nowUs + rules.futureSkewUs,
    tooLateUpToUs:
      verdict.watermarkUs === null
        ? EARLIEST_WINDOW_END_US
        : Math.max(EARLIEST_WINDOW_END_US, verdict.watermarkUs - rules.amendmentHorizonUs),
    seenEventKeys: new Set([...facts.seenEventKeys, ...(verdict.seenEventKeys ?? [])]),
  };
}

/**
 * Applies the records of one partition exactly once, in effect: offsets that were applied before are left out,
 * and the rest changes ledger, sums, quarantine and identities in one transaction.
 * @param database a pool; or a connection within a transaction, which is lost where another one is in its way: such a
 *   caller has to do its transaction again
 * @param records in offset order, not empty
 * @throws DatabaseError or a connection error where PostgreSQL is in trouble; then nothing was applied, or, when the
 *   connection broke at the commit, all of it, and delivering the batch again is right in both cases
 */
export async function commitRecords<E extends Event, P>(
  database: Queryable,
  stream: Stream<E, P>,
  address: PartitionAddress,
  records: readonly LogRecord[],
  rules: LatenessRules,
): Promise<CommitOutcome> {
  let facts = initialFacts;
  let deadIncarnation: number | null = null;
  for (let roundTrips = 1; roundTrips <= MAX_TRIES; roundTrips++) {
    const batch = foldRecords(stream, records, facts);
    const outcome = {
      records: records.length,
      counted: batch.counted,
      replayed: records.length - batch.records,
      quarantined: batch.refused.length,
      tooLate: batch.tooLate.length,
      duplicates: batch.duplicates,
      roundTrips,
    };
    if (batch.offsets.length === 0) return { ...outcome, late: 0, roundTrips: roundTrips - 1 };
    const parameters = parametersOf(stream, address, rules, deadIncarnation, batch);
    const verdict = await askDatabase(database, statements[stream.name], parameters);
    if (verdict === "try again") continue;
    if (verdict.applied) return { ...outcome, late: verdict.late ?? 0 };

    const applied = fromMultirange(verdict.alreadyApplied ?? "{}");
    const isNewIncarnation = provesNewIncarnation(records, applied, verdict);
    if (isNewIncarnation) deadIncarnation = verdict.incarnation;
    facts = learn(facts, verdict, rules, isNewIncarnation ? [] : union(facts.applied, applied));
  }
  const { topic, partition } = address;
  throw new Error(
    `${topic}-${partition} offsets ${records.at(0)?.offset}–${records.at(-1)?.offset}: the facts changed under ` +
      `${MAX_TRIES} tries of committing them; the batch will come again`,
  );
}
