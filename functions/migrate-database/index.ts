import pg from "pg";
import { readDatabaseSettings, readLoginSuffix } from "../../lib/config.ts";
import { customResource } from "../../lib/deploy/custom-resource.ts";
import { createIamLogins } from "../../lib/store/logins.ts";
import { migrate, readMigrations } from "../../lib/store/migrate.ts";
import { connectionOf } from "../../lib/store/pool.ts";

/** Below the function's 840 s: a function that has given up and is frozen must not hold locks. */
const TRANSACTION_TIMEOUT = "800s";

const database = connectionOf(readDatabaseSettings(process.env));
const loginSuffix = readLoginSuffix(process.env);

export const handler = customResource(async () => {
  const client = new pg.Client({ ...database, options: `-c transaction_timeout=${TRANSACTION_TIMEOUT}` });
  client.on("error", () => {
    // The connection broke; the statement that ran says so, and the answer must still be given.
  });
  await client.connect();
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
