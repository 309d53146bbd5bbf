// The pipeline that a command is about, found and said.

import type { Pool } from "pg";
import { readDatabaseSettings } from "../../lib/config/database.ts";
import type { Environment } from "../../lib/config/environment.ts";
import { messageOf } from "../../lib/log.ts";
import { openPool } from "../../lib/postgres/pool.ts";
import { choosePipeline, type Needs } from "./choose-pipeline.ts";
import { findRunningStack } from "./running-stack.ts";

/** The variables for lib/config. What differs from a running `npm start` is said. @throws Error where there is none */
export async function pipelineEnvironment(needs?: Needs): Promise<Environment> {
  const { environment, notes } = choosePipeline(process.env, await findRunningStack(), needs);
  for (const note of notes) console.error(note);
  return environment;
}

/** Longest statement of a command, ms. */
const STATEMENT_TIMEOUT_MS = 120_000;

/** Runs a command on the database (and with the brokers, where it needs them), and says what went wrong in one line. */
export async function onDatabase(
  work: (pool: Pool, environment: Environment) => Promise<void>,
  needs: Needs = { kafka: false, database: true },
): Promise<void> {
  try {
    const environment = await pipelineEnvironment(needs);
    const pool = openPool(readDatabaseSettings(environment), STATEMENT_TIMEOUT_MS);
    try {
      await work(pool, environment);
    } finally {
      await pool.end();
    }
  } catch (error) {
    // Whatever it is, the person at the terminal is the one to hear it.
    console.error(messageOf(error));
    process.exitCode = 1;
  }
}
