// `npm run migrate`: brings the database that POSTGRES_HOST and the other variables name, or the one of a running
// `npm start`, to the newest migration.

import { readFile } from "node:fs/promises";
import pg from "pg";
import { readDatabaseSettings } from "../lib/config.ts";
import { messageOf } from "../lib/log.ts";
import { migrate, readMigrations } from "../lib/store/migrate.ts";

async function connection(): Promise<pg.ClientConfig> {
  if (process.env.POSTGRES_HOST) return readDatabaseSettings(process.env);
  const stack: { postgres: string } = JSON.parse(await readFile(".local/stack.json", "utf8").catch(noStack));
  return { connectionString: stack.postgres };
}

function noStack(): never {
  throw new Error("POSTGRES_HOST is not set and no `npm start` is running: name the database to migrate");
}

try {
  const client = new pg.Client(await connection());
  await client.connect();
  try {
    const applied = await migrate(client, await readMigrations("infra/migrations"));
    for (const { name } of applied) console.log(`applied ${name}`);
    if (applied.length === 0) console.log("nothing to apply: the database is at the newest migration");
  } finally {
    await client.end();
  }
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
