// SQL as source: what the database executes is what the files of lib/postgres/sql say, no more and no less.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PoolClient } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { migrate, readSchema, type Source } from "../../../lib/postgres/migrate.ts";
import { streams } from "../../../lib/streams/streams.ts";
import { createDatabase, type TestDatabase } from "../database.ts";

const schema = await readSchema(join(import.meta.dirname, "../../../lib/postgres"));
let database: TestDatabase;
let client: PoolClient;
beforeAll(async () => {
  database = await createDatabase();
  client = await database.pool.connect();
});
afterAll(async () => {
  client.release();
  await database.close();
});

async function names(sql: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(`${sql} ORDER BY 1`);
  return rows.map(({ name }) => name);
}

const ofKind = (kind: Source["kind"]) =>
  schema.sources.filter((source) => source.kind === kind).map(({ name }) => name);

function edited(name: string, edit: (sql: string) => string): typeof schema {
  const sources = schema.sources.map((source) =>
    source.name === name ? { ...source, sql: edit(source.sql), checksum: "edited" } : source,
  );
  expect(sources.map(({ sql }) => sql)).not.toEqual(schema.sources.map(({ sql }) => sql));
  return { ...schema, sources };
}

const mayExecute = async (role: string, signature: string) =>
  (await client.query("SELECT has_function_privilege($1, $2, 'EXECUTE') AS may", [role, signature])).rows[0]
    .may;

test("each function and each view has one file of its name, and each file has one of them", async () => {
  const namespace = "current_schema()::regnamespace";
  expect(await names(`SELECT proname AS name FROM pg_proc WHERE pronamespace = ${namespace}`)).toEqual(
    ofKind("FUNCTION"),
  );
  expect(
    await names(`SELECT relname AS name FROM pg_class WHERE relnamespace = ${namespace} AND relkind = 'v'`),
  ).toEqual(ofKind("VIEW"));
});

test("the database's functions are those of the files, word for word, and views as if made from them today", async () => {
  const { rows } = await client.query<{ name: string; body: string }>(
    "SELECT proname AS name, prosrc AS body FROM pg_proc WHERE pronamespace = current_schema()::regnamespace",
  );
  for (const { name, body } of rows)
    expect(schema.sources.find((source) => source.name === name)?.sql).toContain(`$$${body}$$`);
  const views = () =>
    names("SELECT viewname || definition AS name FROM pg_views WHERE schemaname = current_schema()");
  const before = await views();
  await client.query("BEGIN");
  for (const { kind, sql } of schema.sources) if (kind === "VIEW") await client.query(sql);
  expect(await views()).toEqual(before);
  await client.query("ROLLBACK");
});

test("a window is as long in SQL as its stream's declaration says", async () => {
  for (const stream of Object.values(streams)) {
    const { rows } = await client.query<{ us: string }>(
      "SELECT extract(epoch FROM window_length($1)) * 1000000 AS us",
      [stream.name],
    );
    expect(Number(rows[0]?.us), stream.name).toBe(stream.windowUs);
  }
});

test("a change of a final row that does not count itself is refused", async () => {
  await client.query("BEGIN");
  await client.query("SELECT make_months('weather', ARRAY[epoch_us('2026-01-01Z')])");
  await client.query("INSERT INTO weather_window SELECT '2026-01-01Z', now(), now(), 1, 0, 1, 1, 1, 1, '{}'");
  await client.query("UPDATE weather_window SET sum_temperature = 2"); // while it is open
  await client.query("UPDATE stream_state SET watermark = '2026-01-02Z' WHERE stream = 'weather'");
  await client.query("SAVEPOINT final");
  await expect(client.query("UPDATE weather_window SET sum_temperature = 3")).rejects.toThrow(
    "a change of a final row is an amendment",
  );
  await client.query("ROLLBACK TO final");
  await client.query("UPDATE weather_window SET sum_temperature = 3, amendments = amendments + 1");
  const { rows } = await client.query(
    "SELECT revision, avg_temperature::int FROM weather_aggregates_history",
  );
  expect(rows).toEqual([{ revision: 1, avg_temperature: 2 }]);
  await client.query("ROLLBACK");
});

test("a file that changed is applied, the others are not, and a right that it no longer grants is gone", async () => {
  expect(await migrate(client, schema)).toEqual([]);
  const signature = "trouble(interval, interval)";
  expect(await mayExecute("smartgrid_api", signature)).toBe(true);
  const without = edited("trouble", (sql) => sql.replace("TO smartgrid_api, ", "TO "));
  expect(await migrate(client, without)).toEqual(["trouble"]);
  expect(await mayExecute("smartgrid_api", signature)).toBe(false);
  expect(await mayExecute("smartgrid_read", signature)).toBe(true);
  expect(await migrate(client, schema)).toEqual(["trouble"]);
  expect(await mayExecute("smartgrid_api", signature)).toBe(true);
});

test("a table that lacks a column of its stream's declaration is named, and nothing of the run stays", async () => {
  const changed = { ...schema, tables: schema.tables.map((table) => ({ ...table, checksum: "edited" })) };
  expect(await migrate(client, changed)).toEqual(["sensor_window", "consumption_window", "weather_window"]);
  expect(await migrate(client, schema)).toHaveLength(3); // they were there
  const tables = schema.tables.map(({ sql, ...table }) => ({
    ...table,
    sql: sql.replaceAll("weather_window.sum_humidity", "weather_window.sum_rain"),
    checksum: "edited",
  }));
  await expect(migrate(client, { ...schema, tables })).rejects.toThrow(
    /^the table weather_window failed, and nothing of this run stays: column "sum_rain" .* does not exist/,
  );
  expect(await migrate(client, schema)).toEqual([]);
});

test("a file whose body cannot work is named, and nothing of the run stays", async () => {
  const wrong = edited("offsets_in", (sql) => sql.replace("upper(r)", "no_such_function(r)"));
  await expect(migrate(client, wrong)).rejects.toThrow(
    /^sql\/offsets_in\.sql failed, and nothing of this run stays: function no_such_function/,
  );
  // PL/pgSQL looks for tables when it runs, but it reads all of its text now.
  const unreadable = edited("settle_late", (sql) => sql.replace("END IF;", "END;"));
  await expect(migrate(client, unreadable)).rejects.toThrow(/^sql\/settle_late\.sql failed, .*syntax error/);
  expect(await migrate(client, schema)).toEqual([]);
});

test("a file that does not define what its name says is refused, and so is a missing number", async () => {
  const folder = await mkdtemp(join(tmpdir(), "smartgrid-schema-"));
  try {
    await mkdir(join(folder, "migrations"));
    await mkdir(join(folder, "sql"));
    await writeFile(join(folder, "sql/one.sql"), "CREATE OR REPLACE VIEW another AS SELECT 1");
    await expect(readSchema(folder)).rejects.toThrow(
      /one\.sql: expected CREATE OR REPLACE FUNCTION one, or VIEW one$/,
    );
    await rm(join(folder, "sql/one.sql"));
    await writeFile(join(folder, "migrations/0002_words.sql"), "SELECT 1");
    await expect(readSchema(folder)).rejects.toThrow(/0002_words\.sql: expected a file named 0001_….sql$/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
