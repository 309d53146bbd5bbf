import pg from "pg";
import { readDatabaseSettings, readMigrationSettings } from "../../lib/config.ts";
import { customResource } from "../../lib/deploy/custom-resource.ts";
import { createLogins } from "../../lib/store/logins.ts";
import { migrate, readMigrations } from "../../lib/store/migrate.ts";
import { readSecret } from "../../lib/store/secret.ts";

const database = readDatabaseSettings(process.env);
const { ownerSecretArn, loginSuffix, secretArns } = readMigrationSettings(process.env);

async function passwordOf(secretArn: string): Promise<string> {
  return (await readSecret(secretArn)).password;
}

export const handler = customResource(async () => {
  const { username, password } = await readSecret(ownerSecretArn);
  const client = new pg.Client({ ...database, user: username, password });
  await client.connect();
  try {
    const applied = await migrate(client, await readMigrations("infra/migrations"));
    await createLogins(client, loginSuffix, {
      ingest: await passwordOf(secretArns.ingest),
      sweep: await passwordOf(secretArns.sweep),
      api: await passwordOf(secretArns.api),
      read: await passwordOf(secretArns.read),
    });
    return applied.length === 0
      ? "nothing to apply: the database is at the newest migration"
      : `applied ${applied.map(({ name }) => name).join(", ")}`;
  } finally {
    await client.end();
  }
});
