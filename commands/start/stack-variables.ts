// All variables by which the functions of a running stack work, for those who ask it: commands, and functions that are
// invoked by hand.

import { join, resolve } from "node:path";
import type { Environment } from "../../lib/config/environment.ts";
import { groupVariable, readGroups, readTopics } from "../../lib/config/kafka.ts";
import { ruleVariables } from "../../lib/config/rules.ts";
import { streamSettings } from "../../lib/streams/declared.ts";
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
    ...Object.fromEntries(
      streamNames.flatMap((stream) => [
        [streamSettings[stream].topicVariable, topics[stream]],
        [groupVariable(stream), groups[stream]],
      ]),
    ),
    MSK_CLUSTER_ARN: clusterArn,
    KAFKA_AUTH: env.KAFKA_AUTH || "none",
    POSTGRES_AUTH: env.POSTGRES_AUTH || "password",
    POSTGRES_CA_FILE: env.POSTGRES_CA_FILE || "",
    LOCALSTACK_FAILURES_DIR: failuresFolder(env, folder),
    ...servers,
  };
}
