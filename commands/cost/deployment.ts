// What serverless.yml says about batches, windows and memory, as the bill needs it.

import { parse } from "yaml";
import functions from "../../infra/streams.cjs";
import type { Deployment, Trigger } from "./pipeline.ts";
import type { StreamName } from "./workload.ts";

type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null;
}

/** @throws Error where the path leads nowhere */
function at(document: unknown, ...path: readonly (string | number)[]): unknown {
  let value = document;
  for (const step of path) value = isObject(value) ? value[step] : undefined;
  return value;
}

function numberAt(document: unknown, ...path: readonly (string | number)[]): number {
  const value = at(document, ...path);
  if (typeof value !== "number")
    throw new Error(`serverless.yml: ${path.join(".")}: expected a number, got ${JSON.stringify(value)}`);
  return value;
}

/** The triggers and the memory of the aggregating functions. @throws Error that names what is missing */
export function readTriggers(serverlessYml: string): Pick<Deployment, "memoryMb" | "triggers"> {
  // CloudFormation's short forms (!Ref …) are of no concern here.
  const document: unknown = parse(serverlessYml, { merge: true, logLevel: "silent" });
  const trigger = (stream: StreamName): Trigger => {
    const path = ["functions", functions[stream], "events", 0, "msk"] as const;
    return {
      batchSize: numberAt(document, ...path, "batchSize"),
      batchingWindowSeconds: numberAt(document, ...path, "maximumBatchingWindow"),
    };
  };
  return {
    memoryMb: numberAt(document, "provider", "memorySize"),
    triggers: { sensor: trigger("sensor"), consumption: trigger("consumption"), weather: trigger("weather") },
  };
}
