// `npm run migrate`: brings the database that POSTGRES_HOST and the other variables name, or the one of a running
// `npm start`, to the newest migration. With LOGIN_SUFFIX (a deployed stage) it also makes the functions' users there, who log
// in by IAM, as a deployment does.

import { program } from "commander";
import { readDatabaseSettings, readLoginSuffix } from "../../lib/config/database.ts";
import { connect } from "../../lib/postgres/connect.ts";
import { createIamLogins } from "../../lib/postgres/logins.ts";
import { migrate, readSchema } from "../../lib/postgres/migrate.ts";
import { pipelineEnvironment } from "../running-stack/running-pipeline.ts";
import { endWith } from "../terminal/usage.ts";

program
  .name("npm run migrate --")
  .description(
    "Applies the migrations that a database lacks: the one that POSTGRES_HOST and the other variables name, else that " +
      "of the running `npm start`. With LOGIN_SUFFIX=STAGE it also creates the database users of a deployed stage's functions.",
  )
  .parse();

try {
  const environment = await pipelineEnvironment({ kafka: false, database: true });
  const loginSuffix = readLoginSuffix(environment);
  const client = await connect(readDatabaseSettings(environment));
  try {
    const applied = await migrate(client, await readSchema("lib/postgres"), async () => {
      if (loginSuffix !== null) await createIamLogins(client, loginSuffix);
    });
    for (const name of applied) console.log(`applied ${name}`);
    if (applied.length === 0)
      console.log("nothing to apply: the database has all migrations of this version");
  } finally {
    await client.end();
  }
} catch (error) {
  endWith(error);
}
