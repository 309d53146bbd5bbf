// Brings a database to this version's schema, in one transaction and under an advisory lock: the numbered files of
// migrations/ (tables and data), each once and in order; then each file of sql/ (one function or view) that differs from
// what was last applied. docs/decisions/0022 says why they are apart.

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ClientBase } from "pg";
import { messageOf } from "../log.ts";
import { refuseUnfitServer } from "./server-check.ts";
import { declaredSql } from "./stream-sql.ts";

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/** A function or a view with its comments, rights and trigger. */
export interface Source {
  readonly kind: "FUNCTION" | "VIEW";
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/** The tables of a stream, made where they are not there. */
export interface StreamTables {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

export interface Schema {
  readonly migrations: readonly Migration[];
  readonly tables: readonly StreamTables[];
  readonly sources: readonly Source[];
}

/** Any constant will do, as long as nobody else takes it: the four letters SGRD. */
const ADVISORY_LOCK = 0x53475244;

const checksumOf = (sql: string) => createHash("sha256").update(sql).digest("hex");

async function readSql(folder: string): Promise<{ file: string; sql: string; checksum: string }[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".sql")).sort();
  return Promise.all(
    files.map(async (file) => {
      const sql = await readFile(join(folder, file), "utf8");
      return { file, sql, checksum: checksumOf(sql) };
    }),
  );
}

/** @throws Error where it does not define what its name says */
function sourceOf(where: string, name: string, sql: string): Source {
  const kind = new RegExp(`^CREATE OR REPLACE (FUNCTION|VIEW) ${name}\\b`, "m").exec(sql)?.[1];
  if (kind !== "FUNCTION" && kind !== "VIEW")
    throw new Error(`${where}: expected CREATE OR REPLACE FUNCTION ${name}, or VIEW ${name}`);
  return { kind, name, sql, checksum: checksumOf(sql) };
}

/**
 * Reads `migrations/NNNN_words.sql` and `sql/NAME.sql` of a folder, and adds what follows from the streams' declarations.
 * @throws Error where a migration's number is missing or doubled, or a source does not define what its name says
 */
export async function readSchema(folder: string): Promise<Schema> {
  const [migrations, sources] = await Promise.all([
    readSql(join(folder, "migrations")),
    readSql(join(folder, "sql")),
  ]);
  const declared = declaredSql();
  return {
    migrations: migrations.map(({ file, sql, checksum }, i) => {
      const version = Number(/^(\d{4})_[a-z0-9_]+\.sql$/.exec(file)?.[1]);
      if (version !== i + 1)
        throw new Error(
          `${join(folder, "migrations", file)}: expected a file named ${String(i + 1).padStart(4, "0")}_….sql`,
        );
      return { version, name: file, sql, checksum };
    }),
    tables: declared.tables.map(({ name, sql }) => ({ name, sql, checksum: checksumOf(sql) })),
    sources: [
      ...sources.map(({ file, sql }) =>
        sourceOf(join(folder, "sql", file), file.slice(0, -".sql".length), sql),
      ),
      ...declared.sources.map(({ name, sql }) => sourceOf("stream-sql.ts", name, sql)),
    ].sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/**
 * Brings the database to the schema: all that is pending, or nothing. What the database has and the schema does not know is
 * a newer version's, and stays.
 * @param andThen belongs to the transaction: where it throws, nothing stays either
 * @returns what was applied now: names of migrations, and of functions and views
 * @throws Error where the server cannot hold the schema (server-check.ts); where a migration that was applied before has changed since, or a file fails; then nothing has changed
 */
export async function migrate(
  client: ClientBase,
  { migrations, tables, sources }: Schema,
  andThen: () => Promise<void> = async () => undefined,
): Promise<string[]> {
  await refuseUnfitServer(client);
  await client.query("BEGIN");
  try {
    await client.query("SELECT pg_advisory_xact_lock($1)", [ADVISORY_LOCK]);
    // The running functions stand behind a migration that waits for its lock, and themselves wait 5 s at most: it gives
    // up well before them, and can be started again.
    await client.query("SET LOCAL lock_timeout = '2s'");
    // Functions that run as their owner keep this path: what they name is the schema's, never the caller's.
    await client.query(
      "SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)",
    );
    await client.query(
      `CREATE TABLE IF NOT EXISTS schema_migration
         (version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
       CREATE TABLE IF NOT EXISTS schema_source
         (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
    );
    const applied = [
      ...(await applyMigrations(client, migrations)),
      ...(await applyTables(client, tables)),
      ...(await applySources(client, sources)),
    ];
    await andThen();
    await client.query("COMMIT");
    return applied;
  } catch (error) {
    // What was the reason is to be said, not that a connection that broke cannot roll back: its transaction is gone.
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

async function run(client: ClientBase, what: string, sql: string): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    throw new Error(`${what} failed, and nothing of this run stays: ${messageOf(error)}`, { cause: error });
  }
}

async function applyMigrations(client: ClientBase, migrations: readonly Migration[]): Promise<string[]> {
  const { rows } = await client.query<{ version: number; checksum: string }>(
    "SELECT version, checksum FROM schema_migration",
  );
  const checksums = new Map(rows.map((row) => [row.version, row.checksum]));
  const applied: string[] = [];
  for (const { version, name, sql, checksum } of migrations) {
    const known = checksums.get(version);
    if (known === checksum) continue;
    if (known !== undefined)
      throw new Error(`migration ${name} has changed since it was applied: add a new one instead`);
    await run(client, `migration ${name}`, sql);
    await client.query("INSERT INTO schema_migration (version, name, checksum) VALUES ($1, $2, $3)", [
      version,
      name,
      checksum,
    ]);
    applied.push(name);
  }
  return applied;
}

type Applied = Pick<Source, "name" | "checksum">;

/** @returns whether something differs from what was last applied under its name */
async function pendingIn(client: ClientBase): Promise<(one: Applied) => boolean> {
  const { rows } = await client.query<Applied>("SELECT name, checksum FROM schema_source");
  const checksums = new Map(rows.map((row) => [row.name, row.checksum]));
  return ({ name, checksum }) => checksums.get(name) !== checksum;
}

async function note(client: ClientBase, applied: readonly Applied[]): Promise<void> {
  await client.query(
    `INSERT INTO schema_source (name, checksum) SELECT * FROM unnest($1::text[], $2::text[])
     ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now()`,
    [applied.map(({ name }) => name), applied.map(({ checksum }) => checksum)],
  );
}

/**
 * Makes the tables of streams that have none. Those that are there stay as they are: a column that a declaration has got since
 * is found missing by its comment, and a migration has to add it (docs/add-a-stream.md).
 */
async function applyTables(client: ClientBase, tables: readonly StreamTables[]): Promise<string[]> {
  const pending = tables.filter(await pendingIn(client));
  for (const { name, sql } of pending) await run(client, `the table ${name}`, sql);
  await note(client, pending);
  return pending.map(({ name }) => name);
}

async function applySources(client: ClientBase, sources: readonly Source[]): Promise<string[]> {
  const isPending = await pendingIn(client);
  const pending = [
    ...sources.filter((source) => source.kind === "FUNCTION" && isPending(source)),
    ...sources.filter((source) => source.kind === "VIEW" && isPending(source)), // they call functions
  ];
  const names = pending.map(({ name }) => name);
  await revokeRights(client, names);
  // Twice: functions call each other and read views, so what is in them can be checked only when all are there.
  for (const check of ["off", "on"]) {
    await client.query(`SET LOCAL check_function_bodies = ${check}`);
    for (const { name, sql } of pending) await run(client, `sql/${name}.sql`, sql);
  }
  await note(client, pending);
  return names;
}

/** A right that a file no longer grants is gone as well. */
async function revokeRights(client: ClientBase, names: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ revoke: string }>(
    `SELECT format('REVOKE ALL ON %s %s FROM %s', o.kind, o.identity, a.grantee::regrole) AS revoke
     FROM (
       SELECT 'FUNCTION' AS kind, p.oid::regprocedure::text AS identity, p.proacl AS acl, p.proowner AS owner
       FROM pg_proc AS p WHERE p.pronamespace = current_schema()::regnamespace AND p.proname = ANY ($1)
       UNION ALL
       SELECT 'TABLE', c.oid::regclass::text, c.relacl, c.relowner
       FROM pg_class AS c WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY ($1)) AS o,
     LATERAL aclexplode(o.acl) AS a
     WHERE a.grantee NOT IN (o.owner, 0)`,
    [names],
  );
  for (const { revoke } of rows) await client.query(revoke);
}

/** @param applied as `migrate` gives it */
export function appliedText(applied: readonly string[]): string {
  return applied.length === 0
    ? "nothing to apply: the database has all migrations of this version"
    : `applied ${applied.join(", ")}`;
}
