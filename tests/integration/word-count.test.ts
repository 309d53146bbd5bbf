// examples/word-count as its README has it: `serverless offline start` alone runs the trigger.

import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { afterEach, expect, inject, test } from "vitest";
import { type Offline, startOffline } from "./offline.ts";
import { until } from "./topics.ts";

const folder = "examples/word-count";
let offline: Offline | null = null;
afterEach(() => offline?.stop());

test("the example waits for its topic, counts what is sent, and leaves no process behind", async () => {
  const environment = { KAFKA_BROKER: inject("kafkaBrokers"), WORDS_TOPIC: `words-${randomUUID()}` };
  const example = await startOffline(folder, environment);
  offline = example;
  await until(
    async () => example.output(),
    (text) => text.includes(`topic ${environment.WORDS_TOPIC} does not exist`),
  );
  await promisify(execFile)(process.execPath, ["produce.mjs", "the quick brown fox", "the lazy dog"], {
    cwd: folder,
    env: { ...process.env, ...environment },
  });
  // In one line or, where both partitions were delivered at once, in two.
  await until(
    async () => example.output(),
    (text) => /^words .*"fox"/m.test(text) && /^words .*"dog"/m.test(text),
  );
  expect(example.output()).toMatch(/"quick":1,"brown":1,"fox":1[,}]/);
  expect(example.output()).toMatch(/"lazy":1,"dog":1}$/m);
  expect(await example.stop()).toBe("exit code 0");
  expect(example.hasProcesses()).toBe(false);
});

test("without brokers it says which variable names them", async () => {
  const example = await startOffline(folder, { KAFKA_BROKER: "" });
  offline = example;
  await until(
    async () => example.output(),
    (text) => text.includes("KAFKA_BROKER: expected host:port"),
  );
});
