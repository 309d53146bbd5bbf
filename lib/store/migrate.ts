// Applies the numbered SQL files of infra/migrations, each once, in order, under an advisory lock.

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ClientBase } from "pg";
import { refuseUnfitServer } from "./server-check.ts";

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/** Any constant will do, as long as nobody else takes it: the four letters SGRD. */
const ADVISORY_LOCK = 0x53475244;

/**
 * Reads the migrations of a folder, in order.
 * @throws Error where a name is not `NNNN_words.sql` or a number is missing or doubled
 */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  return Promise.all(
    names.map(async (name, i) => {
      const version = Number(/^(\d{4})_[a-z0-9_]+\.sql$/.exec(name)?.[1]);
      if (version !== i + 1)
        throw new Error(
          `${join(folder, name)}: expected a file named ${String(i + 1).padStart(4, "0")}_….sql`,
        );
      const sql = await readFile(join(folder, name), "utf8");
      return { version, name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    }),
  );
}

/**
 * Brings the database to the newest migration, in one transaction: all that is pending, or nothing. Migrations that the
 * database has and this version does not know are a newer version's, and stay.
 * @param andThen belongs to it: where it throws, nothing stays either
 * @returns the migrations that were applied now
 * @throws Error where the server is none that can hold them (server-check.ts); where one that was applied before has changed since, or one fails; then nothing has changed
 */
export async function migrate(
  client: ClientBase,
  migrations: readonly Migration[],
  andThen: () => Promise<void> = async () => undefined,
): Promise<Migration[]> {
  await refuseUnfitServer(client);
  await client.query("BEGIN");
  try {
    await client.query("SELECT pg_advisory_xact_lock($1)", [ADVISORY_LOCK]);
    // The running functions stand behind a migration that waits for its lock, and themselves wait 5 s at most: it gives
    // up well before them, and can be started again.
    await client.query("SET LOCAL lock_timeout = '2s'");
    const appliedNow = await applyPending(client, migrations);
    await andThen();
    await client.query("COMMIT");
    return appliedNow;
  } catch (error) {
    // What was the reason is to be said, not that a connection that broke cannot roll back: its transaction is gone.
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

async function applyPending(client: ClientBase, migrations: readonly Migration[]): Promise<Migration[]> {
  await client.query(
    `CREATE TABLE IF NOT EXISTS schema_migration
       (version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
  );
  const { rows } = await client.query<{ version: number; checksum: string }>(
    "SELECT version, checksum FROM schema_migration",
  );
  const checksums = new Map(rows.map((row) => [row.version, row.checksum]));
  const appliedNow: Migration[] = [];
  for (const migration of migrations) {
    const known = checksums.get(migration.version);
    if (known === migration.checksum) continue;
    if (known !== undefined)
      throw new Error(`migration ${migration.name} has changed since it was applied: add a new one instead`);
    await applyMigration(client, migration);
    appliedNow.push(migration);
  }
  return appliedNow;
}

async function applyMigration(
  client: ClientBase,
  { version, name, sql, checksum }: Migration,
): Promise<void> {
  try {
    await client.query(sql);
    await client.query("INSERT INTO schema_migration (version, name, checksum) VALUES ($1, $2, $3)", [
      version,
      name,
      checksum,
    ]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`migration ${name} failed, and nothing of this run stays: ${reason}`, { cause: error });
  }
}
