// Where the commands find a pipeline: the one that the environment names, or the one that `npm start` runs here.

import { readFile } from "node:fs/promises";
import { type KafkaSettings, readDatabaseSettings, readKafkaSettings } from "../lib/config.ts";
import type { DatabaseSettings } from "../lib/store/pool.ts";

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
export async function findDatabase(): Promise<DatabaseSettings> {
  if (process.env.POSTGRES_HOST) return readDatabaseSettings(process.env);
  const url = new URL((await runningStack("POSTGRES_HOST")).postgres);
  return {
    host: url.hostname,
    port: Number(url.port),
    database: url.pathname.slice(1),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    applicationName: "smartgrid",
  };
}

/** @throws Error where there are no brokers */
export async function findKafka(): Promise<KafkaSettings> {
  if (process.env.KAFKA_BROKER || process.env.MSK_CLUSTER_ARN) return readKafkaSettings(process.env);
  return readKafkaSettings({ ...process.env, KAFKA_BROKER: (await runningStack("KAFKA_BROKER")).kafka });
}
