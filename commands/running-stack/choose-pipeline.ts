// Which pipeline a command is about: that of the running `npm start`, or the one that the environment names; as a whole, for
// half of each would count and sweep where nobody meant it.

import type { Environment } from "../../lib/config/environment.ts";
import { databaseVariables, namedDatabase } from "./database-url.ts";
import type { FoundStack, RunningStack } from "./running-stack.ts";

/** Neither the environment nor a running `npm start` names what a command needs. */
export class NoPipelineError extends Error {
  override readonly name = "NoPipelineError";
}

export interface Needs {
  readonly kafka: boolean;
  readonly database: boolean;
}

export interface ChosenPipeline {
  /** The variables for lib/config. */
  readonly environment: Environment;
  /** What is to be said: one line for each variable that differs from the running `npm start`. */
  readonly notes: readonly string[];
}

const LOOPBACK = /^(localhost|\[?::1\]?|127\.\d+\.\d+\.\d+)$/;
const hostOf = (host: string) => (LOOPBACK.test(host) ? "127.0.0.1" : host.toLowerCase());

function brokersOf(list: string): string[] {
  return list.split(",").map((broker) => {
    const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(broker.trim()) ?? [];
    return `${hostOf(host)}:${port}`;
  });
}

/** Any broker leads to the whole cluster. */
const isSameCluster = (one: string, other: string) =>
  brokersOf(one).some((broker) => brokersOf(other).includes(broker));

function placeOf(database: URL): string {
  const { POSTGRES_HOST, POSTGRES_PORT, POSTGRES_DB } = databaseVariables(database);
  return `${hostOf(POSTGRES_HOST)}:${POSTGRES_PORT}/${POSTGRES_DB}`;
}

const IS_SECRET = /PASSWORD/;

/** @param used which of both, or what else, is used */
function differs(variable: string, here: string, there: string, used: string): string {
  if (IS_SECRET.test(variable))
    return `${variable}: another one here than in the running \`npm start\`, whose one is used`;
  return `${variable}: ${here} here, ${there || "none"} in the running \`npm start\`; ${used} is used`;
}

/** What the environment names that the running stack is not; nothing where it names the stack, or no server at all. */
function othersOf(env: Environment, { environment }: RunningStack): string[] {
  const others: string[] = [];
  const other = (variable: string, here: string, there: string) =>
    others.push(differs(variable, here, there, "the pipeline that the environment names"));
  const { KAFKA_BROKER, MSK_CLUSTER_ARN } = environment;
  if (env.KAFKA_BROKER) {
    if (!isSameCluster(env.KAFKA_BROKER, KAFKA_BROKER ?? ""))
      other("KAFKA_BROKER", env.KAFKA_BROKER, KAFKA_BROKER ?? "");
  } else if (env.MSK_CLUSTER_ARN && env.MSK_CLUSTER_ARN !== MSK_CLUSTER_ARN)
    other("MSK_CLUSTER_ARN", env.MSK_CLUSTER_ARN, MSK_CLUSTER_ARN ?? "");
  const [here, there] = [namedDatabase(env), namedDatabase(environment)];
  if (here !== null && there !== null && placeOf(here) !== placeOf(there))
    other("POSTGRES_HOST", placeOf(here), placeOf(there));
  return others;
}

/** Who logs in to the stack's database is the command's own affair, where it says where and as whom. */
function ownLogin(env: Environment, { environment }: RunningStack): Environment {
  const { POSTGRES_HOST, POSTGRES_USER, POSTGRES_PASSWORD } = env;
  if (!POSTGRES_HOST || !POSTGRES_USER || POSTGRES_USER === environment.POSTGRES_USER) return {};
  return { POSTGRES_USER, POSTGRES_PASSWORD };
}

function fromStack(env: Environment, stack: RunningStack): ChosenPipeline {
  const login = ownLogin(env, stack);
  const isServer = /^(KAFKA_BROKER|POSTGRES_(HOST|PORT|DB))$/; // the same ones, or they would be another pipeline's
  const notes = Object.entries(stack.environment).flatMap(([variable, there = ""]) => {
    const here = env[variable];
    if (!here || here === there || (isServer.test(variable) && env.POSTGRES_HOST)) return [];
    if (variable === "KAFKA_BROKER" || variable in login) return [];
    return [differs(variable, here, there, there || "none")];
  });
  return { environment: { ...env, ...stack.environment, ...login }, notes };
}

function fromEnvironment(env: Environment, needs: Needs, notes: readonly string[]): ChosenPipeline {
  const namesKafka = Boolean(env.KAFKA_BROKER || env.MSK_CLUSTER_ARN);
  const namesDatabase = Boolean(env.POSTGRES_HOST);
  const missing = [
    ...(needs.kafka && !namesKafka ? ["KAFKA_BROKER (or MSK_CLUSTER_ARN)"] : []),
    ...(needs.database && !namesDatabase ? ["POSTGRES_HOST"] : []),
  ].join(" and ");
  if (missing === "") return { environment: env, notes };
  const said = notes.map((note) => `${note}\n`).join("");
  if (!namesKafka && !namesDatabase)
    throw new NoPipelineError(
      `${said}no pipeline is running: start one with \`npm start\`, or set ${missing} of another one`,
    );
  const named = namesDatabase ? "POSTGRES_HOST" : env.KAFKA_BROKER ? "KAFKA_BROKER" : "MSK_CLUSTER_ARN";
  throw new NoPipelineError(
    `${said}${named} alone names half of a pipeline: set ${missing} as well, or unset ${named} for that of \`npm start\``,
  );
}

/** @throws NoPipelineError that says what to do */
export function choosePipeline(
  env: Environment,
  { stack, left }: FoundStack,
  needs: Needs = { kafka: true, database: true },
): ChosenPipeline {
  if (stack === null) return fromEnvironment(env, needs, left === null ? [] : [left]);
  const others = othersOf(env, stack);
  return others.length === 0 ? fromStack(env, stack) : fromEnvironment(env, needs, others);
}
