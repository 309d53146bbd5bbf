// Functions under `serverless offline start` with the plugin: execution environments, overlaps and time-outs. The
// service stands in a folder of its own with a copy of localstack/ and nothing else of this project.

import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Offline, startOffline } from "./offline.ts";
import { connectKafka, type TestKafka, until } from "./topics.ts";

let kafka: TestKafka;
let folder: string;
let topic: string;
let offline: Offline;

/** Notes each begin and end of an invocation; what it does otherwise, the record's value says. */
const handler = `
import { appendFileSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const environment = crypto.randomUUID();
let invocations = 0;
const file = process.env.NOTES;

export async function handler(event) {
  const [{ partition, value }] = Object.values(event.records).flat();
  const what = Buffer.from(value, "base64").toString();
  const invocation = ++invocations;
  const note = (step) =>
    appendFileSync(file, JSON.stringify({ step, what, partition, environment, invocation }) + "\\n");
  note("begin");
  const begun = () => readFileSync(file, "utf8").split("\\n").filter((line) => line.includes('"begin","what":"' + what));
  if (what === "meet")
    while (!begun().some((line) => JSON.parse(line).partition !== partition)) await sleep(10);
  if (what === "slow" && begun().length === 1) await new Promise(() => undefined);
  note("end");
}
`;

const service = `
service: tiny
plugins: [./localstack/event-source-mapping/plugin.ts, serverless-offline]
provider: { name: aws, runtime: nodejs24.x, stage: local, timeout: 4, environment: { NOTES: "\${env:NOTES}" } }
custom: { serverless-offline: { host: 127.0.0.1, noSponsor: true } }
functions:
  note:
    handler: handler.handler
    events:
      - msk:
          arn: arn:aws:kafka:eu-south-1:000000000000:cluster/local/00000000-0000-4000-8000-000000000000-s1
          topic: \${env:TINY_TOPIC}
          maximumBatchingWindow: 0
          startingPosition: TRIM_HORIZON
`;

beforeAll(async () => {
  kafka = await connectKafka();
  topic = await kafka.createTopic(2);
  folder = mkdtempSync(join(tmpdir(), "tiny-service-"));
  for (const part of ["event-source-mapping", "control-plane"])
    cpSync(join("localstack", part), join(folder, "localstack", part), { recursive: true });
  symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
  for (const [name, text] of [
    ["package.json", '{"type":"module"}'],
    ["handler.mjs", handler],
    ["serverless.yml", service],
    ["notes", ""],
  ] as const)
    writeFileSync(join(folder, name), text);
  offline = await startOffline(folder, {
    KAFKA_BROKER: kafka.brokers,
    TINY_TOPIC: topic,
    NOTES: join(folder, "notes"),
  });
});
afterAll(async () => {
  await offline?.stop();
  await kafka?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

interface Note {
  readonly step: "begin" | "end";
  readonly what: string;
  readonly partition: number;
  readonly environment: string;
  readonly invocation: number;
}
async function notes(what: string): Promise<Note[]> {
  const lines = readFileSync(join(folder, "notes"), "utf8").split("\n").slice(0, -1);
  return lines.map((line): Note => JSON.parse(line)).filter((note) => note.what === what);
}
const send = (value: string, partitions: readonly number[]) =>
  kafka.producer.send({ topic, messages: partitions.map((partition) => ({ partition, value })) });
const ended = (found: readonly Note[]) => found.filter(({ step }) => step === "end");

test("rule 7: two partitions overlap, each in an execution environment of its own, whose module state stays", async () => {
  await send("meet", [0, 1]);
  const met = await until(
    () => notes("meet"),
    (found) => ended(found).length === 2,
  );
  const [first, second] = ended(met);
  expect(new Set([first?.partition, second?.partition])).toEqual(new Set([0, 1]));
  expect(first?.environment).not.toBe(second?.environment);
  // Both had begun before either ended.
  const stepOf = (step: string, one: Note | undefined) =>
    met.findIndex((note) => note.step === step && note.environment === one?.environment);
  expect(Math.max(stepOf("begin", first), stepOf("begin", second))).toBeLessThan(stepOf("end", first));

  await send("again", [0, 1]);
  const again = await until(
    () => notes("again"),
    (found) => ended(found).length === 2,
  );
  for (const { environment, invocation } of ended(again)) {
    expect([first?.environment, second?.environment]).toContain(environment);
    expect(invocation).toBeGreaterThan(1);
  }
});

test("rule 13: a time-out is a failure, the environment is lost, and the batch is tried again in a new one", async () => {
  await send("slow", [0]);
  const slow = await until(
    () => notes("slow"),
    (found) => ended(found).length === 1,
  );
  expect(slow.map(({ step }) => step)).toEqual(["begin", "begin", "end"]);
  expect(slow[0]?.environment).not.toBe(slow[1]?.environment);
  expect(slow[1]).toMatchObject({ invocation: 1 });
  expect(offline.output()).toMatch(new RegExp(`${topic}-0 \\d+–\\d+: .*timeout.* \\(failure 1\\)`, "i"));
});
