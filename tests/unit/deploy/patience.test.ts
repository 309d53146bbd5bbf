// What a step of a deployment waits out, and for how long.

import {
  KafkaJSAggregateError,
  KafkaJSConnectionError,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSProtocolError,
  KafkaJSRequestTimeoutError,
} from "kafkajs";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { mendsWithTime, patiently } from "../../../lib/deploy/patience.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockReturnValue(undefined); // each further try is logged
});
afterEach(() => vi.restoreAllMocks());

const errorWith = (more: object, message = "it said so") => Object.assign(new Error(message), more);
const ofKafka = (type: string) => new KafkaJSProtocolError(errorWith({ type, code: 1 }));
const afterRetries = (error: Error) =>
  new KafkaJSNumberOfRetriesExceeded(error, { retryCount: 2, retryTime: 1 });
const topicErrors = (...types: readonly string[]) =>
  new Error("topic a: it said so; topic b: it said so", {
    cause: new KafkaJSAggregateError("Topic creation errors", types.map(ofKafka)),
  });

test.each<[string, Error]>([
  ["no right to a topic, yet", ofKafka("TOPIC_AUTHORIZATION_FAILED")],
  ["no right to any of the topics", topicErrors("TOPIC_AUTHORIZATION_FAILED", "TOPIC_ALREADY_EXISTS")],
  ["a login that Kafka refuses", errorWith({ name: "KafkaJSSASLAuthenticationError" }, "Access denied")],
  [
    "a connection that cannot be made in time",
    afterRetries(new KafkaJSConnectionError("Connection timeout")),
  ],
  ["a broker that does not answer in time", new KafkaJSRequestTimeoutError("Request timed out")],
  ["a controller that is not done in time", topicErrors("REQUEST_TIMED_OUT")],
  [
    "a name that is not known yet",
    afterRetries(new Error("it", { cause: errorWith({ code: "ENOTFOUND" }) })),
  ],
  ["MSK's API, not allowed yet", errorWith({ $metadata: { httpStatusCode: 403 } })],
  ["MSK's API, asked too often", errorWith({ $metadata: { httpStatusCode: 429 } })],
  ["a login that RDS refuses", errorWith({ code: "28000" }, "PAM authentication failed for user")],
  ["a database that refuses the connection", new AggregateError([errorWith({ code: "ECONNREFUSED" })])],
  ["a database that does not answer", new Error("timeout expired")],
])("time mends: %s", (_, error) => {
  expect(mendsWithTime(error)).toBe(true);
});

test.each<[string, unknown]>([
  ["a number of partitions that there cannot be", topicErrors("INVALID_PARTITIONS")],
  [
    "one that there cannot be, besides a right that may come",
    topicErrors("INVALID_PARTITIONS", "TOPIC_AUTHORIZATION_FAILED"),
  ],
  ["a protocol that is not spoken", errorWith({ name: "KafkaJSServerDoesNotSupportApiKey" })],
  [
    "a certificate that nobody vouches for",
    errorWith({ name: "KafkaJSConnectionError", code: "DEPTH_ZERO_SELF_SIGNED_CERT" }),
  ],
  ["a cluster that MSK does not know", errorWith({ $metadata: { httpStatusCode: 404 } })],
  ["a migration that fails", new Error("migration 2 failed", { cause: errorWith({ code: "42P01" }) })],
  ["what is no error", "ECONNREFUSED"],
])("time does not mend: %s", (_, error) => {
  expect(mendsWithTime(error)).toBe(false);
});

/** Fails `failures` times, each try taking `tryMs` of the function's `limitMs`. */
async function outcomeOf(limitMs: number, tryMs: number, failures: number, error: Error) {
  let spentMs = 0;
  let tries = 0;
  const work = async () => {
    spentMs += tryMs;
    tries += 1;
    if (tries <= failures) throw error;
    return "done";
  };
  const pause = async (delayMs: number) => {
    spentMs += delayMs;
  };
  const outcome = await patiently(work, () => limitMs - spentMs, pause).catch((thrown: unknown) => thrown);
  return { outcome, tries, spentMs };
}
const refused = ofKafka("TOPIC_AUTHORIZATION_FAILED");

test("it tries again until it succeeds", async () => {
  expect(await outcomeOf(290_000, 1_000, 3, refused)).toMatchObject({ outcome: "done", tries: 4 });
});

test.each([
  ["a minute before the end", 290_000, 230_000],
  ["after four minutes", 830_000, 240_000],
])("it gives up %s, with the last reason", async (_, limitMs, mostMs) => {
  const { outcome, spentMs } = await outcomeOf(limitMs, 1_000, Number.POSITIVE_INFINITY, refused);
  expect(outcome).toBe(refused);
  expect(spentMs).toBeGreaterThan(mostMs - 10_000);
  expect(spentMs).toBeLessThanOrEqual(mostMs + 1_000); // the last try may begin then
});

test("with a minute left, and where time mends nothing, there is one try", async () => {
  const wrong = topicErrors("INVALID_PARTITIONS");
  expect(await outcomeOf(60_000, 0, 1, refused)).toMatchObject({ outcome: refused, tries: 1 });
  expect(await outcomeOf(290_000, 0, 1, wrong)).toMatchObject({ outcome: wrong, tries: 1 });
});
