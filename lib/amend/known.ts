// Selectors that name nobody: a typing error must not read as "nothing to do".

import type { Pool } from "pg";
import { quoted } from "../core/printable.ts";
import { UsageError } from "../core/usage-error.ts";
import type { Selector } from "./entry.ts";

/** So many names before, and from, the one that is not there: a typing error is mostly near its end. */
const NEIGHBOURS = 3;

const NAMES = {
  sensor: { table: "sensor_series", column: "sensor_id" },
  customer: { table: "customer", column: "customer_id" },
} as const;

async function neighbours(pool: Pool, kind: keyof typeof NAMES, name: string): Promise<string> {
  const { table, column } = NAMES[kind];
  const { rows } = await pool.query<{ name: string }>(
    `SELECT name FROM (
       (SELECT DISTINCT ${column} AS name FROM ${table} WHERE ${column} < $1 ORDER BY 1 DESC LIMIT ${NEIGHBOURS})
       UNION (SELECT DISTINCT ${column} FROM ${table} WHERE ${column} > $1 ORDER BY 1 LIMIT ${NEIGHBOURS})) AS near
     ORDER BY 1`,
    [name],
  );
  return rows.length === 0
    ? `no ${kind} was counted yet`
    : `names near it: ${rows.map((row) => quoted(row.name)).join(", ")}`;
}

/**
 * @throws UsageError for a sensor, a type or a customer of which nothing was ever counted, with what there is. Which meters
 *   there are is not on record.
 */
export async function refuseUnknownSelector(pool: Pool, selector: Selector): Promise<void> {
  if ("meter" in selector) return;
  if ("customer" in selector) {
    const { customer } = selector;
    const { rowCount } = await pool.query("SELECT FROM customer WHERE customer_id = $1", [customer]);
    if (rowCount === 0)
      throw new UsageError(
        `no reading of the customer ${quoted(customer)} was ever counted; ${await neighbours(pool, "customer", customer)}`,
      );
    return;
  }
  const { sensor, type } = selector;
  const { rows } = await pool.query<{ type: string }>(
    "SELECT sensor_type AS type FROM sensor_series WHERE sensor_id = $1 ORDER BY 1",
    [sensor],
  );
  if (rows.length === 0)
    throw new UsageError(
      `no event of the sensor ${quoted(sensor)} was ever counted; ${await neighbours(pool, "sensor", sensor)}`,
    );
  if (type !== null && rows.every((row) => row.type !== type))
    throw new UsageError(
      `the sensor ${quoted(sensor)} has no type ${quoted(type)}; it has ${rows.map((row) => quoted(row.type)).join(", ")}`,
    );
}
