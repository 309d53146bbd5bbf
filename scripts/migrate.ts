// `npm run migrate`: brings the database that POSTGRES_HOST and the other variables name, or the one of a running
// `npm start`, to the newest migration.

import pg from "pg";
import { readDatabaseSettings } from "../lib/config.ts";
import { messageOf } from "../lib/log.ts";
import { migrate, readMigrations } from "../lib/store/migrate.ts";
import { connectionOf } from "../lib/store/pool.ts";
import { databaseEnvironment } from "./running-pipeline.ts";

try {
  const client = new pg.Client(connectionOf(readDatabaseSettings(await databaseEnvironment())));
  await client.connect();
  try {
    const applied = await migrate(client, await readMigrations("infra/migrations"));
    for (const { name } of applied) console.log(`applied ${name}`);
    if (applied.length === 0)
      console.log("nothing to apply: the database has all migrations of this version");
  } finally {
    await client.end();
  }
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
