// How many invocations run, wait or are refused: no servers, no functions.

import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { ConcurrencyLimit, ThrottledError } from "../../../localstack/event-source-mapping/concurrency.ts";
import { answerOf, isHttpRequest } from "../../../localstack/event-source-mapping/limited-lambda.ts";

/** Work that ends when it is told to, and counts itself. */
function countedWork() {
  const ends: (() => void)[] = [];
  let running = 0;
  let most = 0;
  return {
    ends,
    most: () => most,
    async run(): Promise<string> {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => ends.push(resolve));
      running--;
      return "done";
    },
  };
}

async function endAll(ends: (() => void)[], count: number): Promise<void> {
  for (let ended = 0; ended < count; ended++) {
    while (ends.length === 0) await sleep(0);
    ends.shift()?.();
  }
}

test("of 500 requests at once 50 are taken and 4 run at a time; the others are refused without being run", async () => {
  const limit = new ConcurrencyLimit(50, 4);
  const work = countedWork();
  const all = Promise.allSettled(Array.from({ length: 500 }, () => limit.runOrRefuse(work.run, 60_000)));
  await endAll(work.ends, 50);
  const results = await all;
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(50);
  for (const result of results)
    if (result.status === "rejected") expect(result.reason).toBeInstanceOf(ThrottledError);
  expect(work.most()).toBe(4);
});

test("the place of one that failed is free again", async () => {
  const limit = new ConcurrencyLimit(1);
  const failing = () => limit.runOrRefuse(() => Promise.reject(new TypeError("on purpose")), 1_000);
  await expect(failing()).rejects.toThrow(TypeError);
  await expect(failing()).rejects.toThrow(TypeError);
  expect(await limit.runOrRefuse(async () => "done", 1_000)).toBe("done");
});

test("a request whose turn does not come in time is refused, and takes no turn later", async () => {
  const limit = new ConcurrencyLimit(2, 1);
  const work = countedWork();
  const first = limit.runOrRefuse(work.run, 60_000);
  await expect(limit.runOrRefuse(work.run, 1)).rejects.toThrow("no turn within 1 ms");
  await endAll(work.ends, 1);
  expect(await first).toBe("done");
  expect(await limit.runOrRefuse(async () => "next", 1)).toBe("next");
});

test("invocations by triggers wait their turn, however many they are, in their order", async () => {
  const limit = new ConcurrencyLimit(2);
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      limit.runInTurn(async () => {
        order.push(index);
        await sleep(0);
      }),
    ),
  );
  expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
});

test("a function whose reserved concurrency is 0 is switched off", async () => {
  const limit = new ConcurrencyLimit(0);
  await expect(limit.runInTurn(async () => "run")).rejects.toThrow(ThrottledError);
  await expect(limit.runOrRefuse(async () => "run", 1)).rejects.toThrow(ThrottledError);
});

test.each([
  [new ThrottledError("50 at once"), 503, "Service Unavailable"],
  [new Error("[504] - Lambda timeout."), 504, "Endpoint request timed out"],
  [new TypeError("on purpose"), 500, "Internal Server Error"],
  ["no error at all", 500, "Internal Server Error"],
])("%s is answered with %i", (error, statusCode, message) => {
  expect(answerOf(error)).toMatchObject({ statusCode, body: JSON.stringify({ message }) });
});

test.each([
  ["HTTP API 2.0", { version: "2.0", requestContext: { http: { method: "POST" } } }, true],
  ["REST and HTTP API 1.0", { httpMethod: "POST", requestContext: {} }, true],
  ["a trigger's", { eventSource: "aws:kafka", records: {} }, false],
  ["a schedule's", {}, false],
  ["an authorizer's", { type: "REQUEST", version: "2.0", requestContext: { http: {} } }, false],
  ["a web socket's", { requestContext: { connectionId: "1", eventType: "MESSAGE" } }, false],
  ["a text", "text", false],
])("whether an event is an HTTP request: %s", (_, event, expected) => {
  expect(isHttpRequest(event)).toBe(expected);
});
