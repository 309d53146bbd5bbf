// serverless-offline starts a worker thread for whatever finds none idle, and answers HTTP with 200 where a function
// failed. Here its functions run within their reserved concurrency, and failures get the answers of API Gateway.

import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ConcurrencyLimit, ThrottledError } from "./concurrency.ts";
import { isProperties } from "./settings.ts";

/** Invocations at once of a function that reserves none: what AWS gives a new account. */
const UNRESERVED = 10;
/** HTTP requests of one function that run at once: each takes a thread, and the cores of a machine are few. */
const HTTP_ENVIRONMENTS = 4;
/** API Gateway's own limit for an integration. */
const GATEWAY_LIMIT_MS = 30_000;
/** Refusals are logged by their number, one line for so long. */
const REFUSALS_EVERY_MS = 1_000;

export interface LimitedFunction {
  readonly reservedConcurrency?: number;
  readonly events?: readonly unknown[];
}

/** What serverless-offline calls of an execution environment. */
interface Environment {
  setClientContext(context: unknown): void;
  setEvent(event: unknown): void;
  runHandler(): Promise<unknown>;
}

interface LambdaClass {
  readonly prototype: { get(functionKey: string): Environment };
}

interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function answer(statusCode: number, message: string): HttpAnswer {
  return { statusCode, headers: { "content-type": "application/json" }, body: JSON.stringify({ message }) };
}

/** What API Gateway answers for a function that gave no answer. */
export function answerOf(error: unknown): HttpAnswer {
  if (error instanceof ThrottledError) return answer(503, "Service Unavailable");
  const isTimeOut = error instanceof Error && error.message.startsWith("[504]"); // serverless-offline's LambdaTimeoutError
  return isTimeOut ? answer(504, "Endpoint request timed out") : answer(500, "Internal Server Error");
}

/** Whether the event is an HTTP request, so that the function's result is its answer; an authorizer's is not. */
export function isHttpRequest(event: unknown): boolean {
  if (!isProperties(event) || !isProperties(event.requestContext) || "type" in event) return false;
  return isProperties(event.requestContext.http) || typeof event.httpMethod === "string";
}

function limitOf({ reservedConcurrency, events = [] }: LimitedFunction): ConcurrencyLimit {
  const atOnce = reservedConcurrency ?? UNRESERVED;
  const takesHttp = events.some((event) => isProperties(event) && ("httpApi" in event || "http" in event));
  return new ConcurrencyLimit(atOnce, takesHttp ? HTTP_ENVIRONMENTS : atOnce);
}

/** Counts refusals, and says from time to time how many there were. */
function refusalLog(functionKey: string, log: (message: string) => void): (error: ThrottledError) => void {
  let count = 0;
  return ({ message }) => {
    if (++count > 1) return;
    setTimeout(() => {
      log(`${functionKey}: ${count} HTTP requests refused with 503: ${message}`);
      count = 0;
    }, REFUSALS_EVERY_MS).unref();
  };
}

/** The service's own serverless-offline; else the one beside this file. */
async function importLambda(serviceDir: string): Promise<LambdaClass> {
  const name = "serverless-offline/lambda";
  let path: string;
  try {
    path = createRequire(join(serviceDir, "package.json")).resolve(name);
  } catch {
    // Not installed in the service's folder.
    path = createRequire(import.meta.url).resolve(name);
  }
  const module: { readonly default: LambdaClass } = await import(pathToFileURL(path).href);
  return module.default;
}

/** An environment of serverless-offline's, which is asked for only when the function's turn has come. */
class TurnOfFunction implements Environment {
  readonly #limit: ConcurrencyLimit;
  readonly #environment: () => Environment;
  readonly #onRefusal: (error: ThrottledError) => void;
  #clientContext: unknown = null;
  #event: unknown = null;

  constructor(
    limit: ConcurrencyLimit,
    environment: () => Environment,
    onRefusal: (error: ThrottledError) => void,
  ) {
    this.#limit = limit;
    this.#environment = environment;
    this.#onRefusal = onRefusal;
  }

  setClientContext(context: unknown): void {
    this.#clientContext = context;
  }

  setEvent(event: unknown): void {
    this.#event = event;
  }

  async runHandler(): Promise<unknown> {
    const run = () => {
      const environment = this.#environment();
      environment.setClientContext(this.#clientContext);
      environment.setEvent(this.#event);
      return environment.runHandler();
    };
    if (!isHttpRequest(this.#event)) return this.#limit.runInTurn(run);
    try {
      return await this.#limit.runOrRefuse(run, GATEWAY_LIMIT_MS);
    } catch (error) {
      // serverless-offline has logged what a function throws.
      if (error instanceof ThrottledError) this.#onRefusal(error);
      return answerOf(error);
    }
  }
}

/**
 * From now on serverless-offline's functions run within their limits. Its class is changed, as there is no setting.
 * @throws Error where it has no such class
 */
export async function limitFunctions(
  serviceDir: string,
  functions: Readonly<Record<string, LimitedFunction>>,
  log: (message: string) => void,
): Promise<void> {
  const { prototype } = await importLambda(serviceDir);
  if (typeof prototype?.get !== "function")
    throw new Error("this serverless-offline has no Lambda.get: its functions cannot be limited");
  const original = prototype.get;
  const limits = new Map(
    Object.entries(functions).map(([key, definition]) => [
      key,
      { limit: limitOf(definition), onRefusal: refusalLog(key, log) },
    ]),
  );
  prototype.get = function get(functionKey) {
    const environment = () => original.call(this, functionKey);
    const found = limits.get(functionKey);
    return found === undefined
      ? environment()
      : new TurnOfFunction(found.limit, environment, found.onRefusal);
  };
}
