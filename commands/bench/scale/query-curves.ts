// What people ask, of ten million rows of sensors and as many of customers: times and plans. docs/performance.md keeps them.

import type { Pool } from "pg";
import { elapsedMs, median, print } from "./measure.ts";
import type { BenchDatabase } from "./server.ts";
import { fillRows, makeMonths } from "./sweep-curves.ts";

const ROWS = 10_000_000;
const CUSTOMERS = 10_000;
const FROM = "2025-01-01";

/** Hours of 10,000 customers. */
async function fillCustomers(pool: Pool): Promise<void> {
  await pool.query("TRUNCATE consumption_window");
  await makeMonths(pool, "consumption", FROM, Math.ceil(ROWS / CUSTOMERS / 24));
  await pool.query(
    `WITH customers AS (SELECT customers_of(array_agg('customer_' || c ORDER BY c)) AS ids FROM generate_series(1, $1) AS c)
     INSERT INTO consumption_window (window_start, customer, reading_count, total_consumption)
     SELECT timestamptz '${FROM}' + (i / $1) * interval '1 hour', customers.ids[1 + i % $1], 4, 0.987654
     FROM generate_series(0, $2::int - 1) AS i, customers`,
    [CUSTOMERS, ROWS],
  );
  await pool.query("VACUUM ANALYZE consumption_window");
}

/** As docs/queries.md has them; at most so many ms. */
const queries = [
  ["the everyday query", 5, "SELECT * FROM sensor_aggregates_realtime ORDER BY window_start DESC LIMIT 10"],
  [
    "one sensor's day",
    10,
    `SELECT window_start, sensor_type, avg_value, min_value, max_value, count, state FROM sensor_aggregates_realtime
     WHERE sensor_id = 'sensor_000500' AND window_start IN (SELECT window_grid('sensor', '2025-01-20', '2025-01-21'))
     ORDER BY window_start, sensor_type`,
  ],
  [
    "one customer's month",
    20,
    `SELECT window_start, total_consumption, reading_count, state FROM consumption_aggregates_realtime
     WHERE customer_id = 'customer_5000' AND window_start IN (SELECT window_grid('consumption', '2025-01-01', '2025-02-01'))
     ORDER BY window_start`,
  ],
] as const;

export async function byQueries(database: BenchDatabase): Promise<void> {
  const pool = database.openPool(1);
  await fillRows(pool, ROWS);
  await fillCustomers(pool);
  await pool.query(
    "SELECT move_watermark('sensor', '2025-02-01Z', NULL), move_watermark('consumption', '2025-02-01Z', NULL)",
  );
  for (const [name, mostMs, sql] of queries) {
    const { rows: found } = await pool.query(sql);
    const times: number[] = [];
    for (let round = 0; round < 21; round++) times.push(await elapsedMs(() => pool.query(sql)));
    print(
      `${name} (at most ${mostMs} ms), of ${ROWS} rows`,
      ["rows", "median ms", "longest ms"],
      [[found.length, median(times), Math.max(...times)]],
    );
    const { rows: plan } = await pool.query<{ "QUERY PLAN": string }>(
      `EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) ${sql}`,
    );
    console.log(plan.map((line) => line["QUERY PLAN"]).join("\n"));
  }
}
