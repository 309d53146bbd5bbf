// A migrated database of a test's own, and what tests read from it.

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import pg from "pg";
import { inject } from "vitest";
import { databaseVariables } from "../../commands/running-stack/database-url.ts";
import { migrate, readSchema } from "../../lib/postgres/migrate.ts";
import { streamRules } from "../../lib/streams/declared.ts";
import { type StreamName, streamNames } from "../../lib/streams/stream.ts";

export interface TestDatabase {
  readonly pool: pg.Pool;
  readonly url: string;
  /** The variables with which functions reach it. */
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

const schema = await readSchema(join(import.meta.dirname, "../../lib/postgres"));

export async function createDatabase(): Promise<TestDatabase> {
  const admin = new URL(inject("postgresUrl"));
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  const adminClient = new pg.Client({ connectionString: admin.href });
  await adminClient.connect();
  await adminClient.query(`CREATE DATABASE ${name}`);
  await adminClient.end();
  const url = new URL(admin);
  url.pathname = `/${name}`;
  const pool = new pg.Pool({ connectionString: url.href, max: 8 });
  const client = await pool.connect();
  try {
    await migrate(client, schema);
  } finally {
    client.release();
  }
  return {
    pool,
    url: url.href,
    environment: databaseVariables(url),
    close: () => pool.end(), // the server's folder goes with the run
  };
}

/** What must be equal, byte for byte, after the same records in whatever order, cut and repetition. */
const comparable = {
  sensor: `SELECT window_start, window_end, sensor_type, sensor_id, avg_value, min_value, max_value, count, stddev_value,
             sum_value, sum_squares, state, revision FROM sensor_aggregates_realtime ORDER BY 1, 3, 4`,
  consumption: `SELECT window_start, window_end, customer_id, total_consumption, avg_consumption, reading_count, state,
             revision FROM consumption_aggregates_realtime ORDER BY 1, 3`,
  weather: `SELECT window_start, window_end, avg_temperature, avg_humidity, avg_pressure, avg_wind_speed,
             weather_condition, condition_counts, event_count, state, revision FROM weather_aggregates_realtime ORDER BY 1`,
  quarantine: `SELECT topic, partition, "offset", reason, field, value FROM quarantine ORDER BY 1, 2, 3`,
  tooLate: `SELECT topic, partition, "offset", event_time, value FROM too_late ORDER BY 1, 2, 3`,
  conflict: `SELECT l.topic, l.partition, c."offset", c.event_time, c.value, f.partition, c.first_offset FROM conflict AS c
             JOIN ledger AS l ON l.id = c.log_id JOIN ledger AS f ON f.id = c.first_log_id ORDER BY 1, 2, 3`,
  doubtful: `SELECT topic, partition, "offset", field, value, reason, event_time FROM doubtful_readable
             ORDER BY 1, 2, 3, 4`,
  lateness: `SELECT h.stream, l.topic, l.partition, h.day, h.below_s, h.events FROM lateness AS h
             JOIN ledger AS l ON l.id = h.log_id ORDER BY 1, 2, 3, 4, 5`,
  ledger: `SELECT topic, partition, incarnation, applied, records, counted, quarantined, too_late, duplicates, conflicts,
             doubtful,
             max_event_time FROM ledger ORDER BY 1, 2, 3`,
} as const;

/** All tables as text, as PostgreSQL writes it. */
export async function snapshot(pool: pg.Pool): Promise<Record<keyof typeof comparable, string[]>> {
  const read = async (sql: string) =>
    (await pool.query<{ row: string }>(`SELECT t::text AS row FROM (${sql}) AS t`)).rows.map((r) => r.row);
  return {
    sensor: await read(comparable.sensor),
    consumption: await read(comparable.consumption),
    weather: await read(comparable.weather),
    quarantine: await read(comparable.quarantine),
    tooLate: await read(comparable.tooLate),
    conflict: await read(comparable.conflict),
    doubtful: await read(comparable.doubtful),
    lateness: await read(comparable.lateness),
    ledger: await read(comparable.ledger),
  };
}

/**
 * Keeps a copy of all tables, as a backup does.
 * @returns puts the tables back to what they were
 */
export async function takeCopy(pool: pg.Pool): Promise<() => Promise<void>> {
  const { rows } = await pool.query<{ name: string; columns: string }>(
    `SELECT c.relname AS name, string_agg(quote_ident(a.attname), ', ') AS columns
     FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
       AND a.attgenerated = '' GROUP BY 1`,
  );
  const copy = `copy_${randomUUID().replaceAll("-", "")}`;
  await pool.query(`CREATE SCHEMA ${copy}`);
  for (const { name } of rows) await pool.query(`CREATE TABLE ${copy}.${name} AS TABLE public.${name}`);
  return async () => {
    const restored = rows.map(
      ({ name, columns }) =>
        `INSERT INTO public.${name} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM ${copy}.${name};`,
    );
    await pool.query(
      `BEGIN; SET LOCAL session_replication_role = replica;
       TRUNCATE ${rows.map(({ name }) => `public.${name}`).join(", ")}; ${restored.join(" ")} COMMIT`,
    );
  };
}

function tablesOf(stream: StreamName): string[] {
  const key = streamRules[stream].key?.table;
  return [`${stream}_window`, `${stream}_aggregates_history`, ...(key === undefined ? [] : [key])];
}

/** Empties everything but the migrations. */
export async function emptyTables(pool: pg.Pool): Promise<void> {
  await pool.query(
    `TRUNCATE ${streamNames.flatMap(tablesOf).join(", ")}, finality, ledger, ledger_tail, log_break, quarantine, too_late, conflict, doubtful, weather_station_hour, seen_event, lateness,
       partition_progress, reported_trouble,
       redelivery`,
  );
  await pool.query(
    "UPDATE stream_state SET watermark = NULL, held_by = NULL, swept_at = NULL, moved_at = NULL",
  );
}
