// What PostgreSQL has on record, read at one instant: the ledger, the rows that belong to it, and the streams' totals.

import type { Pool, PoolClient } from "pg";
import type { LogBreak } from "../core/log-identity.ts";
import { fromMultirange, type OffsetRange, type OffsetRanges, size } from "../core/ranges.ts";
import { inTransaction } from "../postgres/transaction.ts";
import { streamRules } from "../streams/declared.ts";
import { type StreamName, streamNames } from "../streams/stream.ts";
import type { LedgerCounts, StreamTotals } from "./classify.ts";

export interface LedgerEntry extends LedgerCounts {
  readonly source: string;
  readonly topic: string;
  readonly partition: number;
  readonly incarnation: number;
  readonly applied: OffsetRanges;
  readonly acknowledged: OffsetRanges;
  /** The stream that the sweeper reads this topic for; null where it never has. */
  readonly stream: StreamName | null;
}

export interface StreamState extends Omit<StreamTotals, "counted"> {
  readonly stream: StreamName;
  /** ISO 8601; null before the first event. */
  readonly finalUpTo: string | null;
  /** Conflicts that are kept, and whose reading was not replaced since. */
  readonly openConflicts: number;
}

/** Where a ledger entry took another one's place. */
export interface BrokenLog {
  readonly source: string;
  readonly topic: string;
  readonly partition: number;
  /** Of the entry that goes on. */
  readonly incarnation: number;
  readonly kind: LogBreak["kind"] | "renamed";
  /** Truncated: the offsets that are gone. Renamed: the ones that were counted under both names. Else null. */
  readonly lost: OffsetRange | null;
  /** How many offsets that had been applied are gone, or were counted twice. */
  readonly counted: number;
  readonly before: string;
  readonly after: string;
  /** ISO 8601. */
  readonly foundAt: string;
  readonly isAcknowledged: boolean;
}

/** What was delivered again to a partition, all in all. */
export interface Redelivered {
  readonly source: string;
  readonly topic: string;
  readonly partition: number;
  readonly offsets: OffsetRanges;
  /** That the ledger did not hold. */
  readonly records: number;
  readonly counted: number;
  readonly deliveredBy: string;
  /** ISO 8601. */
  readonly lastAt: string;
}

export interface Books {
  /** Oldest first. */
  readonly breaks: readonly BrokenLog[];
  readonly entries: readonly LedgerEntry[];
  readonly streams: readonly StreamState[];
  readonly redelivered: readonly Redelivered[];
}

// quarantine, too_late and conflict are counted as a whole: one pass over each, however many ledger rows there are.
const entriesSql = `
  SELECT books.*,
    (SELECT min(p.stream) FROM partition_progress AS p WHERE p.topic = books.topic) AS stream
  FROM (
    SELECT source, topic, partition, incarnation, coalesce(l.applied, '{}')::text AS applied,
      coalesce(l.acknowledged, '{}')::text AS acknowledged,
      coalesce(l.records, 0) AS records, coalesce(l.counted, 0) AS counted,
      coalesce(l.quarantined, 0) AS quarantined, coalesce(l.too_late, 0) AS "tooLate",
      coalesce(l.duplicates, 0) AS duplicates, coalesce(l.conflicts, 0) AS conflicts,
      coalesce(q.rows, 0) + coalesce(l.quarantine_forgotten, 0) AS "quarantineRows", coalesce(t.rows, 0) AS "tooLateRows",
      coalesce(c.rows, 0) + coalesce(l.conflicts_forgotten, 0) AS "conflictRows"
    FROM ledger AS l
    FULL JOIN (SELECT source, topic, partition, incarnation, count(*) AS rows FROM quarantine
      GROUP BY 1, 2, 3, 4) AS q USING (source, topic, partition, incarnation)
    FULL JOIN (SELECT source, topic, partition, incarnation, count(*) AS rows FROM too_late
      GROUP BY 1, 2, 3, 4) AS t USING (source, topic, partition, incarnation)
    LEFT JOIN (SELECT log_id, count(*) AS rows FROM conflict GROUP BY 1) AS c ON c.log_id = l.id) AS books
  ORDER BY source, topic, partition, incarnation`;

/** Events in the rows of a stream. */
const inRowsSql = (stream: StreamName) =>
  `SELECT sum(${streamRules[stream].count}) FROM ${stream}_aggregates_realtime`;

const amendedSql = `
  SELECT sum(r.count_after - r.count_before) FROM amendment_row AS r JOIN amendment AS a ON a.id = r.amendment_id
  WHERE a.stream = $1`;

type Texts<T> = { [K in keyof T]: T[K] extends string | null ? T[K] : string };

async function readEntries(client: PoolClient): Promise<LedgerEntry[]> {
  const { rows } = await client.query<Texts<Omit<LedgerEntry, "offsets">>>(entriesSql);
  return rows.map((row) => {
    const applied = fromMultirange(row.applied);
    return {
      source: row.source,
      topic: row.topic,
      partition: Number(row.partition),
      incarnation: Number(row.incarnation),
      applied,
      acknowledged: fromMultirange(row.acknowledged),
      stream: row.stream,
      records: Number(row.records),
      counted: Number(row.counted),
      quarantined: Number(row.quarantined),
      tooLate: Number(row.tooLate),
      duplicates: Number(row.duplicates),
      conflicts: Number(row.conflicts),
      offsets: size(applied),
      quarantineRows: Number(row.quarantineRows),
      tooLateRows: Number(row.tooLateRows),
      conflictRows: Number(row.conflictRows),
    };
  });
}

async function readRedelivered(client: PoolClient): Promise<Redelivered[]> {
  const { rows } = await client.query<Texts<Omit<Redelivered, "lastAt">> & { lastAt: Date }>(
    `SELECT source, topic, partition, range_agg(offsets)::text AS offsets, sum(records) AS records,
       sum(counted) AS counted, delivered_by AS "deliveredBy", max(delivered_at) AS "lastAt"
     FROM redelivery GROUP BY source, topic, partition, delivered_by ORDER BY 1, 2, 3, 7`,
  );
  return rows.map((row) => ({
    source: row.source,
    topic: row.topic,
    partition: Number(row.partition),
    offsets: fromMultirange(row.offsets),
    records: Number(row.records),
    counted: Number(row.counted),
    deliveredBy: row.deliveredBy,
    lastAt: row.lastAt.toISOString(),
  }));
}

async function readStream(client: PoolClient, stream: StreamName): Promise<StreamState> {
  const { rows } = await client.query<{
    watermark: Date | null;
    open_conflicts: string;
    in_rows: string;
    in_dropped_months: string;
    amended: string;
  }>(
    `SELECT watermark,
       (SELECT count(*) FROM conflict_open AS c WHERE c.stream = $1) AS open_conflicts,
       coalesce((${inRowsSql(stream)}), 0) AS in_rows,
       coalesce((SELECT sum(events) FROM dropped_month AS d WHERE d.stream = $1), 0) AS in_dropped_months,
       coalesce((${amendedSql}), 0) AS amended
     FROM stream_state WHERE stream = $1`,
    [stream],
  );
  const row = rows[0];
  if (row === undefined) throw new Error(`stream_state has no row for ${stream}: run the migrations`);
  return {
    stream,
    finalUpTo: row.watermark?.toISOString() ?? null,
    openConflicts: Number(row.open_conflicts),
    inRows: Number(row.in_rows),
    inDroppedMonths: Number(row.in_dropped_months),
    amended: Number(row.amended),
  };
}

async function readBreaks(client: PoolClient): Promise<BrokenLog[]> {
  const { rows } = await client.query<
    Omit<BrokenLog, "lost" | "foundAt"> & { found_at: Date; from: number | null; to: number | null }
  >(
    `SELECT source, topic, partition, incarnation, kind, from_offset::float8 AS "from", to_offset::float8 AS "to",
       counted_offsets::float8 AS counted, before, after, found_at, acknowledged_at IS NOT NULL AS "isAcknowledged"
     FROM log_break ORDER BY id`,
  );
  return rows.map(({ found_at, from, to, ...row }) => ({
    ...row,
    lost: from === null || to === null ? null : { from, to },
    foundAt: found_at.toISOString(),
  }));
}

/** Takes note of all breaks that were found until now: they are trouble no more. @returns how many there were */
export async function acknowledgeBreaks(pool: Pool): Promise<number> {
  const { rowCount } = await pool.query(
    "UPDATE log_break SET acknowledged_at = now(), acknowledged_by = session_user WHERE acknowledged_at IS NULL",
  );
  return rowCount ?? 0;
}

/** @throws DatabaseError or a connection error; nothing is changed */
export function readBooks(pool: Pool): Promise<Books> {
  return inTransaction(pool, async (client) => {
    await client.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    const entries = await readEntries(client);
    const streams: StreamState[] = [];
    for (const stream of streamNames) streams.push(await readStream(client, stream));
    return {
      entries,
      streams,
      breaks: await readBreaks(client),
      redelivered: await readRedelivered(client),
    };
  });
}
