// The comparison of docs/deploy.md: each way in which the Spark job's rows can differ from ours has its verdict.
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, type TestDatabase } from "../database.ts";

const compare = await readFile(new URL("../../../infra/from-spark/compare.sql", import.meta.url), "utf8");

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
  // The existing installation's columns and types.
  await database.pool.query(`
    CREATE SCHEMA spark;
    CREATE TABLE spark.sensor_aggregates_realtime (window_start timestamptz, window_end timestamptz,
      sensor_type varchar(50), sensor_id varchar(100), avg_value decimal(10,4), count bigint, created_at timestamptz);
    CREATE TABLE spark.consumption_aggregates_realtime (window_start timestamptz, window_end timestamptz,
      customer_id varchar(100), total_consumption decimal(12,4), reading_count bigint, created_at timestamptz);
    UPDATE stream_state SET watermark = '2026-01-15 12:00Z'`);
});
afterAll(() => database.close());

/** A window of sensor `id` at a minute after ten: as we have it, and as Spark appended it, row by row. */
async function sensor(
  id: string,
  minute: number,
  ours: { count: number; sum: number } | null,
  sparks: readonly { count: number; avg: number }[],
): Promise<void> {
  const start = new Date(Date.UTC(2026, 0, 15, 10, minute));
  for (const { count, avg } of sparks)
    await database.pool.query(
      `INSERT INTO spark.sensor_aggregates_realtime
       VALUES ($1, $1::timestamptz + interval '5 minutes', 'voltage', $2, $3, $4, now())`,
      [start, id, avg, count],
    );
  if (ours === null) return;
  await database.pool.query("SELECT make_months('sensor', ARRAY[epoch_us($1::timestamptz)])", [start]);
  await database.pool.query(
    `INSERT INTO sensor_window (window_start, series, count, min_value, max_value, sum_value, sum_squares)
     VALUES ($1, (series_of(ARRAY['voltage'], ARRAY[$2::text]))[1], $3, 0, 0, $4, 1000)`,
    [start, id, ours.count, ours.sum],
  );
}

test("names each difference, and none where there is none", async () => {
  await database.pool.query("UPDATE stream_state SET watermark = '2026-01-15T12:00:00Z'");
  await sensor("start", 0, { count: 1, sum: 1 }, [{ count: 9, avg: 9 }]); // both had begun in its midst
  await sensor("equal", 5, { count: 3, sum: 10 }, [
    { count: 1, avg: 9 },
    { count: 3, avg: 3.3333 }, // the last of what Spark appended, rounded
    { count: 2, avg: 5 },
  ]);
  await sensor("lost-by-spark", 5, { count: 3, sum: 9 }, [{ count: 2, avg: 3 }]);
  await sensor("lost-by-us", 5, { count: 2, sum: 6 }, [{ count: 3, avg: 3 }]);
  await sensor("value", 5, { count: 3, sum: 9 }, [{ count: 3, avg: 3.01 }]);
  await sensor("ours", 10, { count: 1, sum: 1 }, []);
  await sensor("sparks", 10, null, [{ count: 1, avg: 1 }]);
  await sensor("too-new", 125, { count: 1, sum: 1 }, [{ count: 5, avg: 1 }]);

  const { rows } = await database.pool.query<{ verdict: string; windows: string; example: string }>(compare);
  expect(rows.map(({ verdict, windows, example }) => [verdict, Number(windows), example])).toEqual([
    ["equal", 1, "voltage/equal"],
    ["more events here", 1, "voltage/lost-by-spark"],
    ["more events in Spark", 1, "voltage/lost-by-us"],
    ["only Spark", 1, "voltage/sparks"],
    ["only here", 1, "voltage/ours"],
    ["other value", 1, "voltage/value"],
  ]);
});
