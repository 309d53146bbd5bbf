import pg from "pg";
import { readDatabaseSettings, readLoginSuffix } from "../../lib/config/database.ts";
import { ConfigurationError } from "../../lib/config/environment.ts";
import { customResource } from "../../lib/deploy/custom-resource.ts";
import { patiently } from "../../lib/deploy/patience.ts";
import { createIamLogins } from "../../lib/store/logins.ts";
import { migrate, readMigrations } from "../../lib/store/migrate.ts";
import { connectionOf } from "../../lib/store/pool.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/** A function that has given up and is frozen must not hold locks: the migrations end before. */
const SPARE_MS = 20_000;

const database = connectionOf(readDatabaseSettings(process.env));
const loginSuffix = readLoginSuffix(process.env);
if (loginSuffix === null) throw new ConfigurationError("LOGIN_SUFFIX", "a value", undefined);

async function logIn(remainingMs: () => number): Promise<pg.Client> {
  const client = new pg.Client({
    ...database,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    options: `-c transaction_timeout=${remainingMs() - SPARE_MS}`,
  });
  client.on("error", () => {
    // The connection broke; the statement that ran says so, and the answer must still be given.
  });
  await client.connect();
  return client;
}

export const handler = customResource(async (_, remainingMs) => {
  const client = await patiently(() => logIn(remainingMs), remainingMs);
  try {
    const applied = await migrate(client, await readMigrations("infra/migrations"), () =>
      createIamLogins(client, loginSuffix),
    );
    return applied.length === 0
      ? "nothing to apply: the database has all migrations of this version"
      : `applied ${applied.map(({ name }) => name).join(", ")}`;
  } finally {
    await client.end();
  }
});
