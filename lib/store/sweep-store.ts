// What a sweep reads and writes in PostgreSQL. The watermark moves in one transaction under the lock of the
// stream's row, so that two sweepers at once move it one after the other.

import type { Pool, PoolClient } from "pg";
import type { PartitionOffsets } from "../core/watermark.ts";
import type { StreamName } from "../streams/stream.ts";
import type { LedgerEnd, LedgerReading, ObservedPartition, SweepStore, SweptTopic } from "./sweep.ts";
import { inTransaction } from "./transaction.ts";

const finalise = {
  sensor: "SELECT finalise_sensor($1) AS finalised",
  consumption: "SELECT finalise_consumption($1) AS finalised",
  weather: "SELECT finalise_weather($1) AS finalised",
} as const;

const newestLedger = `
  SELECT DISTINCT ON (partition) partition, incarnation, applied, max_event_time, advanced_at
  FROM ledger WHERE source = $1 AND topic = $2 ORDER BY partition, incarnation DESC`;

async function readLedger(pool: Pool, { source, topic }: SweptTopic): Promise<LedgerReading> {
  const { rows } = await pool.query<{
    read_at_us: string;
    partition: number | null;
    incarnation: number;
    end: string | null;
  }>(
    `SELECT epoch_us(now()) AS read_at_us, partition, incarnation, upper(applied) AS "end"
     FROM (SELECT) AS always LEFT JOIN (${newestLedger}) AS newest ON true`,
    [source, topic],
  );
  const ends = rows.flatMap(({ partition, incarnation, end }) =>
    partition === null ? [] : { partition, incarnation, end: Number(end ?? 0) },
  );
  return { readAtUs: Number(rows[0]?.read_at_us), ends };
}

/**
 * It begins the one after the incarnation that was seen, not after the newest: a commit or another sweep may have begun
 * it meanwhile, and what it has applied must not be forgotten. Its silence begins now, not with the watch of the old one.
 */
async function startIncarnationsAfter(
  pool: Pool,
  { source, topic }: SweptTopic,
  dead: readonly LedgerEnd[],
): Promise<void> {
  await pool.query(
    `INSERT INTO ledger (source, topic, partition, incarnation, advanced_at)
     SELECT $1, $2, d.partition, d.incarnation + 1, now() FROM unnest($3::int[], $4::int[]) AS d(partition, incarnation)
     ON CONFLICT DO NOTHING`,
    [source, topic, dead.map((d) => d.partition), dead.map((d) => d.incarnation)],
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
       (SELECT coalesce(sum(upper(gap) - lower(gap)), 0)
        FROM unnest(int8multirange(int8range(o.first, o."end")) - coalesce(l.applied, '{}')) AS gap) AS lag
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
    startIncarnationsAfter: (swept, dead) => startIncarnationsAfter(pool, swept, dead),
    moveWatermark: (swept, offsets, askedAtUs, idleUs, decide) =>
      // A connection that failed is closed: after a failover it may lead to what is a replica now (25006), and would
      // fail for ever.
      inTransaction(pool, async (client) => {
        const previousUs = await lockWatermark(client, swept.stream);
        const partitions = await observePartitions(client, swept, offsets, askedAtUs, idleUs);
        const moved = decide(previousUs, partitions);
        await recordProgress(client, swept, partitions, askedAtUs, moved.idlePartitions);
        await client.query(
          `UPDATE stream_state SET watermark = instant($2), held_by = $3, swept_at = now(),
             moved_at = CASE WHEN moved_at IS NULL OR watermark IS DISTINCT FROM instant($2) THEN now() ELSE moved_at END
           WHERE stream = $1`,
          [swept.stream, moved.watermarkUs, moved.heldBy],
        );
        return moved;
      }),
    async finalise(stream, most) {
      const { rows } = await pool.query<{ finalised: number }>(finalise[stream], [most]);
      return rows[0]?.finalised ?? 0;
    },
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
