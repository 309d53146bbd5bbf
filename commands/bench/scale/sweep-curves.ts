// Curves of the sweep: by rows of the table, by partitions of the topic.

import type { Pool } from "pg";
import { postgresSweepStore } from "../../../lib/postgres/sweep-store.ts";
import { sweepStream } from "../../../lib/windows/sweep.ts";
import { logOf } from "../../../tests/topic-log.ts";
import { commits, elapsedMs, median, print, rules } from "./measure.ts";
import type { BenchDatabase } from "./server.ts";

const sweepRules = { ...rules, delayUs: 600e6, idleUs: 300e6 };

/** Tables of the months of so many days: only a commit makes them by itself. */
export async function makeMonths(pool: Pool, stream: string, from: string, days: number): Promise<void> {
  await pool.query(
    "SELECT make_months($1, (SELECT array_agg(epoch_us($2::timestamptz + n * interval '1 day')) FROM generate_series(0, $3) AS n))",
    [stream, from, days],
  );
}

/** So many rows of windows of 5 minutes over 1,000 sensors. */
export async function fillRows(pool: Pool, rows: number): Promise<void> {
  await pool.query("TRUNCATE sensor_window, finality");
  await pool.query("UPDATE stream_state SET watermark = NULL");
  await makeMonths(pool, "sensor", "2025-01-01", Math.ceil(((rows / 1_000) * 5) / 1_440));
  await pool.query(
    `WITH series AS (
       SELECT series_of(array_agg('voltage'::text), array_agg('sensor_' || lpad(s::text, 6, '0') ORDER BY s)) AS ids
       FROM generate_series(0, 999) AS s)
     INSERT INTO sensor_window (window_start, series, count, min_value, max_value, sum_value, sum_squares)
     SELECT timestamptz '2025-01-01' + (i / 1000) * interval '5 minutes', series.ids[1 + i % 1000], 300, 200, 260,
       69000.123456, 15880000.123456789012
     FROM generate_series(0, $1 - 1) AS i, series`,
    [rows],
  );
  await pool.query("VACUUM ANALYZE sensor_window");
}

export async function byRows(database: BenchDatabase): Promise<void> {
  const pool = database.openPool(1);
  const swept = { stream: "sensor", source: "bench", topic: "none" } as const;
  const sweep = () =>
    sweepStream(
      postgresSweepStore(pool),
      swept,
      logOf(async () => []),
      sweepRules,
    );
  const rows: number[][] = [];
  for (const count of [10_000, 100_000, 1_000_000, 10_000_000]) {
    await fillRows(pool, count);
    const finaliseMs = await elapsedMs(() =>
      pool.query("SELECT move_watermark('sensor', '2026-01-15 09:00Z', NULL)"),
    );
    const idle: number[] = [];
    for (let round = 0; round < 5; round++) idle.push(await elapsedMs(sweep));
    const commit = median(await commits(pool, `rows-${count}`, 1_000, 10));
    const { rows: sizes } = await pool.query<{ bytes: number }>(
      "SELECT sum(pg_total_relation_size(relid))::float8 AS bytes FROM pg_partition_tree('sensor_window')",
    );
    rows.push([count, (sizes[0]?.bytes ?? 0) / count, commit, median(idle), finaliseMs]);
  }
  print(
    "Rows in the table: a commit to 1,000 keys, a sweep with nothing to do, making every row final",
    ["rows", "bytes/row", "commit ms", "idle sweep ms", "finalise all ms"],
    rows,
  );
}

export async function byPartitions(database: BenchDatabase): Promise<void> {
  const pool = database.openPool(1);
  await pool.query("TRUNCATE sensor_window");
  const rows: number[][] = [];
  for (const partitions of [4, 100, 1_000, 10_000]) {
    const topic = `partitions-${partitions}`;
    await pool.query(
      `INSERT INTO ledger (source, topic, partition, incarnation, applied, max_event_time, advanced_at)
       SELECT 'bench', $1, i, 0, '{[0,1000)}', '2026-01-15', now() FROM generate_series(0, $2 - 1) AS i`,
      [topic, partitions],
    );
    const offsets = Array.from({ length: partitions }, (_, partition) => ({
      partition,
      first: 0,
      end: 1_000,
    }));
    const swept = { stream: "sensor", source: "bench", topic } as const;
    const times: number[] = [];
    for (let round = 0; round < 5; round++)
      times.push(
        await elapsedMs(() =>
          sweepStream(
            postgresSweepStore(pool),
            swept,
            logOf(async () => offsets),
            sweepRules,
          ),
        ),
      );
    rows.push([partitions, median(times)]);
  }
  print("Partitions of a topic; a sweep with nothing to finalise", ["partitions", "sweep ms"], rows);
}
