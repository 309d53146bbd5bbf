// The pipeline that a command is about, found and said.

import type { Pool } from "pg";
import { readDatabaseSettings } from "../../lib/config/database.ts";
import type { Environment } from "../../lib/config/environment.ts";
import { connectionError } from "../../lib/postgres/connect.ts";
import { openPool } from "../../lib/postgres/pool.ts";
import { endWith } from "../terminal/usage.ts";
import { choosePipeline, type Needs } from "./choose-pipeline.ts";
import { findRunningStack } from "./running-stack.ts";

/** The variables for lib/config. What differs from a running `npm start` is said. @throws Error where there is none */
export async function pipelineEnvironment(needs?: Needs): Promise<Environment> {
  const { environment, notes } = choosePipeline(process.env, await findRunningStack(), needs);
  for (const note of notes) console.error(note);
  return environment;
}

/** A pool whose first connection has been made. @throws Error that says who was asked, where, and what to do */
export async function openReachedPool(environment: Environment, statementTimeoutMs: number): Promise<Pool> {
  const settings = readDatabaseSettings(environment);
  const pool = openPool(settings, statementTimeoutMs);
  try {
    (await pool.connect()).release();
    return pool;
  } catch (error) {
    await pool.end();
    throw connectionError(error, settings);
  }
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
    const pool = await openReachedPool(environment, STATEMENT_TIMEOUT_MS);
    try {
      await work(pool, environment);
    } finally {
      await pool.end();
    }
  } catch (error) {
    // Whatever it is, the person at the terminal is the one to hear it.
    endWith(error);
  }
}
