// Curves of the sweep: by rows of the table, by partitions of the topic.

import type { Pool } from "pg";
import { sweepStream } from "../../lib/store/sweep.ts";
import { postgresSweepStore } from "../../lib/store/sweep-store.ts";
import { logOf } from "../../tests/topic-log.ts";
import { commits, elapsedMs, median, print, rules } from "./measure.ts";
import type { BenchDatabase } from "./server.ts";

const sweepRules = { ...rules, delayUs: 600e6, idleUs: 300e6 };

/** So many rows of windows of 5 minutes over 1,000 sensors, open or final. */
async function fillRows(pool: Pool, rows: number, state: "open" | "final"): Promise<void> {
  await pool.query("TRUNCATE sensor_aggregates_realtime");
  await pool.query(
    `INSERT INTO sensor_aggregates_realtime (window_start, window_end, sensor_type, sensor_id, count, min_value,
       max_value, sum_value, sum_squares, state, revision, finalized_at)
     SELECT w, w + interval '5 minutes', 'voltage', 'sensor_' || lpad((i % 1000)::text, 6, '0'), 300, 200, 260,
       69000.123456, 15880000.123456789012, $2, ($2 = 'final')::integer, CASE $2 WHEN 'final' THEN now() END
     FROM generate_series(0, $1 - 1) AS i,
       LATERAL (SELECT timestamptz '2025-01-01' + (i / 1000) * interval '5 minutes' AS w) AS window_of`,
    [rows, state],
  );
  await pool.query("VACUUM ANALYZE sensor_aggregates_realtime");
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
  for (const count of [10_000, 100_000, 1_000_000]) {
    await fillRows(pool, count, "final");
    await pool.query("UPDATE stream_state SET watermark = '2026-01-15 09:00Z' WHERE stream = 'sensor'");
    const idle: number[] = [];
    for (let round = 0; round < 5; round++) idle.push(await elapsedMs(sweep));
    const commit = median(await commits(pool, `rows-${count}`, 1_000, 10));
    const { rows: sizes } = await pool.query<{ bytes: number }>(
      "SELECT pg_total_relation_size('sensor_aggregates_realtime')::float8 AS bytes",
    );
    await fillRows(pool, count, "open");
    const finaliseMs = await elapsedMs(sweep);
    rows.push([
      count,
      (sizes[0]?.bytes ?? 0) / count,
      commit,
      median(idle),
      finaliseMs,
      (finaliseMs * 1000) / count,
    ]);
  }
  print(
    "Rows in the table: a commit to 1,000 keys, a sweep with nothing to do, a sweep that finalises every row",
    ["rows", "bytes/row", "commit ms", "idle sweep ms", "finalise all ms", "finalise µs/row"],
    rows,
  );
}

export async function byPartitions(database: BenchDatabase): Promise<void> {
  const pool = database.openPool(1);
  await pool.query("TRUNCATE sensor_aggregates_realtime");
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
