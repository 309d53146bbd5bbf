// Quarantined records, found by position or by what they have in common.

import type { Pool } from "pg";
import type { RefusalReason } from "../streams/refusal.ts";
import { formatPosition, type Position } from "./position.ts";

export type RecordState = "unresolved" | "replayed" | "discarded";

export interface QuarantinedRecord extends Position {
  readonly source: string;
  readonly reason: RefusalReason;
  readonly field: string | null;
  readonly value: Buffer | null;
  readonly quarantinedAt: Date;
  readonly resolution: "replayed" | "discarded" | null;
  readonly outcome: string | null;
  readonly resolvedAt: Date | null;
  readonly resolvedBy: string | null;
  readonly note: string | null;
  readonly editedValue: Buffer | null;
  /** Replays that were refused again. */
  readonly attempts: number;
  readonly attemptedAt: Date | null;
  readonly attemptedBy: string | null;
  readonly lastReason: RefusalReason | null;
  readonly lastField: string | null;
}

/** What names one record. */
export type RecordKey = Pick<QuarantinedRecord, "source" | "topic" | "partition" | "incarnation" | "offset">;

/** What the wanted records have in common; what is not said does not matter. */
export interface RecordFilter {
  readonly source?: string;
  readonly topic?: string;
  readonly partition?: number;
  readonly incarnation?: number;
  /** First and last offset. */
  readonly offsets?: readonly [number, number];
  readonly reason?: string;
  readonly field?: string;
  /** Quarantined at or after this instant, µs. */
  readonly sinceUs?: number;
  /** Quarantined before this instant, µs. */
  readonly untilUs?: number;
  readonly state: RecordState | "all";
  readonly limit: number;
  /** Only records that stand behind this one in the order of the logs. */
  readonly after?: RecordKey;
}

export const recordColumns = `source, topic, partition, "offset"::float8 AS "offset", incarnation, reason, field, value,
  quarantined_at AS "quarantinedAt", resolution, outcome, resolved_at AS "resolvedAt", resolved_by AS "resolvedBy",
  note, edited_value AS "editedValue", attempts, attempted_at AS "attemptedAt", attempted_by AS "attemptedBy",
  last_reason AS "lastReason", last_field AS "lastField"`;

/** The records that fit, in the order of their logs; at most `limit`. */
export async function findRecords(pool: Pool, filter: RecordFilter): Promise<QuarantinedRecord[]> {
  const { rows } = await pool.query<QuarantinedRecord>(
    `SELECT ${recordColumns} FROM quarantine
     WHERE ($1::text IS NULL OR source = $1) AND ($2::text IS NULL OR topic = $2)
       AND ($3::integer IS NULL OR partition = $3) AND ($4::integer IS NULL OR incarnation = $4)
       AND ($5::bigint IS NULL OR "offset" BETWEEN $5 AND $6)
       AND ($7::text IS NULL OR reason = $7) AND ($8::text IS NULL OR field = $8)
       AND ($9::bigint IS NULL OR quarantined_at >= instant($9))
       AND ($10::bigint IS NULL OR quarantined_at < instant($10))
       AND ($11 = 'all' OR coalesce(resolution, 'unresolved') = $11)
       AND ($13::text IS NULL
         OR (quarantine.source, quarantine.topic, quarantine.partition, quarantine.incarnation, quarantine."offset")
           > ($13, $14, $15::integer, $16::integer, $17::bigint))
     ORDER BY quarantine.source, quarantine.topic, quarantine.partition, quarantine.incarnation, quarantine."offset"
     LIMIT $12`,
    [
      filter.source,
      filter.topic,
      filter.partition,
      filter.incarnation,
      filter.offsets?.[0],
      filter.offsets?.[1],
      filter.reason,
      filter.field,
      filter.sinceUs,
      filter.untilUs,
      filter.state,
      filter.limit,
      filter.after?.source,
      filter.after?.topic,
      filter.after?.partition,
      filter.after?.incarnation,
      filter.after?.offset,
    ],
  );
  return rows;
}

/** Few enough that their values fit into memory, of 1 MB each. */
const PAGE_RECORDS = 50;

/** The records that fit, in the order of their logs, at most `limit`, read page by page as they are asked for. */
export async function* eachRecord(pool: Pool, filter: RecordFilter): AsyncGenerator<QuarantinedRecord> {
  let after: RecordKey | undefined;
  for (let left = filter.limit; left > 0; left -= PAGE_RECORDS) {
    const wanted = { ...filter, limit: Math.min(left, PAGE_RECORDS) };
    const page = await findRecords(pool, after === undefined ? wanted : { ...wanted, after });
    yield* page;
    after = page.at(-1);
    if (page.length < wanted.limit) return;
  }
}

/**
 * The record at a position, whatever its state.
 * @param source the cluster, where more than one has such a position
 * @throws Error where there is none, or one in each of several clusters
 */
export async function recordAt(pool: Pool, position: Position, source?: string): Promise<QuarantinedRecord> {
  const { topic, partition, offset, incarnation } = position;
  const found = await findRecords(pool, {
    ...(source === undefined ? {} : { source }),
    topic,
    partition,
    incarnation,
    offsets: [offset, offset],
    state: "all",
    limit: 2,
  });
  const [record, another] = found;
  if (record === undefined) throw new Error(`${formatPosition(position)} is not in quarantine`);
  if (another !== undefined)
    throw new Error(
      `${formatPosition(position)} is in quarantine for several clusters: name one with --source (${found.map((r) => r.source).join(" or ")})`,
    );
  return record;
}
