// Where the commands find a pipeline: the one that the environment names, or the one that `npm start` runs here.

import { readFile } from "node:fs/promises";
import type pg from "pg";
import { type KafkaSettings, readDatabaseSettings, readKafkaSettings } from "../lib/config.ts";

interface RunningStack {
  readonly kafka: string;
  readonly postgres: string;
}

/** The file is there exactly while `npm start` runs. */
async function runningStack(variable: string): Promise<RunningStack> {
  const text = await readFile(".local/stack.json", "utf8").catch(() => {
    throw new Error(`no pipeline is running: start one with \`npm start\`, or set ${variable}`);
  });
  return JSON.parse(text);
}

/** @throws Error where there is no database */
export async function findDatabase(): Promise<pg.ClientConfig> {
  if (process.env.POSTGRES_HOST) return readDatabaseSettings(process.env);
  return { connectionString: (await runningStack("POSTGRES_HOST")).postgres };
}

/** @throws Error where there are no brokers */
export async function findKafka(): Promise<KafkaSettings> {
  if (process.env.KAFKA_BROKER || process.env.MSK_CLUSTER_ARN) return readKafkaSettings(process.env);
  return readKafkaSettings({ ...process.env, KAFKA_BROKER: (await runningStack("KAFKA_BROKER")).kafka });
}
