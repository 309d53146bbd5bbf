// `npm run esm` against a control server with mappings on the real broker.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startControlServer } from "../../localstack/control-plane/server.ts";
import { noFaults } from "../../localstack/event-source-mapping/faults.ts";
import { MappingRegistry } from "../../localstack/event-source-mapping/registry.ts";
import { runCommand } from "./commands.ts";
import { arn } from "./esm-trigger.ts";
import { connectKafka, type TestKafka, until } from "./topics.ts";

let kafka: TestKafka;
let registry: MappingRegistry;
let server: Server;
let url: string;
let isFailing = false;

beforeAll(async () => {
  kafka = await connectKafka();
  const invoke = async () => {
    if (isFailing) throw new Error("no database today");
    return "null";
  };
  registry = new MappingRegistry({ brokers: [kafka.brokers], invoke, log: () => undefined });
  server = await startControlServer({
    port: 0,
    lambdaEndpoint: "http://127.0.0.1:9",
    faults: { ...noFaults, use: () => undefined },
    lambda: { registry, functionNames: ["s-local-f"], log: () => undefined },
    msk: { clusterArns: [], bootstrapServers: kafka.brokers, brokers: async () => [], startedMs: 0 },
  });
  const address = server.address();
  url = `http://127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}`;
});
afterEach(async () => {
  isFailing = false;
  await Promise.all(registry.all.map((mapping) => registry.delete(mapping)));
});
afterAll(async () => {
  server?.close();
  server?.closeAllConnections();
  await kafka?.close();
});

const esm = (...args: string[]) => runCommand("esm", args, { LOCALSTACK_CONTROL_URL: url });

async function create(more: Record<string, unknown> = {}) {
  const topic = await kafka.createTopic(1);
  const body = { EventSourceArn: arn, FunctionName: "s-local-f", Topics: [topic], ...more };
  const response = await fetch(`${url}/2015-03-31/event-source-mappings/`, {
    method: "POST",
    body: JSON.stringify({ StartingPosition: "TRIM_HORIZON", MaximumBatchingWindowInSeconds: 0, ...body }),
  });
  const { UUID }: { UUID: string } = JSON.parse(await response.text());
  return { topic, uuid: UUID };
}

test("list: function, topic, state, lag and last result; show: settings and partitions of one", async () => {
  isFailing = true;
  const { topic, uuid } = await create();
  await kafka.producer.send({ topic, messages: ["a", "b", "c"].map((value) => ({ value })) });
  const result = () => registry.find(uuid)?.status.lastProcessingResult ?? "";
  await until(
    async () => result(),
    (text) => text.startsWith("PROBLEM"),
  );
  const [mapping] = JSON.parse((await esm("list", "--json")).stdout);
  expect(mapping).toMatchObject({ State: "Enabled", partitions: expect.any(Array) });
  expect(JSON.parse((await esm("show", mapping.UUID, "--json")).stdout).UUID).toBe(mapping.UUID);
  const listed = await esm("list");
  expect(listed.stdout).toMatch(/^function +topic +state +lag +uuid +last result$/m);
  expect(listed.stdout).toContain(`s-local-f  ${topic}  Enabled  3    ${uuid}  PROBLEM: no database today`);

  const shown = await esm("show", "f");
  expect(shown.stdout).toMatch(new RegExp(`^UUID +${uuid}$`, "m"));
  expect(shown.stdout).toMatch(/^BatchSize +100$/m);
  expect(shown.stdout).toMatch(/^State +Enabled$/m);
  expect(shown.stdout).toMatch(/^partition +next offset +end +lag +in flight +failures +last error$/m);
  expect(shown.stdout).toMatch(/^0 +0 +3 +3 +\d +\d+ +no database today$/m);
});

test("disable and enable wait for the state and say it; what comes meanwhile is delivered afterwards", async () => {
  const { topic, uuid } = await create();
  expect(await esm("disable", "s-local-f")).toMatchObject({ code: 0, stdout: "s-local-f: Disabled\n" });
  expect(registry.find(uuid)?.state).toBe("Disabled");
  await kafka.producer.send({ topic, messages: [{ value: "a" }] });
  expect(await esm("enable", uuid)).toMatchObject({ code: 0, stdout: "s-local-f: Enabled\n" });
  expect(registry.find(uuid)?.state).toBe("Enabled");
  await until(
    async () => registry.find(uuid)?.counters.InvokedEventCount,
    (count) => count === 1,
  );
});

test("set: all settings at once, a disabled mapping stays disabled, and AWS's refusals as they are", async () => {
  const { uuid } = await create({ Enabled: false });
  const set = await esm(
    ...["set", "f", "--batch-size", "7", "--window", "2", "--pollers", "1-5", "--retries", "3"],
    ...["--max-age", "60", "--bisect", "--item-failures", "--destination", "kafka://failed"],
  );
  expect(set).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^s-local-f: Disabled, BatchSize 7, .*\{"MinimumPollers":1/),
  });
  expect(registry.find(uuid)?.settings).toMatchObject({
    batchSize: 7,
    batchingWindowMs: 2000,
    pollers: { minimum: 1, maximum: 5 },
    failureHandling: {
      maximumRetryAttempts: 3,
      maximumRecordAgeMs: 60_000,
      bisects: true,
      reportsItemFailures: true,
      destination: { text: "kafka://failed" },
    },
  });
  const undone = await esm("set", "f", "--no-bisect", "--no-item-failures", "--destination", "none");
  expect(undone.code).toBe(0);
  expect(registry.find(uuid)?.settings.failureHandling).toMatchObject({
    bisects: false,
    reportsItemFailures: false,
    destination: null,
  });
  const refused = await esm("set", "f", "--batch-size", "10001");
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toMatch(/^InvalidParameterValueException: .*BatchSize.*10000.*10001/);
  expect((await esm("set", "f")).stderr).toMatch(/^nothing to set;/);
});

test("finds the control server of a running `npm start` by its stack file", async () => {
  const { topic } = await create({ Enabled: false });
  const folder = await mkdtemp(join(tmpdir(), "esm-command-"));
  try {
    await writeFile(
      join(folder, "stack.json"),
      JSON.stringify({ control: url, pid: process.pid, program: "" }),
    );
    const listed = await runCommand("esm", ["list"], {
      LOCALSTACK_CONTROL_URL: "",
      SMARTGRID_FOLDER: folder,
    });
    expect(listed.stdout).toContain(`${topic}  Disabled`);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("says what is wrong: nothing runs, a URL that is none, a mapping that is none", async () => {
  const { topic, uuid } = await create({ Enabled: false });
  const unknown = await esm("show", "nobody");
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toBe(
    `no event source mapping is called nobody; there are:\n  ${uuid}  s-local-f  ${topic}\n`,
  );
  expect((await esm("list", "--url", "http://127.0.0.1:9")).stderr).toMatch(
    /^no control server answers at http:\/\/127.0.0.1:9 .*npm start/,
  );
  expect((await esm("list", "--url", "here")).stderr).toMatch(/expected a URL, got "here"/);
  const nothing = await runCommand("esm", ["list"], {
    LOCALSTACK_CONTROL_URL: "",
    SMARTGRID_FOLDER: "/nowhere",
  });
  expect(nothing).toMatchObject({ code: 1, stderr: expect.stringMatching(/^no control server is running/) });
});
