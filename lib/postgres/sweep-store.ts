// What a sweep reads and writes in PostgreSQL. The watermark moves in one transaction under the lock of the
// stream's row, so that two sweepers at once move it one after the other.

import type { Pool, PoolClient } from "pg";
import type { LogBreak } from "../core/log-identity.ts";
import { fromMultirange, toMultirange } from "../core/ranges.ts";
import type { PartitionOffsets } from "../core/watermark.ts";
import type { StreamName } from "../streams/stream.ts";
import type {
  FoundBreak,
  LedgerReading,
  ObservedPartition,
  SweepStore,
  SweptTopic,
} from "../windows/sweep.ts";
import type { LedgerEntry, Observed } from "../windows/watch-log.ts";
import { inTransaction } from "./transaction.ts";

const newestLedger = `
  SELECT DISTINCT ON (partition) partition, incarnation, applied, max_event_time, advanced_at
  FROM ledger WHERE source = $1 AND topic = $2 ORDER BY partition, incarnation DESC`;

/** A function that was delivered a batch of the log before may still commit it for so long after an epoch was first seen. */
const STRAGGLING_US = 600e6;
/** Of the batches that are not verified, so many are compared in one sweep. */
const TAILS_PER_SWEEP = 2_000;

interface EntryRow {
  readonly partition: number;
  readonly incarnation: number;
  readonly applied: string;
  readonly clusterId: string | null;
  readonly topicId: string | null;
  readonly leaderEpoch: number | null;
  readonly brokerEnd: number | null;
  readonly version: string | null;
  readonly isEpochFresh: boolean;
  readonly unverified: string;
  readonly newestTail: string | null;
  readonly tails: readonly { id: string; offsets: string; lastOffset: number; digest: string }[];
}

async function readLedger(pool: Pool, { source, topic }: SweptTopic): Promise<LedgerReading> {
  const { rows } = await pool.query<{ read_at_us: string; entries: readonly EntryRow[] }>(
    `SELECT epoch_us(now()) AS read_at_us, coalesce((SELECT jsonb_agg(jsonb_build_object(
         'partition', partition, 'incarnation', incarnation, 'applied', applied::text, 'clusterId', cluster_id,
         'topicId', topic_id, 'leaderEpoch', leader_epoch, 'brokerEnd', broker_end, 'version', observed_at,
         'isEpochFresh', coalesce(epoch_since > now() - $4::bigint * interval '1 microsecond', false),
         'unverified', t.unverified::text, 'newestTail', t.newest::text, 'tails', coalesce(oldest.tails, '[]')))
       FROM (
         SELECT DISTINCT ON (partition) * FROM ledger WHERE source = $1 AND topic = $2
         ORDER BY partition, incarnation DESC) AS l
       CROSS JOIN LATERAL (
         SELECT coalesce(range_agg(t.offsets), '{}') AS unverified, max(t.id) AS newest FROM ledger_tail AS t
         WHERE (t.source, t.topic, t.partition, t.incarnation) = ($1, $2, l.partition, l.incarnation)) AS t
       CROSS JOIN LATERAL (
         SELECT jsonb_agg(jsonb_build_object('id', o.id::text, 'offsets', o.offsets::text, 'lastOffset', o.last_offset,
           'digest', o.digest) ORDER BY o.id) AS tails
         FROM (SELECT * FROM ledger_tail AS t
           WHERE (t.source, t.topic, t.partition, t.incarnation) = ($1, $2, l.partition, l.incarnation)
           ORDER BY t.id LIMIT $3) AS o) AS oldest), '[]') AS entries`,
    [source, topic, TAILS_PER_SWEEP, STRAGGLING_US],
  );
  const [reading] = rows;
  const entries = (reading?.entries ?? []).map(
    (row): LedgerEntry => ({
      ...row,
      applied: fromMultirange(row.applied),
      unverified: fromMultirange(row.unverified),
      newestReadTail: row.tails.at(-1)?.id ?? null,
      tails: row.tails.map((tail) => ({ ...tail, offsets: fromMultirange(tail.offsets) })),
    }),
  );
  return { readAtUs: Number(reading?.read_at_us), entries };
}

/** @returns nothing where another sweep has begun it */
async function beginEntry(
  client: PoolClient,
  { source, topic }: SweptTopic,
  { entry, seen, brokerEnd, verifiedTail }: Observed,
  broken: LogBreak,
): Promise<FoundBreak[]> {
  const { partition, incarnation } = entry;
  const { dead, ...found } = broken;
  const { rows } = await client.query<{ log_before: string | null; log_after: string }>(
    "SELECT * FROM begin_entry($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    [
      ...[source, topic, partition, incarnation, entry.version, found.kind, toMultirange(dead)],
      ...(found.kind === "truncated" ? [found.from, found.to] : [null, null]),
      ...[verifiedTail, seen.clusterId, seen.topicId, seen.leaderEpoch, brokerEnd],
    ],
  );
  return rows.flatMap(({ log_before: before, log_after: after }) =>
    before === null ? [] : { ...found, partition, before, after, offsets: dead },
  );
}

/** @returns what was taken over, where the log was swept under another source since it was under this one */
async function observeLog(
  client: PoolClient,
  { source, topic }: SweptTopic,
  { entry, seen, brokerEnd, verifiedTail, isComplete }: Observed,
): Promise<FoundBreak[]> {
  const { partition, incarnation } = entry;
  const { rows } = await client.query<{ renamed_from: string | null; counted_twice: string }>(
    "SELECT renamed_from, counted_twice::text FROM observe_log($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    [
      ...[source, topic, partition, incarnation, entry.version, verifiedTail, seen.clusterId, seen.topicId],
      ...[isComplete ? seen.leaderEpoch : null, brokerEnd],
    ],
  );
  return rows.flatMap(({ renamed_from: before, counted_twice }): FoundBreak[] =>
    before === null
      ? []
      : [{ kind: "renamed", partition, before, after: source, offsets: fromMultirange(counted_twice) }],
  );
}

/** Locks the stream's row. @returns where its watermark stands, µs; null before the first event */
async function lockWatermark(client: PoolClient, stream: StreamName): Promise<number | null> {
  const { rows } = await client.query<{ watermark_us: string | null }>(
    "SELECT epoch_us(watermark) AS watermark_us FROM stream_state WHERE stream = $1 FOR UPDATE",
    [stream],
  );
  const state = rows[0];
  if (state === undefined) throw new Error(`stream_state has no row for ${stream}: run the migrations`);
  return state.watermark_us === null ? null : Number(state.watermark_us);
}

/** Joins the broker's offsets with the ledger and the previous observation. */
async function observePartitions(
  client: PoolClient,
  { source, topic }: SweptTopic,
  offsets: readonly PartitionOffsets[],
  askedAtUs: number,
  idleUs: number,
): Promise<ObservedPartition[]> {
  const { rows } = await client.query<{
    partition: number;
    lag: string;
    max_event_time_us: string | null;
    observed_since_us: string;
    silent_for_us: string;
  }>(
    `SELECT o.partition,
       epoch_us(l.max_event_time) AS max_event_time_us,
       epoch_us(watch.since) AS observed_since_us,
       $7::bigint - epoch_us(greatest(watch.since, l.advanced_at)) AS silent_for_us,
       offsets_in(int8multirange(int8range(o.first, o."end")) - coalesce(l.applied, '{}')) AS lag
     FROM unnest($3::int[], $4::bigint[], $5::bigint[]) AS o(partition, first, "end")
     LEFT JOIN (${newestLedger}) AS l ON l.partition = o.partition
     LEFT JOIN partition_progress AS p ON p.source = $1 AND p.topic = $2 AND p.partition = o.partition
     -- A gap in watching says nothing about silence: the watch starts over.
     CROSS JOIN LATERAL (SELECT CASE WHEN epoch_us(p.observed_at) > $7::bigint - $6::bigint
       THEN p.observed_since ELSE instant($7) END AS since) AS watch`,
    [
      source,
      topic,
      offsets.map((o) => o.partition),
      offsets.map((o) => o.first),
      offsets.map((o) => o.end),
      idleUs,
      askedAtUs,
    ],
  );
  const byPartition = new Map(offsets.map((o) => [o.partition, o]));
  return rows.flatMap((row) => {
    const ofPartition = byPartition.get(row.partition);
    if (ofPartition === undefined) return [];
    return {
      partition: row.partition,
      lag: Number(row.lag),
      maxEventTimeUs: row.max_event_time_us === null ? null : Number(row.max_event_time_us),
      silentForUs: Number(row.silent_for_us),
      offsets: ofPartition,
      observedSinceUs: Number(row.observed_since_us),
    };
  });
}

async function recordProgress(
  client: PoolClient,
  { stream, source, topic }: SweptTopic,
  partitions: readonly ObservedPartition[],
  askedAtUs: number,
  idlePartitions: readonly number[],
): Promise<void> {
  await client.query(
    `INSERT INTO partition_progress AS p
       (source, topic, partition, stream, first_offset, end_offset, lag, idle, observed_since, observed_at, lagging_since)
     SELECT $1, $2, o.partition, $3, o.first, o."end", o.lag, o.idle, instant(o.since_us), instant($10),
       CASE WHEN o.lag > 0 THEN now() END
     FROM unnest($4::int[], $5::bigint[], $6::bigint[], $7::bigint[], $8::boolean[], $9::bigint[])
       AS o(partition, first, "end", lag, idle, since_us)
     ON CONFLICT (source, topic, partition) DO UPDATE SET
       first_offset = excluded.first_offset, end_offset = excluded.end_offset, lag = excluded.lag,
       idle = excluded.idle, observed_since = excluded.observed_since,
       observed_at = greatest(p.observed_at, excluded.observed_at),
       lagging_since = CASE WHEN excluded.lag > 0 THEN coalesce(p.lagging_since, now()) END`,
    [
      source,
      topic,
      stream,
      partitions.map((p) => p.partition),
      partitions.map((p) => p.offsets.first),
      partitions.map((p) => p.offsets.end),
      partitions.map((p) => p.lag),
      partitions.map((p) => idlePartitions.includes(p.partition)),
      partitions.map((p) => p.observedSinceUs),
      askedAtUs,
    ],
  );
}

/** @throws where PostgreSQL is away or refuses; a transaction that was begun is rolled back then */
export function postgresSweepStore(pool: Pool): SweepStore {
  return {
    readLedger: (swept) => readLedger(pool, swept),
    recordLogs: (swept, observed) =>
      inTransaction(pool, async (client) => {
        const found: FoundBreak[] = [];
        // In the order of partitions, which two sweeps at once then lock in the same order.
        for (const one of observed)
          found.push(
            ...(one.broken === null
              ? await observeLog(client, swept, one)
              : await beginEntry(client, swept, one, one.broken)),
          );
        return found;
      }),
    moveWatermark: (swept, offsets, askedAtUs, idleUs, decide) =>
      // A connection that failed is closed: after a failover it may lead to what is a replica now (25006), and would
      // fail for ever.
      inTransaction(pool, async (client) => {
        const previousUs = await lockWatermark(client, swept.stream);
        const partitions = await observePartitions(client, swept, offsets, askedAtUs, idleUs);
        const moved = decide(previousUs, partitions);
        await recordProgress(client, swept, partitions, askedAtUs, moved.idlePartitions);
        await client.query("SELECT move_watermark($1, instant($2), $3)", [
          swept.stream,
          moved.watermarkUs,
          moved.heldBy,
        ]);
        return moved;
      }),
    async forgetIdentities(stream, amendmentHorizonUs) {
      await pool.query(
        `DELETE FROM seen_event AS e USING stream_state AS s
         WHERE s.stream = $1 AND e.stream = $1
           AND e.event_time < s.watermark - interval '1 day' - $2::bigint * interval '1 microsecond'`,
        [stream, amendmentHorizonUs],
      );
    },
  };
}
