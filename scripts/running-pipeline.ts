// Which pipeline a command is about: the one that the environment names, or that of a running `npm start`.

import { readFile } from "node:fs/promises";
import type { Environment } from "../lib/config.ts";

interface Stack {
  readonly kafka: string;
  readonly postgres: string;
  /** Answers as MSK's control plane. */
  readonly mskEndpoint: string;
}

/** The ARN under which the local functions know their cluster. */
async function clusterArnOf({ mskEndpoint }: Stack): Promise<string> {
  const response = await fetch(`${mskEndpoint}/api/v2/clusters`);
  const { clusterInfoList }: { clusterInfoList: { clusterArn: string }[] } = JSON.parse(
    await response.text(),
  );
  return clusterInfoList[0]?.clusterArn ?? "";
}

/** The variables for lib/config.ts. @throws Error where neither is there */
export async function pipelineEnvironment(): Promise<Environment> {
  if (process.env.KAFKA_BROKER && process.env.POSTGRES_HOST) return process.env;
  const file = `${process.env.SMARTGRID_FOLDER || ".local"}/stack.json`;
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch {
    // The file is there exactly while `npm start` runs.
    throw new Error(
      "no pipeline is running: start one with `npm start`, or set KAFKA_BROKER and POSTGRES_HOST",
    );
  }
  const stack: Stack = JSON.parse(text);
  const postgres = new URL(stack.postgres);
  return {
    ...process.env,
    MSK_CLUSTER_ARN: process.env.MSK_CLUSTER_ARN || (await clusterArnOf(stack)),
    KAFKA_BROKER: stack.kafka,
    POSTGRES_HOST: postgres.hostname,
    POSTGRES_PORT: postgres.port || "5432",
    POSTGRES_DB: decodeURIComponent(postgres.pathname.slice(1)),
    POSTGRES_USER: decodeURIComponent(postgres.username),
    POSTGRES_PASSWORD: decodeURIComponent(postgres.password),
  };
}
