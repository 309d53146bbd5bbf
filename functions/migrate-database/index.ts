import { readDatabaseSettings, readLoginSuffix } from "../../lib/config/database.ts";
import { ConfigurationError } from "../../lib/config/environment.ts";
import { customResource } from "../../lib/deploy/custom-resource.ts";
import { patiently } from "../../lib/deploy/patience.ts";
import { connect } from "../../lib/postgres/connect.ts";
import { createIamLogins } from "../../lib/postgres/logins.ts";
import { appliedText, migrate, readSchema } from "../../lib/postgres/migrate.ts";
import { refuseUnfitServer } from "../../lib/postgres/server-check.ts";
import { limitTransactions } from "../../lib/postgres/transaction.ts";

/** A function that has given up and is frozen must not hold locks: the migrations end before. */
const SPARE_MS = 20_000;

const database = readDatabaseSettings(process.env);
const loginSuffix = readLoginSuffix(process.env);
if (loginSuffix === null) throw new ConfigurationError("LOGIN_SUFFIX", "a value", undefined);

export const handler = customResource(async (_, remainingMs) => {
  const client = await patiently(() => connect(database), remainingMs);
  try {
    await refuseUnfitServer(client);
    await limitTransactions(client, remainingMs() - SPARE_MS);
    const applied = await migrate(client, await readSchema("lib/postgres"), () =>
      createIamLogins(client, loginSuffix),
    );
    return appliedText(applied);
  } finally {
    await client.end();
  }
});
