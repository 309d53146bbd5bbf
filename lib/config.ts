// The reader of the environment (but for AWS_REGION, kafka/client.ts). Each reader validates what its function needs, once,
// and says which variable is wrong and what it may hold.

import { readFileSync } from "node:fs";
import limits from "./limits.json" with { type: "json" };
import { messageOf } from "./log.ts";
import type { LatenessRules } from "./store/commit.ts";
import type { Credentials } from "./store/login-token.ts";
import type { DatabaseSettings } from "./store/pool.ts";
import type { TroubleRules } from "./store/trouble.ts";
import type { StreamName } from "./streams/stream.ts";
import topics from "./topics.json" with { type: "json" };

export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable that is missing or holds something else than it may. */
export class ConfigurationError extends Error {
  constructor(variable: string, expected: string, actual: string | undefined) {
    super(
      `${variable}: expected ${expected}, got ${actual === undefined ? "nothing" : JSON.stringify(actual)}`,
    );
    this.name = "ConfigurationError";
  }
}

const SECOND_US = 1_000_000;
const DAY_SECONDS = 86_400;

/** A variable that is set to the empty string counts as not set, as in `docker compose` and `serverless.yml`. */
function text(env: Environment, variable: string, fallback?: string): string {
  const value = env[variable] || fallback;
  if (value === undefined) throw new ConfigurationError(variable, "a value", env[variable]);
  return value;
}

/** A number within lib/limits.json, which a deployment's parameters (infra/parameters.cjs) keep to as well. */
function wholeNumber(env: Environment, variable: keyof typeof limits): number {
  const { usual, least, most } = limits[variable];
  const value = env[variable] || String(usual);
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < least || number > most)
    throw new ConfigurationError(variable, `a whole number from ${least} to ${most}`, env[variable]);
  return number;
}

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

/** @throws ConfigurationError where neither `KAFKA_BROKER` nor `MSK_CLUSTER_ARN` is usable */
export function readKafkaSettings(env: Environment): KafkaSettings {
  const brokers = brokerList(env);
  const clusterArn = env.MSK_CLUSTER_ARN || null;
  if (clusterArn !== null && !/^arn:[\w-]+:kafka:[\w-]+:\d{12}:cluster\/[^/]+\/[\w-]+$/.test(clusterArn))
    throw new ConfigurationError(
      "MSK_CLUSTER_ARN",
      "arn:aws:kafka:REGION:ACCOUNT:cluster/NAME/UUID",
      clusterArn,
    );
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
 * The topic of each stream, by lib/topics.json.
 * @throws ConfigurationError where a name is none that Kafka takes, or two streams have the same
 */
export function readTopics(env: Environment): Readonly<Record<StreamName, string>> {
  const taken = new Map<string, string>();
  const topicOf = (stream: StreamName) => {
    const { variable, usual } = topics[stream];
    const name = text(env, variable, usual);
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
  return {
    sensor: topicOf("sensor"),
    consumption: topicOf("consumption"),
    weather: topicOf("weather"),
  };
}

/**
 * The consumer group of each stream's trigger, as serverless.yml gives it: SERVICE-STAGE-FUNCTION-TOPIC. The default is
 * this machine's stage; for a deployed one, name it.
 */
export function readGroups(
  env: Environment,
  topics: Readonly<Record<StreamName, string>>,
): Readonly<Record<StreamName, string>> {
  const group = (variable: string, stream: StreamName) =>
    text(env, variable, `smartgrid-local-aggregate-${stream}-${topics[stream]}`);
  return {
    sensor: group("KAFKA_GROUP_SENSOR_DATA", "sensor"),
    consumption: group("KAFKA_GROUP_METER_READINGS", "consumption"),
    weather: group("KAFKA_GROUP_WEATHER", "weather"),
  };
}

/**
 * The user is that of the function's kind: serverless.yml takes it from `POSTGRES_USER_INGEST`, `_SWEEP` or `_API` (and
 * `POSTGRES_PASSWORD_…`), or from `POSTGRES_USER` where those are not set. With `POSTGRES_AUTH` `iam`, as in all deployed
 * stages, there is no password: each new connection logs in with a token that the credentials in the environment sign.
 * @throws ConfigurationError also where such a token would go unencrypted, or to whoever answers
 */
export function readDatabaseSettings(env: Environment): DatabaseSettings {
  return {
    host: text(env, "POSTGRES_HOST"),
    port: wholeNumber(env, "POSTGRES_PORT"),
    database: text(env, "POSTGRES_DB", "smartgrid_db"),
    user: text(env, "POSTGRES_USER", "smartgrid"),
    login: readLogin(env),
    ssl: trusted(env),
    applicationName: text(env, "AWS_LAMBDA_FUNCTION_NAME", "smartgrid"),
  };
}

function readLogin(env: Environment): DatabaseSettings["login"] {
  const auth = text(env, "POSTGRES_AUTH", "password");
  if (auth === "password") return { password: text(env, "POSTGRES_PASSWORD") };
  if (auth !== "iam") throw new ConfigurationError("POSTGRES_AUTH", "password or iam", auth);
  if (!env.POSTGRES_CA_FILE)
    throw new ConfigurationError("POSTGRES_CA_FILE", "a file with POSTGRES_AUTH=iam", env.POSTGRES_CA_FILE);
  return { region: text(env, "AWS_REGION"), credentials: () => readCredentials(env) };
}

/** Those of the function's role, which Lambda sets; on a person's machine `aws configure export-credentials` does. */
function readCredentials(env: Environment): Credentials {
  return {
    accessKeyId: text(env, "AWS_ACCESS_KEY_ID"),
    secretAccessKey: text(env, "AWS_SECRET_ACCESS_KEY"),
    ...(env.AWS_SESSION_TOKEN ? { sessionToken: env.AWS_SESSION_TOKEN } : {}),
  };
}

function trusted(env: Environment): false | { readonly ca: string } {
  const file = env.POSTGRES_CA_FILE;
  if (!file) return false;
  try {
    return { ca: readFileSync(file, "utf8") };
  } catch (error) {
    throw new ConfigurationError("POSTGRES_CA_FILE", `a file that can be read (${messageOf(error)})`, file);
  }
}

/** Ends the names of the functions' users in the database; null where whoever migrates makes none. */
export function readLoginSuffix(env: Environment): string | null {
  return env.LOGIN_SUFFIX || null;
}

export function readLatenessRules(env: Environment): LatenessRules {
  return {
    futureSkewUs: wholeNumber(env, "FUTURE_SKEW_SECONDS") * SECOND_US,
    amendmentHorizonUs: wholeNumber(env, "AMENDMENT_HORIZON_DAYS") * DAY_SECONDS * SECOND_US,
  };
}

/** For how long a quarantined record stays, days since the last thing that happened to it. */
export function readQuarantineRetentionDays(env: Environment): number {
  return wholeNumber(env, "QUARANTINE_RETENTION_DAYS");
}

export interface WatermarkSettings {
  readonly delayUs: number;
  readonly idleUs: number;
}

export function readWatermarkSettings(env: Environment): WatermarkSettings {
  return {
    delayUs: wholeNumber(env, "WATERMARK_DELAY_SECONDS") * SECOND_US,
    idleUs: wholeNumber(env, "WATERMARK_IDLE_SECONDS") * SECOND_US,
  };
}

export function readTroubleRules(env: Environment): TroubleRules {
  return {
    stuckAfterSeconds: wholeNumber(env, "STUCK_AFTER_SECONDS"),
    idleSeconds: readWatermarkSettings(env).idleUs / SECOND_US,
  };
}

export interface WeatherSettings {
  readonly seed: number;
  readonly updateIntervalSeconds: number;
}

export function readWeatherSettings(env: Environment): WeatherSettings {
  return {
    seed: wholeNumber(env, "WEATHER_SEED"),
    updateIntervalSeconds: wholeNumber(env, "WEATHER_UPDATE_INTERVAL"),
  };
}

/** The function's name where it runs on AWS, for its metrics there; null on one machine, which has no CloudWatch. */
export function readDeployedName(env: Environment): string | null {
  // serverless-offline and `serverless invoke local` set the name as well, and say that they are not AWS.
  if (env.IS_OFFLINE || env.IS_LOCAL) return null;
  return env.AWS_LAMBDA_FUNCTION_NAME || null;
}
