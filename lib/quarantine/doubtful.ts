// Doubtful values of counted events (lib/streams/doubt.ts): how many there are of each kind, and which.

import type { Pool } from "pg";
import type { DoubtReason } from "../streams/doubt.ts";

/** What follows "the value …". docs/quarantine.md says the same words, and a test holds it to that. */
export const doubtsInWords: Readonly<Record<DoubtReason, string>> = {
  fits_fraction:
    "of humidity is at or below 1 %, drier than air is; a fraction of 1 would fit (0.84 for 84 %)",
  fits_kilometres_per_hour: "of wind_speed is above 40 m/s (144 km/h), a hurricane; km/h would fit",
  fits_fahrenheit:
    "of temperature is warmer than it has been at that latitude in that month, or than 56.7 °C; °F would fit",
  jumps_to_fahrenheit:
    "of temperature is 10 °C or more above all that its station sent in the 24 hours before, and °F would fit that",
  beyond_record: "is beyond what was ever measured: temperature below −89.2 °C, pressure above 1085 hPa",
  fits_scaled_hertz:
    "of a sensor of type frequency is 10, 100 or 1000 times, or a thousandth of, 45 to 65 Hz; 0.1, 0.01 or 0.001 Hz, or kHz, would fit",
};

/** Which doubtful values; since and until when they were recorded, µs. */
export interface DoubtfulFilter {
  readonly topic?: string;
  readonly field?: string;
  readonly reason?: string;
  readonly since?: number;
  readonly until?: number;
}

export interface DoubtfulValue {
  readonly position: string;
  readonly stream: string;
  readonly eventTime: Date;
  readonly field: string;
  /** Exact, as text. */
  readonly value: string;
  readonly reason: DoubtReason;
  readonly recordedAt: Date;
}

/** The values of one kind together. */
export interface DoubtfulKind {
  readonly stream: string;
  readonly field: string;
  readonly reason: DoubtReason;
  readonly values: number;
  readonly least: string;
  readonly most: string;
  readonly first: Date;
  readonly last: Date;
}

const where = `($1::text IS NULL OR topic = $1) AND ($2::text IS NULL OR field = $2)
  AND ($3::text IS NULL OR reason = $3) AND ($4::bigint IS NULL OR recorded_at >= instant($4))
  AND ($5::bigint IS NULL OR recorded_at < instant($5))`;

function parametersOf({ topic, field, reason, since, until }: DoubtfulFilter): unknown[] {
  return [topic, field, reason, since, until];
}

/** How many values of each kind fit, and from when to when their events were. */
export async function doubtfulKinds(pool: Pool, filter: DoubtfulFilter): Promise<DoubtfulKind[]> {
  const { rows } = await pool.query<DoubtfulKind>(
    `SELECT stream, field, reason, count(*)::float8 AS values, min(value)::text AS least, max(value)::text AS most,
       min(event_time) AS first, max(event_time) AS last
     FROM doubtful_readable WHERE ${where} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    parametersOf(filter),
  );
  return rows;
}

/** The newest values that fit. @param limit how many at most; null for all */
export async function doubtfulValues(
  pool: Pool,
  filter: DoubtfulFilter,
  limit: number | null,
): Promise<DoubtfulValue[]> {
  const { rows } = await pool.query<DoubtfulValue>(
    `SELECT position, stream, event_time AS "eventTime", field, value::text AS value, reason,
       recorded_at AS "recordedAt"
     FROM doubtful_readable WHERE ${where}
     ORDER BY recorded_at DESC, source, topic, partition, incarnation, "offset" DESC, field LIMIT $6`,
    [...parametersOf(filter), limit],
  );
  return rows;
}
