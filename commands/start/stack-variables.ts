// All variables by which the functions of a running stack work, for those who ask it: commands, and functions that are
// invoked by hand.

import { join, resolve } from "node:path";
import type { Environment } from "../../lib/config/environment.ts";
import { readGroups, readTopics } from "../../lib/config/kafka.ts";
import { ruleVariables } from "../../lib/config/rules.ts";
import topicNames from "../../lib/config/topics.json" with { type: "json" };
import { streamNames } from "../../lib/streams/stream.ts";

/** Where its failure destinations are, absolute. */
export const failuresFolder = (env: Environment, folder: string) =>
  resolve(env.LOCALSTACK_FAILURES_DIR || join(folder, "failures"));

/**
 * @param env that of `npm start`
 * @param servers with KAFKA_BROKER, POSTGRES_… and the functions' users
 */
export function stackVariables(
  env: Environment,
  servers: Readonly<Record<string, string>>,
  clusterArn: string,
  folder: string,
): Environment {
  const topics = readTopics(env);
  const groups = readGroups({}, topics); // serverless.yml names them, no variable does
  return {
    ...ruleVariables(env),
    ...Object.fromEntries(streamNames.map((stream) => [topicNames[stream].variable, topics[stream]])),
    KAFKA_GROUP_SENSOR_DATA: groups.sensor,
    KAFKA_GROUP_METER_READINGS: groups.consumption,
    KAFKA_GROUP_WEATHER: groups.weather,
    MSK_CLUSTER_ARN: clusterArn,
    KAFKA_AUTH: env.KAFKA_AUTH || "none",
    POSTGRES_AUTH: env.POSTGRES_AUTH || "password",
    POSTGRES_CA_FILE: env.POSTGRES_CA_FILE || "",
    LOCALSTACK_FAILURES_DIR: failuresFolder(env, folder),
    ...servers,
  };
}
