// The plugin with `serverless offline start` and nothing else: real functions, good and bad, and a setting that is refused.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { MappingStatus } from "../../localstack/event-source-mapping/mapping.ts";
import { freePort } from "../../localstack/ports.ts";
import {
  runToEnd,
  type ServerCommand,
  type ServerProcess,
  startServer,
  untilReady,
} from "../../localstack/server-process.ts";
import { numbered, sendTo } from "./esm-trigger.ts";
import { connectKafka, type TestKafka, until } from "./topics.ts";

const handlers: Readonly<Record<string, string>> = {
  // Writes what it sees, with the execution environment that saw it and when.
  good: `import { appendFileSync } from "node:fs";
    const environment = crypto.randomUUID();
    let calls = 0;
    export const handler = async (event) => {
      const startMs = performance.timeOrigin + performance.now();
      const call = ++calls;
      await new Promise((resolve) => setTimeout(resolve, 150));
      const endMs = performance.timeOrigin + performance.now();
      const partitions = Object.keys(event.records);
      appendFileSync(process.env.SEEN_FILE, JSON.stringify({ environment, call, partitions, startMs, endMs }) + "\\n");
    };`,
  "throws-at-load": `throw new Error("broken while it loads"); export const handler = async () => null;`,
  circular: `export const handler = async () => { const answer = {}; answer.self = answer; return answer; };`,
  large: `export const handler = async () => "x".repeat(7_000_000);`,
  slow: `export const handler = () => new Promise((resolve) => setTimeout(resolve, 3_000));`,
  throws: `export const handler = async () => { throw new TypeError("on purpose"); };`,
};
/** Function → what its mapping says is wrong. */
const causes: Readonly<Record<string, RegExp>> = {
  missing: /Cannot find module .*missing/,
  "throws-at-load": /broken while it loads/,
  circular: /circular/i,
  large: /answer of 7000002 bytes; at most 6291556/,
  slow: /Lambda timeout/,
  throws: /on purpose/,
};
const names = ["good", ...Object.keys(causes)];
const arn = "arn:aws:kafka:local:000000000000:cluster/test/1-s1";

let kafka: TestKafka;
let folder: string;
let offline: ServerProcess | undefined;
let controlUrl: string;
const topics = new Map<string, string>();
const topicOf = (name: string) => topics.get(name) ?? "";

async function writeService(extension = ""): Promise<void> {
  const functions = names.map(
    (name) => `  ${name}:
    handler: ${name}.handler
    timeout: ${name === "slow" ? 1 : 30}
    events:
      - msk: { arn: "${arn}", topic: ${topicOf(name)}, batchSize: 5, maximumBatchingWindow: 0 }
`,
  );
  const yaml = `service: svc
plugins: [./plugin.mjs, serverless-offline]
provider:
  name: aws
  runtime: nodejs24.x
  stage: local
  environment: { SEEN_FILE: ${join(folder, "seen")} }
functions:
${functions.join("")}${extension}`;
  await writeFile(join(folder, "serverless.yml"), yaml);
}

async function command(): Promise<ServerCommand> {
  const [httpPort, lambdaPort, controlPort] = [await freePort(), await freePort(), await freePort()];
  controlUrl = `http://127.0.0.1:${controlPort}`;
  return {
    name: "serverless offline",
    command: "/bin/sh",
    args: [
      ...["-c", 'cd "$0" && exec "$@"', folder, process.execPath],
      ...[resolve("node_modules/serverless/bin/serverless.js"), "offline", "start", "--noSponsor"],
      ...["--httpPort", String(httpPort), "--lambdaPort", String(lambdaPort)],
    ],
    env: {
      KAFKA_BROKER: kafka.brokers,
      LOCALSTACK_CONTROL_PORT: String(controlPort),
      LOCALSTACK_FAULT_PLAN: join(folder, "faults.json"),
    },
    logFile: join(folder, "offline.log"),
    pidFile: join(folder, "offline.pid"),
    marker: "serverless.js offline start",
  };
}

async function statusOf(name: string): Promise<MappingStatus | undefined> {
  const { mappings }: { mappings: MappingStatus[] } = JSON.parse(
    await (await fetch(`${controlUrl}/status`)).text(),
  );
  return mappings.find((one) => one.topic === topicOf(name));
}

beforeAll(async () => {
  [kafka, folder] = await Promise.all([connectKafka(), mkdtemp(join(tmpdir(), "esm-offline-"))]);
  for (const name of names) topics.set(name, await kafka.createTopic(name === "good" ? 2 : 1));
  const plugin = pathToFileURL(resolve("localstack/event-source-mapping/plugin.ts"));
  await writeFile(join(folder, "plugin.mjs"), `export { default } from "${plugin}";\n`);
  for (const [name, code] of Object.entries(handlers)) await writeFile(join(folder, `${name}.mjs`), code);
  const plan = { seed: 1, probability: { delay: 1 }, delayMs: 1 };
  await writeFile(join(folder, "faults.json"), JSON.stringify(plan));
  await writeService();
  const server = await command();
  offline = startServer(server);
  await untilReady(server, offline, async () => {
    const all = await Promise.all(names.map((name) => statusOf(name).catch(() => undefined))); // not listening yet
    return all.every((status) => status?.state === "Enabled");
  });
});
afterAll(async () => {
  await offline?.stop("SIGINT");
  await Promise.all([kafka.close(), rm(folder, { recursive: true, force: true })]);
});

test("rule 7: partitions run at once in execution environments of their own, whose state stays between invocations", async () => {
  for (const partition of [0, 1]) await sendTo(kafka, topicOf("good"), partition, numbered(20));
  await until(
    () => statusOf("good"),
    (status) => status?.partitions.every((one) => one.nextOffset === 20) ?? false,
  );
  interface Seen {
    readonly environment: string;
    readonly call: number;
    readonly partitions: readonly string[];
    readonly startMs: number;
    readonly endMs: number;
  }
  const lines = (await readFile(join(folder, "seen"), "utf8")).trim().split("\n");
  const seen = lines.map((line): Seen => JSON.parse(line));
  const overlapping = seen.flatMap((a) =>
    seen.filter((b) => a !== b && a.startMs < b.endMs && b.startMs < a.endMs).map((b) => [a, b] as const),
  );
  expect(overlapping.length).toBeGreaterThan(0);
  for (const [a, b] of overlapping) {
    expect(a.environment).not.toBe(b.environment);
    expect(a.partitions).not.toEqual(b.partitions);
  }
  expect(new Set(seen.map((one) => one.environment)).size).toBe(2);
  expect(Math.max(...seen.map((one) => one.call))).toBeGreaterThan(1);
});

test.each(Object.entries(causes))(
  "rule 13: %s: a failure with its cause in the log, tried again, nothing is passed over",
  async (name, cause) => {
    await sendTo(kafka, topicOf(name), 0, ["v"]);
    const status = await until(
      () => statusOf(name),
      (one) => (one?.partitions[0]?.failures ?? 0) >= 2,
    );
    expect(status?.partitions).toMatchObject([{ nextOffset: 0, lag: 1, delivered: 0 }]);
    expect(status?.lastProcessingResult).toMatch(/^PROBLEM: /);
    expect(status?.lastProcessingResult).toMatch(cause);
    const log = (await readFile(join(folder, "offline.log"), "utf8")).split("\n");
    expect(log.filter((line) => line.includes(`${topicOf(name)}-0 0–0`)).join("\n")).toMatch(cause);
  },
);

test("faults by the plan in a file, then by the control port, then none", async () => {
  const topic = topicOf("good");
  const logged = () => readFile(join(folder, "offline.log"), "utf8");
  const deliver = async (value: string) => {
    const end = (await statusOf("good"))?.partitions[0]?.nextOffset ?? 0;
    await sendTo(kafka, topic, 0, [value]);
    await until(
      () => statusOf("good"),
      (status) => (status?.partitions[0]?.nextOffset ?? 0) > end,
    );
    return end;
  };
  const first = await deliver("by the file");
  await until(logged, (log) => log.includes(`fault delay: ${topic}-0 ${first}–${first}`));
  const plan = JSON.stringify({ seed: 1, probability: { duplicate: 1 } });
  expect((await fetch(`${controlUrl}/faults`, { method: "PUT", body: plan })).status).toBe(200);
  const second = await deliver("by the control port");
  await until(logged, (log) => log.includes(`fault duplicate: ${topic}-0 ${second}–${second}`));
  expect((await fetch(`${controlUrl}/faults`, { method: "DELETE" })).status).toBe(200);
  const third = await deliver("without");
  const log = await until(logged, (text) => text.includes("faults are off"));
  expect(log).not.toMatch(new RegExp(`fault .*: ${topic}-0 ${third}–`));
});

test("rule 23: a setting that AWS refuses ends the start, with the line of serverless.yml, function, property and range", async () => {
  await offline?.stop("SIGINT");
  await writeService(`resources:
  extensions:
    CircularEventSourceMappingMSKTest${topicOf("circular")
      .replace(/[^0-9A-Za-z]/g, "")
      .replace(/^t/, "T")}:
      Properties:
        MaximumRetryAttempts: -2
`);
  const lines = (await readFile(join(folder, "serverless.yml"), "utf8")).split("\n");
  const line = lines.findIndex((text) => text.includes("MaximumRetryAttempts")) + 1;
  await expect(command().then(runToEnd)).rejects.toThrow(
    `serverless.yml:${line}: functions.circular.events.msk: MaximumRetryAttempts: expected a whole number from -1 to 10000, got -2`,
  );
});
