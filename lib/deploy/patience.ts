// Steps of a deployment meet servers and roles that are seconds old: IAM tells everybody of a role in its own time, and a
// new cluster does not answer at once. Such a refusal is waited out; half an hour of a deployment hangs on it. Any other
// one is final, at once.

import { setTimeout as sleep } from "node:timers/promises";
import { log, messageOf } from "../log.ts";

const PAUSE_MS = 5_000;
/** More than IAM needs, and little to wait for where a login is refused for good. */
const PATIENCE_MS = 240_000;
/** No try begins later: its time-outs, and then the answer, have to have their time. */
const LEFT_MS = 60_000;

const codes = new Set([
  // Nobody answers at that address, or not yet.
  ...[
    "ECONNREFUSED",
    "ECONNRESET",
    "EPIPE",
    "ETIMEDOUT",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "ENOTFOUND",
    "EAI_AGAIN",
  ],
  // PostgreSQL's: invalid authorization, which IAM's refusal is, and wrong password; it starts; it has no room.
  ...["28000", "28P01", "57P03", "53300"],
]);
/** Kafka's. */
const types = new Set([
  ...["TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED"],
  ...["REQUEST_TIMED_OUT", "NETWORK_EXCEPTION", "BROKER_NOT_AVAILABLE", "NOT_CONTROLLER"],
  ...["LEADER_NOT_AVAILABLE", "NOT_LEADER_FOR_PARTITION", "UNKNOWN_TOPIC_OR_PARTITION"],
  "TOPIC_ALREADY_EXISTS", // made by a try whose answer was lost
]);
/** Of kafkajs' errors and the SDK's. */
const names = new Set([
  ...["KafkaJSSASLAuthenticationError", "KafkaJSConnectionClosedError", "KafkaJSRequestTimeoutError"],
  "TimeoutError",
]);
/** PostgreSQL's driver gives these neither code nor name. */
const messages = new Set(["timeout expired", "Connection terminated unexpectedly"]);

function isPassing(error: Error): boolean {
  const { name, message, code, type, $metadata }: Record<string, unknown> = Object(error);
  const status = Number(Object($metadata).httpStatusCode); // of AWS's API: not allowed, asked too often, out of order
  return (
    codes.has(String(code)) ||
    types.has(String(type)) ||
    names.has(String(name)) ||
    messages.has(String(message)) ||
    (name === "KafkaJSConnectionError" && code === undefined) || // one with a code may be of a wrong certificate
    status === 403 ||
    status === 429 ||
    status >= 500
  );
}

/** Whether the same may succeed later: whether all that went wrong is a matter of time. */
export function mendsWithTime(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("errors" in error && Array.isArray(error.errors)) return error.errors.every(mendsWithTime);
  return isPassing(error) || mendsWithTime(error.cause);
}

/**
 * Does the work again after a pause, as long as what goes wrong mends with time and there is time.
 * @param remainingMs until the function's end; read again after each try
 * @throws the last try's error
 */
export async function patiently<T>(
  work: () => Promise<T>,
  remainingMs: () => number,
  pause: (delayMs: number) => Promise<unknown> = sleep,
): Promise<T> {
  const lastTryMs = Math.max(LEFT_MS, remainingMs() - PATIENCE_MS);
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!mendsWithTime(error) || remainingMs() - PAUSE_MS < lastTryMs) throw error;
      log("warn", "step of the deployment is tried again", { error: messageOf(error) });
    }
    await pause(PAUSE_MS);
  }
}
