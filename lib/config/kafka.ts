// Brokers, topics and consumer groups.

import { streamSettings } from "../streams/declared.ts";
import { byStream, type StreamName } from "../streams/stream.ts";
import { ConfigurationError, type Environment, text } from "./environment.ts";

/** Where events are sent to and read from. */
export interface KafkaSettings {
  /** `host:port` of each bootstrap broker; empty where MSK has to be asked for them. */
  readonly brokers: readonly string[];
  /** The MSK cluster, or null for a self-managed one. */
  readonly clusterArn: string | null;
  readonly clientId: string;
  /** TLS and IAM, as MSK wants it; off where `KAFKA_BROKER` names the brokers, unless `KAFKA_AUTH` is `iam`. */
  readonly iam: boolean;
}

function brokerList(env: Environment): string[] {
  const value = env.KAFKA_BROKER || "";
  const brokers = value
    .split(",")
    .filter((broker) => broker.trim() !== "")
    .map((broker) => broker.trim());
  for (const broker of brokers) {
    const port = Number(/^[^\s:/]+:(\d{1,5})$/.exec(broker)?.[1]);
    if (!(port >= 1 && port <= 65_535))
      throw new ConfigurationError("KAFKA_BROKER", "host:port[,host:port…]", value);
  }
  return brokers;
}

/** @returns the MSK cluster that the environment names, or null. @throws ConfigurationError where it is no ARN of one */
export function readClusterArn(env: Environment): string | null {
  const clusterArn = env.MSK_CLUSTER_ARN || null;
  if (clusterArn !== null && !/^arn:[\w-]+:kafka:[\w-]+:\d{12}:cluster\/[^/]+\/[\w-]+$/.test(clusterArn))
    throw new ConfigurationError(
      "MSK_CLUSTER_ARN",
      "arn:aws:kafka:REGION:ACCOUNT:cluster/NAME/UUID",
      clusterArn,
    );
  return clusterArn;
}

/** @throws ConfigurationError where neither `KAFKA_BROKER` nor `MSK_CLUSTER_ARN` is usable */
export function readKafkaSettings(env: Environment): KafkaSettings {
  const brokers = brokerList(env);
  const clusterArn = readClusterArn(env);
  if (brokers.length === 0 && clusterArn === null)
    throw new ConfigurationError(
      "KAFKA_BROKER",
      "host:port[,host:port…] (or MSK_CLUSTER_ARN)",
      env.KAFKA_BROKER,
    );
  const auth = text(env, "KAFKA_AUTH", brokers.length === 0 ? "iam" : "none");
  if (auth !== "none" && auth !== "iam") throw new ConfigurationError("KAFKA_AUTH", "none or iam", auth);
  return {
    brokers,
    clusterArn,
    clientId: text(env, "AWS_LAMBDA_FUNCTION_NAME", "smartgrid"),
    iam: auth === "iam",
  };
}

/** The name under which the ledger knows a cluster: its ARN, or its brokers in a fixed order. */
export function sourceOf(clusterArn: string | null | undefined, brokers: readonly string[]): string {
  return clusterArn ?? [...brokers].sort().join(",");
}

/**
 * The topic of each stream.
 * @throws ConfigurationError where a name is none that Kafka takes, or two streams have the same
 */
export function readTopics(env: Environment): Readonly<Record<StreamName, string>> {
  const taken = new Map<string, string>();
  const topicOf = (stream: StreamName) => {
    const { topicVariable: variable, topic } = streamSettings[stream];
    const name = text(env, variable, topic);
    // Kafka takes a single letter as well, Lambda's trigger does not; names with two underscores are Kafka's own.
    if (!/^(?!\.|__)[a-zA-Z0-9._-]{2,249}$/.test(name))
      throw new ConfigurationError(
        variable,
        "2 to 249 letters, digits, '.', '_' or '-', not '.…' or '__…'",
        name,
      );
    const other = taken.get(name);
    if (other !== undefined) throw new ConfigurationError(variable, `another topic than ${other}`, name);
    taken.set(name, variable);
    return name;
  };
  return byStream(topicOf);
}

/** KAFKA_GROUP_… beside KAFKA_TOPIC_…: it names the group of the stream's trigger. */
export function groupVariable(stream: StreamName): string {
  return streamSettings[stream].topicVariable.replace("TOPIC", "GROUP");
}

/**
 * The consumer group of each stream's trigger, as serverless.yml gives it: SERVICE-STAGE-FUNCTION-TOPIC. The default is
 * this machine's stage; for a deployed one, name it.
 */
export function readGroups(
  env: Environment,
  topics: Readonly<Record<StreamName, string>>,
): Readonly<Record<StreamName, string>> {
  return byStream((stream) =>
    text(env, groupVariable(stream), `smartgrid-local-aggregate-${stream}-${topics[stream]}`),
  );
}
