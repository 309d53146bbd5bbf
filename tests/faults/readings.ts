// Meter readings as records of a log, as the trigger delivers them, and what came of them.

import type { Pool } from "pg";
import { readDatabaseSettings } from "../../lib/config/database.ts";
import type { LogRecord } from "../../lib/core/log-record.ts";
import { openPool } from "../../lib/postgres/pool.ts";
import type { TestDatabase } from "../integration/database.ts";

export const hourMs = Date.UTC(2026, 0, 15, 10);
export const source = "arn:aws:kafka:local:000000000000:cluster/test/1";

/** The n-th reading of customer `c`: 1 kWh, a second after the one before. */
export function reading(n: number, changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const timestamp = new Date(hourMs + n * 1_000).toISOString();
  return { event_id: `e-${n}`, meter_id: "m", customer_id: "c", reading: 1, timestamp, ...changes };
}

export function recordOf(offset: number, value: unknown, recordTimeMs = hourMs + offset): LogRecord {
  const bytes = Buffer.isBuffer(value) || value === null ? value : Buffer.from(JSON.stringify(value));
  return { offset, recordTimeMs, value: bytes };
}

/** The records from `first` on, before `end`, of a log of readings. */
export function readings(first: number, end: number): LogRecord[] {
  return Array.from({ length: end - first }, (_, i) => recordOf(first + i, reading(first + i)));
}

/** An event of the trigger. */
export function payloadOf(topic: string, partition: number, records: readonly LogRecord[]): string {
  return JSON.stringify({
    eventSource: "aws:kafka",
    eventSourceArn: source,
    bootstrapServers: "b:1",
    records: {
      [`${topic}-${partition}`]: records.map(({ offset, recordTimeMs, value }) => ({
        topic,
        partition,
        offset,
        timestamp: recordTimeMs,
        timestampType: "CREATE_TIME",
        headers: [],
        ...(value === null ? {} : { value: value.toString("base64") }),
      })),
    },
  });
}

/** A function's own pool, perhaps through a proxy. */
export function poolOf(database: TestDatabase, statementTimeoutMs: number, port?: number): Pool {
  const settings = readDatabaseSettings(database.environment);
  return openPool({ ...settings, port: port ?? settings.port }, statementTimeoutMs);
}

/** Readings counted in all rows, and records in all ledgers. */
export async function totals(pool: Pool): Promise<{ counted: number; records: number }> {
  const { rows } = await pool.query<{ counted: number; records: number }>(
    `SELECT (SELECT coalesce(sum(reading_count), 0)::int FROM consumption_aggregates_realtime) AS counted,
       (SELECT coalesce(sum(records), 0)::int FROM ledger) AS records`,
  );
  return rows[0] ?? { counted: -1, records: -1 };
}

/** Resolves when a session of the functions waits for a lock in the midst of its statement. */
export async function untilBlocked(pool: Pool): Promise<number> {
  for (;;) {
    const { rows } = await pool.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
    );
    if (rows[0] !== undefined) return rows[0].pid;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
