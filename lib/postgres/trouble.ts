// What does not go on: which, since when and why, as the SQL function `trouble` judges it (lib/postgres/sql/trouble.sql).

import type { Pool } from "pg";
import { type KeptCounts, readKept } from "./kept.ts";

export interface Trouble {
  readonly kind: "log_broken" | "partition_stuck" | "records_lost" | "sweeper_silent" | "watermark_held";
  /** `topic-partition`, or the stream where no partition is to blame. */
  readonly place: string;
  /** ISO 8601. */
  readonly since: string;
  readonly why: string;
}

export interface TroubleRules {
  /** How long something may not go on before it is trouble. */
  readonly stuckAfterSeconds: number;
  /** As the sweeper has it: a silent partition holds a watermark for so long. */
  readonly idleSeconds: number;
}

interface TroubleRow extends Omit<Trouble, "since"> {
  readonly since: Date;
}

function troubleOf({ kind, place, since, why }: TroubleRow): Trouble {
  return { kind, place, since: since.toISOString(), why };
}

/** `partition_stuck smartgrid-sensor-data-3 since 2026-01-15T10:00:00.000Z: 5 records wait …` */
export function troubleText({ kind, place, since, why }: Trouble): string {
  return `${kind} ${place} since ${since}: ${why}`;
}

/** @throws DatabaseError or a connection error */
export async function readTrouble(pool: Pool, rules: TroubleRules): Promise<Trouble[]> {
  const { rows } = await pool.query<TroubleRow>(
    "SELECT kind, place, since, why FROM trouble($1 * interval '1 second', $2 * interval '1 second')",
    [rules.stuckAfterSeconds, rules.idleSeconds],
  );
  return rows.map(troubleOf);
}

/**
 * Whether each stream was swept since the database started: until then committed offsets and ledger were not compared, and
 * a database that was set back to an older copy shows no trouble.
 * @throws DatabaseError or a connection error
 */
export async function isSweptSinceStart(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ swept: boolean }>(
    "SELECT bool_and(coalesce(swept_at >= pg_postmaster_start_time(), false)) AS swept FROM stream_state",
  );
  return rows[0]?.swept ?? false;
}

/** What has begun and what has ended since the last call, by whomever it was made: each is told once. */
export interface TroubleChanges {
  readonly begun: readonly Trouble[];
  readonly ended: readonly Trouble[];
}

/** @throws DatabaseError or a connection error; then the next call tells what this one could not */
export async function noteTrouble(pool: Pool, rules: TroubleRules): Promise<TroubleChanges> {
  const { rows } = await pool.query<TroubleRow & { readonly change: "begun" | "ended" }>(
    `WITH present AS (SELECT kind, place, since, why FROM trouble($1 * interval '1 second', $2 * interval '1 second')),
       begun AS (
         INSERT INTO reported_trouble (kind, place, since, why) SELECT * FROM present
         ON CONFLICT DO NOTHING RETURNING kind, place, since, why),
       ended AS (
         DELETE FROM reported_trouble AS r
         WHERE NOT EXISTS (SELECT FROM present AS p WHERE (p.kind, p.place) = (r.kind, r.place))
         RETURNING kind, place, since, why)
     SELECT 'begun' AS change, * FROM begun UNION ALL SELECT 'ended', * FROM ended`,
    [rules.stuckAfterSeconds, rules.idleSeconds],
  );
  const of = (change: "begun" | "ended") => rows.filter((row) => row.change === change).map(troubleOf);
  return { begun: of("begun"), ended: of("ended") };
}

export interface PartitionGauge {
  readonly stream: string;
  readonly topic: string;
  readonly partition: number;
  readonly lag: number;
  /** Offsets that the trigger has passed and that are not counted, on the broker or gone for good. */
  readonly lost: number;
  /** More of these, perhaps, that have not been looked up on the broker yet: where this is not 0, `lost` may be too low. */
  readonly unchecked: number;
}

export interface StreamGauge {
  readonly stream: string;
  /** How far the watermark lies behind the database's clock; null before the first event. */
  readonly watermarkAgeSeconds: number | null;
  /** Since the last sweep; null before the first. */
  readonly sweepAgeSeconds: number | null;
}

export interface ConflictGauge {
  readonly stream: string;
  /** Records that were not counted, because an event of their identity with other content had been. */
  readonly conflicts: number;
  /** Of these: still to look at. */
  readonly open: number;
}

export interface DoubtfulGauge {
  readonly topic: string;
  /** Counted events with a doubtful value, of all time. */
  readonly events: number;
}

export interface Gauges {
  readonly doubtful: readonly DoubtfulGauge[];
  readonly partitions: readonly PartitionGauge[];
  readonly streams: readonly StreamGauge[];
  readonly conflicts: readonly ConflictGauge[];
  readonly kept: readonly KeptCounts[];
  readonly trouble: readonly Trouble[];
}

/** @throws DatabaseError or a connection error */
export async function readGauges(pool: Pool, rules: TroubleRules): Promise<Gauges> {
  const partitions = await pool.query<Omit<PartitionGauge, "lag" | "lost"> & { lag: string; lost: string }>(
    `SELECT stream, topic, partition, lag, offsets_in(lost) + offsets_in(expired) AS lost, unchecked::float8 AS unchecked
     FROM present_progress() ORDER BY stream, partition`,
  );
  const streams = await pool.query<StreamGauge>(
    `SELECT stream, extract(epoch FROM now() - watermark)::float8 AS "watermarkAgeSeconds",
       extract(epoch FROM now() - swept_at)::float8 AS "sweepAgeSeconds"
     FROM stream_state ORDER BY stream`,
  );
  const conflicts = await pool.query<ConflictGauge>(
    "SELECT stream, conflicts::float8 AS conflicts, open::float8 AS open FROM conflict_counts()",
  );
  const doubtful = await pool.query<{ topic: string; events: string }>(
    "SELECT topic, events FROM doubtful_events()",
  );
  return {
    doubtful: doubtful.rows.map(({ topic, events }) => ({ topic, events: Number(events) })),
    partitions: partitions.rows.map((row) => ({ ...row, lag: Number(row.lag), lost: Number(row.lost) })),
    streams: streams.rows,
    conflicts: conflicts.rows,
    kept: await readKept(pool, null),
    trouble: await readTrouble(pool, rules),
  };
}
