// The schema explains itself: `\d+ TABLE` and `\df+` in psql say what everything means, and in which unit.
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, type TestDatabase } from "../database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());

/** What COMMENT ON would have to name. */
async function uncommented(): Promise<string[]> {
  const { rows } = await database.pool.query<{ name: string }>(
    `SELECT CASE c.relkind WHEN 'v' THEN 'VIEW ' ELSE 'TABLE ' END || c.relname AS name
     FROM pg_class AS c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
       AND obj_description(c.oid, 'pg_class') IS NULL
     UNION ALL
     SELECT 'COLUMN ' || c.relname || '.' || quote_ident(a.attname)
     FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
       AND a.attnum > 0 AND NOT a.attisdropped AND col_description(c.oid, a.attnum) IS NULL
     UNION ALL
     SELECT 'FUNCTION ' || p.oid::regprocedure
     FROM pg_proc AS p
     WHERE p.pronamespace = 'public'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL
     ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

test("every table, view, column and function has a comment", async () => {
  expect(
    await uncommented(),
    "say what these mean, with units, by COMMENT ON … IS '…' beside their definition in lib/postgres",
  ).toEqual([]);
});
