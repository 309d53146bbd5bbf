// Sweeps a stream: observes its partitions, moves its watermark on and makes passed windows final.
// Safe to run twice at once: the stream's row is locked while the watermark moves, and finality follows from it.

import type { Pool, PoolClient } from "pg";
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

export interface SweepOutcome {
  readonly stream: StreamName;
  readonly watermarkUs: number | null;
  readonly heldBy: number | null;
  readonly lag: number;
  readonly idlePartitions: readonly number[];
  readonly finalised: number;
  /** Partitions that start over because their topic was deleted and created again. */
  readonly recreatedPartitions: readonly number[];
}

const FINALISE_BATCH = 5_000;

const finalise = {
  sensor: "SELECT finalise_sensor($1) AS finalised",
  consumption: "SELECT finalise_consumption($1) AS finalised",
  weather: "SELECT finalise_weather($1) AS finalised",
} as const;

const newestLedger = `
  SELECT DISTINCT ON (partition) partition, incarnation, applied, max_event_time, advanced_at
  FROM ledger WHERE source = $1 AND topic = $2 ORDER BY partition, incarnation DESC`;

/**
 * A partition whose end lies below what the ledger has applied belongs to a topic that was created again.
 * `ledgerEnds` must have been read before `offsets` were asked of the broker.
 */
function recreated(ledgerEnds: ReadonlyMap<number, number>, offsets: readonly PartitionOffsets[]): number[] {
  return offsets
    .filter(({ partition, end }) => end < (ledgerEnds.get(partition) ?? 0))
    .map((o) => o.partition);
}

async function readLedgerEnds(pool: Pool, { source, topic }: SweptTopic): Promise<Map<number, number>> {
  const { rows } = await pool.query<{ partition: number; end: string | null }>(
    `SELECT partition, upper(applied) AS "end" FROM (${newestLedger}) AS newest`,
    [source, topic],
  );
  return new Map(rows.map((row) => [row.partition, Number(row.end ?? 0)]));
}

async function startIncarnations(
  pool: Pool,
  { source, topic }: SweptTopic,
  partitions: number[],
): Promise<void> {
  await pool.query(
    `INSERT INTO ledger (source, topic, partition, incarnation)
     SELECT $1, $2, partition, max(incarnation) + 1 FROM ledger
     WHERE source = $1 AND topic = $2 AND partition = ANY ($3) GROUP BY partition
     ON CONFLICT DO NOTHING`,
    [source, topic, partitions],
  );
}

interface ObservedPartition extends PartitionProgress {
  readonly offsets: PartitionOffsets;
  readonly observedSinceUs: number;
}

/** Joins the broker's offsets with the ledger and the previous observation, by the database's clock. */
async function observePartitions(
  client: PoolClient,
  { source, topic }: SweptTopic,
  offsets: readonly PartitionOffsets[],
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
       epoch_us(now()) - epoch_us(greatest(watch.since, l.advanced_at)) AS silent_for_us,
       (SELECT coalesce(sum(upper(gap) - lower(gap)), 0)
        FROM unnest(int8multirange(int8range(o.first, o."end")) - coalesce(l.applied, '{}')) AS gap) AS lag
     FROM unnest($3::int[], $4::bigint[], $5::bigint[]) AS o(partition, first, "end")
     LEFT JOIN (${newestLedger}) AS l ON l.partition = o.partition
     LEFT JOIN partition_progress AS p ON p.source = $1 AND p.topic = $2 AND p.partition = o.partition
     -- A gap in watching says nothing about silence: the watch starts over.
     CROSS JOIN LATERAL (SELECT CASE WHEN p.observed_at > now() - $6::bigint * interval '1 microsecond'
       THEN p.observed_since ELSE now() END AS since) AS watch`,
    [
      source,
      topic,
      offsets.map((o) => o.partition),
      offsets.map((o) => o.first),
      offsets.map((o) => o.end),
      idleUs,
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
  idleUs: number,
): Promise<void> {
  await client.query(
    `INSERT INTO partition_progress AS p
       (source, topic, partition, stream, first_offset, end_offset, lag, idle, observed_since, observed_at, lagging_since)
     SELECT $1, $2, o.partition, $3, o.first, o."end", o.lag, o.idle, instant(o.since_us), now(),
       CASE WHEN o.lag > 0 THEN now() END
     FROM unnest($4::int[], $5::bigint[], $6::bigint[], $7::bigint[], $8::boolean[], $9::bigint[])
       AS o(partition, first, "end", lag, idle, since_us)
     ON CONFLICT (source, topic, partition) DO UPDATE SET
       first_offset = excluded.first_offset, end_offset = excluded.end_offset, lag = excluded.lag,
       idle = excluded.idle, observed_since = excluded.observed_since, observed_at = excluded.observed_at,
       lagging_since = CASE WHEN excluded.lag > 0 THEN coalesce(p.lagging_since, now()) END`,
    [
      source,
      topic,
      stream,
      partitions.map((p) => p.partition),
      partitions.map((p) => p.offsets.first),
      partitions.map((p) => p.offsets.end),
      partitions.map((p) => p.lag),
      partitions.map((p) => isIdle(p, idleUs)),
      partitions.map((p) => p.observedSinceUs),
    ],
  );
}

/** Moves the watermark on, in one transaction under the lock of the stream's row. */
async function moveWatermark(
  client: PoolClient,
  swept: SweptTopic,
  offsets: readonly PartitionOffsets[],
  rules: SweepRules,
): Promise<Pick<SweepOutcome, "watermarkUs" | "heldBy" | "lag" | "idlePartitions">> {
  await client.query("BEGIN");
  try {
    const { rows } = await client.query<{ watermark_us: string | null; now_us: string }>(
      "SELECT epoch_us(watermark) AS watermark_us, epoch_us(now()) AS now_us FROM stream_state WHERE stream = $1 FOR UPDATE",
      [swept.stream],
    );
    const state = rows[0];
    if (state === undefined)
      throw new Error(`stream_state has no row for ${swept.stream}: run the migrations`);
    const partitions = await observePartitions(client, swept, offsets, rules.idleUs);
    const previousUs = state.watermark_us === null ? null : Number(state.watermark_us);
    const watermark = advanceWatermark(previousUs, partitions, { nowUs: Number(state.now_us), ...rules });
    await recordProgress(client, swept, partitions, rules.idleUs);
    await client.query(
      `UPDATE stream_state SET watermark = instant($2), held_by = $3, swept_at = now(),
         moved_at = CASE WHEN moved_at IS NULL OR watermark IS DISTINCT FROM instant($2) THEN now() ELSE moved_at END
       WHERE stream = $1`,
      [swept.stream, watermark.atUs, watermark.heldBy],
    );
    await client.query("COMMIT");
    return {
      watermarkUs: watermark.atUs,
      heldBy: watermark.heldBy,
      lag: partitions.reduce((sum, p) => sum + p.lag, 0),
      idlePartitions: partitions.filter((p) => isIdle(p, rules.idleUs)).map((p) => p.partition),
    };
  } catch (error) {
    // Whatever went wrong, nothing of it may stay; a broken connection has rolled back by itself.
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

async function finaliseRows(pool: Pool, stream: StreamName): Promise<number> {
  let total = 0;
  for (;;) {
    const { rows } = await pool.query<{ finalised: number }>(finalise[stream], [FINALISE_BATCH]);
    const finalised = rows[0]?.finalised ?? 0;
    total += finalised;
    if (finalised < FINALISE_BATCH) return total;
  }
}

/** Identities of events that would be too late by now are no longer needed. */
async function forgetIdentities(pool: Pool, stream: StreamName, amendmentHorizonUs: number): Promise<void> {
  await pool.query(
    `DELETE FROM seen_event AS e USING stream_state AS s
     WHERE s.stream = $1 AND e.stream = $1
       AND e.event_time < s.watermark - interval '1 day' - $2::bigint * interval '1 microsecond'`,
    [stream, amendmentHorizonUs],
  );
}

/**
 * One sweep of one stream.
 * @param readOffsets asks the broker for the partitions of the topic; called after the ledger was read
 * @throws where broker or database are away; a later sweep does what this one could not
 */
export async function sweepStream(
  pool: Pool,
  swept: SweptTopic,
  readOffsets: () => Promise<readonly PartitionOffsets[]>,
  rules: SweepRules,
): Promise<SweepOutcome> {
  const ledgerEnds = await readLedgerEnds(pool, swept);
  const offsets = await readOffsets();
  const recreatedPartitions = recreated(ledgerEnds, offsets);
  if (recreatedPartitions.length > 0) await startIncarnations(pool, swept, recreatedPartitions);
  const client = await pool.connect();
  let moved: Awaited<ReturnType<typeof moveWatermark>>;
  try {
    moved = await moveWatermark(client, swept, offsets, rules);
  } finally {
    client.release();
  }
  const finalised = await finaliseRows(pool, swept.stream);
  await forgetIdentities(pool, swept.stream, rules.amendmentHorizonUs);
  return { stream: swept.stream, ...moved, finalised, recreatedPartitions };
}
