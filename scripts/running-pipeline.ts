// Which pipeline a command is about: the one that the environment names, or that of a running `npm start`.

import type { Pool } from "pg";
import { readDatabaseSettings } from "../lib/config/database.ts";
import type { Environment } from "../lib/config/environment.ts";
import { messageOf } from "../lib/log.ts";
import { openPool } from "../lib/store/pool.ts";
import { databaseVariables } from "./database-url.ts";
import { type RunningStack, readRunningStack } from "./running-stack.ts";

/** The ARN under which the local functions know their cluster. */
async function clusterArnOf({ mskEndpoint }: RunningStack): Promise<string> {
  const response = await fetch(`${mskEndpoint}/api/v2/clusters`);
  const { clusterInfoList }: { clusterInfoList: { clusterArn: string }[] } = JSON.parse(
    await response.text(),
  );
  return clusterInfoList[0]?.clusterArn ?? "";
}

async function runningStack(variable: string): Promise<RunningStack> {
  const stack = await readRunningStack();
  if (stack === null)
    throw new Error(`no pipeline is running: start one with \`npm start\`, or set ${variable}`);
  return stack;
}

/** The variables for lib/config of the database. @throws Error where there is none */
export async function databaseEnvironment(): Promise<Environment> {
  if (process.env.POSTGRES_HOST) return process.env;
  const { postgres } = await runningStack("POSTGRES_HOST");
  return { ...process.env, ...databaseVariables(new URL(postgres)) };
}

/** The variables for lib/config of the brokers. @throws Error where there are none */
export async function kafkaEnvironment(): Promise<Environment> {
  if (process.env.KAFKA_BROKER || process.env.MSK_CLUSTER_ARN) return process.env;
  const stack = await runningStack("KAFKA_BROKER");
  return { ...process.env, MSK_CLUSTER_ARN: await clusterArnOf(stack), KAFKA_BROKER: stack.kafka };
}

/** The variables for lib/config of both. @throws Error where one of them is not there */
export async function pipelineEnvironment(): Promise<Environment> {
  const { KAFKA_BROKER, MSK_CLUSTER_ARN } = await kafkaEnvironment();
  return { ...(await databaseEnvironment()), KAFKA_BROKER, MSK_CLUSTER_ARN };
}

/** Longest statement of a command, ms. */
const STATEMENT_TIMEOUT_MS = 120_000;

/** Runs a command on the database, and says what went wrong in one line. */
export async function onDatabase(work: (pool: Pool) => Promise<void>): Promise<void> {
  try {
    const pool = openPool(readDatabaseSettings(await databaseEnvironment()), STATEMENT_TIMEOUT_MS);
    try {
      await work(pool);
    } finally {
      await pool.end();
    }
  } catch (error) {
    // Whatever it is, the person at the terminal is the one to hear it.
    console.error(messageOf(error));
    process.exitCode = 1;
  }
}
