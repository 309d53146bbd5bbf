// PostgreSQL as the judge of a commit: one call of the stream's commit function, one transaction.

import { type ClientBase, DatabaseError } from "pg";
import type { Tail } from "../core/log-identity.ts";
import { toMultirange } from "../core/ranges.ts";
import type { Event, Stream } from "../streams/stream.ts";
import type { Judge, LatenessRules, PartitionAddress, Verdict } from "../windows/commit.ts";
import type { ConflictingRecord, FoldedBatch } from "../windows/fold.ts";

/** A pool, or a connection with a transaction that the commit shall be part of. */
export type Queryable = Pick<ClientBase, "query">;

/** deadlock_detected and serialization_failure: the transaction did nothing and may be tried again at once. */
const TRANSIENT = new Set(["40P01", "40001"]);
/** A try may wait for more than one lock, for 5 s each (pool.ts): with less time left it is not begun. */
const LEAST_FOR_A_TRY_MS = 10_000;

/** Rare lists travel in the header, bytes as base64. */
function conflictInHeader({ eventKey, offset, timeUs, value, first }: ConflictingRecord): object {
  return {
    ...{ eventKey, offset, timeUs, value: value.toString("base64") },
    ...{ firstLog: first.log, firstOffset: first.offset, firstValue: first.value?.toString("base64") },
  };
}

function parametersOf<E extends Event>(
  stream: Stream<E>,
  address: PartitionAddress,
  rules: LatenessRules,
  tail: Tail,
  batch: FoldedBatch,
): unknown[] {
  const header = {
    stream: stream.name,
    ...address,
    ...tail,
    offsets: toMultirange(batch.offsets),
    records: batch.records,
    counted: batch.counted,
    duplicates: batch.duplicates,
    firstWindowEndUs: batch.firstWindowEndUs,
    maxEventTimeUs: batch.maxEventTimeUs,
    conflicts: batch.conflicts.map(conflictInHeader),
    doubtful: batch.doubtful,
    stationReadings: batch.stationReadings,
    lateness: batch.lateness,
    futureSkewUs: rules.futureSkewUs,
    amendmentHorizonUs: rules.amendmentHorizonUs,
  };
  return [
    JSON.stringify(header),
    batch.identities.map((identity) => identity.eventKey),
    batch.identities.map((identity) => identity.timeUs),
    batch.identities.map((identity) => identity.content),
    batch.identities.map((identity) => identity.offset),
    batch.refused.map((record) => record.offset),
    batch.refused.map((record) => record.refused),
    batch.refused.map((record) => record.field),
    batch.refused.map((record) => record.value),
    batch.tooLate.map((record) => record.offset),
    batch.tooLate.map((record) => record.timeUs),
    batch.tooLate.map((record) => record.value),
    batch.rows.windowStartsUs,
    ...batch.rows.parameters(),
  ];
}

/**
 * @param database a pool; or a connection within a transaction, which is lost where another one is in its way: such a
 *   caller has to do its transaction again
 * @param remainingMs the time that the caller still has, ms
 * @throws DatabaseError or a connection error where PostgreSQL is in trouble, or another transaction was in the way
 *   and too little time is left to try again
 */
export function postgresJudge(
  database: Queryable,
  remainingMs: () => number = () => Number.POSITIVE_INFINITY,
): Judge {
  return async (stream, ...batch) => {
    const statement = `commit_${stream.name}`;
    const values = parametersOf(stream, ...batch);
    const placeholders = values.map((_, i) => `$${i + 1}`).join(", ");
    try {
      const { rows } = await database.query<{ verdict: Verdict }>({
        name: statement,
        text: `SELECT ${statement}(${placeholders}) AS verdict`,
        values,
      });
      const verdict = rows[0]?.verdict;
      if (verdict === undefined) throw new Error(`${statement} returned no row`);
      return verdict;
    } catch (error) {
      // The transaction was rolled back because of another one, not because of the data: the same call may succeed.
      const mayPass = error instanceof DatabaseError && TRANSIENT.has(error.code ?? "");
      if (mayPass && remainingMs() >= LEAST_FOR_A_TRY_MS) return "try again";
      throw error;
    }
  };
}
