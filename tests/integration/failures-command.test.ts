// `npm run failures`: batches that were given up are listed, and replayed from the topic (rule 18).

import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MSKEvent } from "aws-lambda";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createOn } from "../../lib/kafka/topics.ts";
import { startControlServer } from "../../localstack/control-plane/server.ts";
import { localSink } from "../../localstack/event-source-mapping/destination.ts";
import { noFaults } from "../../localstack/event-source-mapping/faults.ts";
import { invokeThrough } from "../../localstack/event-source-mapping/invoke.ts";
import { type Cluster, openCluster } from "../../localstack/event-source-mapping/kafka-cluster.ts";
import { MappingRegistry } from "../../localstack/event-source-mapping/registry.ts";
import { runCommand } from "./commands.ts";
import { arn, recordsOf } from "./esm-trigger.ts";
import { connectKafka, type TestKafka, until } from "./topics.ts";

let kafka: TestKafka;
let cluster: Cluster;
let folder: string;
let lambda: Server;
let control: Server;
let registry: MappingRegistry;
/** What the function was invoked with, and how it answers. */
let payloads: string[];
let answer: (event: MSKEvent) => unknown;

const portOf = (one: Server) => {
  const address = one.address();
  return address !== null && typeof address === "object" ? address.port : 0;
};
const fail = () => {
  throw new Error("on purpose");
};

beforeAll(async () => {
  [kafka, folder] = await Promise.all([connectKafka(), mkdtemp(join(tmpdir(), "failures-command-"))]);
  cluster = openCluster([kafka.brokers]);
  lambda = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const payload = Buffer.concat(chunks).toString();
    payloads.push(payload);
    try {
      response.end(JSON.stringify(answer(JSON.parse(payload)) ?? null));
    } catch (error) {
      // As Lambda tells it.
      response.setHeader("x-amz-function-error", "Unhandled");
      response.end(JSON.stringify({ errorMessage: error instanceof Error ? error.message : "" }));
    }
  });
  await new Promise<void>((resolve) => lambda.listen(0, "127.0.0.1", resolve));
  const lambdaEndpoint = `http://127.0.0.1:${portOf(lambda)}`;
  registry = new MappingRegistry({
    brokers: [kafka.brokers],
    invoke: invokeThrough(lambdaEndpoint),
    log: () => undefined,
    sink: localSink(folder, cluster.sendToTopic),
  });
  control = await startControlServer({
    port: 0,
    lambdaEndpoint,
    faults: { ...noFaults, use: () => undefined },
    lambda: { registry, functionNames: ["s-local-f"], log: () => undefined },
    msk: { clusterArns: [], bootstrapServers: kafka.brokers, brokers: async () => [], startedMs: 0 },
  });
});
beforeEach(async () => {
  await Promise.all(registry.all.map((mapping) => registry.delete(mapping)));
  await rm(folder, { recursive: true, force: true });
  payloads = [];
  answer = fail;
});
afterAll(async () => {
  for (const server of [control, lambda]) {
    server?.close();
    server?.closeAllConnections();
  }
  await registry?.close();
  await Promise.all([
    kafka?.close(),
    cluster?.close(),
    folder && rm(folder, { recursive: true, force: true }),
  ]);
});

const failures = (...args: string[]) =>
  runCommand("failures", args, {
    LOCALSTACK_CONTROL_URL: `http://127.0.0.1:${portOf(control)}`,
    LOCALSTACK_FAILURES_DIR: folder,
  });

/** Has a batch fail until it is given up. @returns its topic and the payload that failed */
async function giveUp(destination: string, values: readonly string[], more: Record<string, unknown> = {}) {
  const topic = await kafka.createTopic(1);
  await kafka.producer.send({ topic, messages: values.map((value) => ({ key: "k", value })) });
  const response = await fetch(`http://127.0.0.1:${portOf(control)}/2015-03-31/event-source-mappings/`, {
    method: "POST",
    body: JSON.stringify({
      ...{
        EventSourceArn: arn,
        FunctionName: "s-local-f",
        Topics: [topic],
        StartingPosition: "TRIM_HORIZON",
      },
      ...{
        MaximumBatchingWindowInSeconds: 0,
        ProvisionedPollerConfig: { MinimumPollers: 1, MaximumPollers: 1 },
      },
      ...{ MaximumRetryAttempts: 0, DestinationConfig: { OnFailure: { Destination: destination } }, ...more },
    }),
  });
  const { UUID }: { UUID: string } = JSON.parse(await response.text());
  await until(
    async () => registry.find(UUID)?.counters.CommittedEventCount,
    (count) => count === values.length,
  );
  const payload = payloads[0] ?? "";
  payloads = [];
  return { topic, payload };
}

/** As retention does. */
async function removeBefore(topic: string, offset: string) {
  await kafka.admin.fetchTopicOffsets(topic); // else kafkajs does not know the topic's leaders
  await kafka.admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset }] });
}

const filesIn = async (path: string) =>
  (await readdir(join(folder, path), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));

const queue = "arn:aws:sqs:local:000000000000:queue";

test("rule 18: listed and shown, replayed as the very event from the topic, and marked", async () => {
  const { topic, payload } = await giveUp(queue, ["a", "b", "c"]);
  const listed = await failures("list");
  expect(listed.stdout).toMatch(
    new RegExp(`s-local-f +RetryAttemptsExhausted +sqs/queue +${topic}-0 0–2 +3 +1$`, "m"),
  );
  const id = /^[0-9a-f]{8}/m.exec(listed.stdout)?.[0] ?? "";
  expect((await failures("show", id)).stdout).toContain('"firstRecordOffset": "0"');
  const [one] = JSON.parse((await failures("list", "--json")).stdout);
  expect(one).toMatchObject({ id: expect.stringContaining(id), functionName: "s-local-f", replayedAt: null });
  expect(JSON.parse((await failures("show", id, "--json")).stdout)).toEqual(one.record);
  expect((await failures("list", "--function", "g")).stdout).toBe("no failures\n");
  expect((await failures("list", "--function", "f", "--destination", "sqs/queue")).stdout).toContain(id);

  expect(await failures("replay", id, "--dry-run")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("would replay 3 records from the topic"),
  });
  expect(payloads).toEqual([]);
  const failed = await failures("replay", id);
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining("on purpose") });
  expect(await filesIn("sqs/queue")).toEqual([expect.not.stringContaining("replayed")]);

  answer = () => null;
  payloads = [];
  expect(await failures("replay", id)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/replayed 3 records from the topic\n1 of 1 replayed\n$/),
  });
  expect(payloads).toEqual([payload]);
  expect(await filesIn("sqs/queue")).toEqual([
    expect.stringMatching(new RegExp(`^sqs/queue/replayed/20.*Z--20.*${id}`)),
  ]);
  expect((await failures("list", "--replayed")).stdout).toMatch(/ 1 +20\d\d-\d\d-\d\dT[\d:.]+Z$/m);
  expect(await failures("replay", id)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("replayed already"),
  });
});

test("rule 18: an SNS topic's messages are read as well", async () => {
  const { payload } = await giveUp("arn:aws:sns:local:000000000000:topic", ["a"]);
  answer = () => null;
  expect(await failures("replay", "--all", "--destination", "sns/topic")).toMatchObject({ code: 0 });
  expect(payloads).toEqual([payload]);
  expect((await failures("list")).stdout).toBe("no failures\n");
});

test("rule 18: a Kafka topic: read from the failure topic, and not offered again after its replay", async () => {
  const failed = await kafka.createTopic(1);
  const { payload } = await giveUp(`kafka://${failed}`, ["a", "b"]);
  await kafka.producer.send({ topic: failed, messages: [{ value: "a stranger's" }] });
  const listed = await failures("list");
  expect(listed.stdout).toContain(`kafka/${failed}`);
  expect(listed.stderr).toContain(`${failed} 1: `);
  answer = () => null;
  expect(await failures("replay", "--all")).toMatchObject({ code: 0 });
  expect(payloads).toEqual([payload]);
  expect((await failures("replay", "--all")).stdout).toBe("0 of 0 replayed\n");
  expect((await failures("list", "--replayed")).stdout).toContain(`kafka/${failed}`);
});

test("rule 18: offsets that retention has removed are named; the rest is replayed and the failure stays", async () => {
  const { topic } = await giveUp(queue, ["a", "b", "c"]);
  await removeBefore(topic, "2");
  answer = () => null;
  const some = await failures("replay", "--all");
  expect(some).toMatchObject({ code: 1, stdout: expect.stringContaining(`${topic}-0 0–1 (removed`) });
  expect(payloads.map((text) => recordsOf(JSON.parse(text)).map(({ offset }) => offset))).toEqual([[2]]);
  expect(await filesIn("sqs/queue")).toEqual([expect.not.stringContaining("replayed")]);

  await removeBefore(topic, "3");
  const none = await failures("replay", "--all");
  expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining(`${topic}-0 0–2 (removed`) });
  expect(payloads).toHaveLength(1);
});

test("rule 18: S3 carries the payload, which is used where the topic has the offsets no longer, and that is said", async () => {
  const { topic, payload } = await giveUp("arn:aws:s3:::bucket", ["a", "b"]);
  expect((await failures("replay", "--all", "--dry-run")).stdout).toContain("2 records from the topic");
  await removeBefore(topic, "1");
  answer = () => null;
  const replayed = await failures("replay", "--all");
  expect(replayed).toMatchObject({ code: 0, stdout: expect.stringContaining("2 records from the payload") });
  expect(replayed.stdout).toContain(`no longer in the topic: ${topic}-0 0–0`);
  expect(payloads).toEqual([payload]);
});

test("rule 18: a topic of the same name that was created again does not pass for the one that failed", async () => {
  const { topic } = await giveUp(queue, ["a", "b"]);
  await Promise.all(registry.all.map((mapping) => registry.delete(mapping)));
  await kafka.admin.deleteTopics({ topics: [topic] });
  await until(
    () => kafka.admin.listTopics(),
    (topics) => !topics.includes(topic),
  );
  await createOn(kafka.admin, [{ topic, numPartitions: 1 }]);
  await cluster.sendToTopic(topic, "k", "another a");
  await cluster.sendToTopic(topic, "k", "another b");
  answer = () => null;
  const replayed = await failures("replay", "--all");
  expect(replayed).toMatchObject({ code: 1, stderr: expect.stringContaining("created again") });
  expect(payloads).toEqual([]);
});

test("rule 18, rule 20, rule 16: the mapping's filter and partial answers hold for a replay as well", async () => {
  const { topic, payload } = await giveUp(queue, ['{"keep":1}', '{"keep":0}', '{"keep":1}'], {
    FilterCriteria: { Filters: [{ Pattern: '{"value":{"keep":[1]}}' }] },
    FunctionResponseTypes: ["ReportBatchItemFailures"],
  });
  answer = () => ({ batchItemFailures: [{ itemIdentifier: { partition: `${topic}-0`, offset: 2 } }] });
  expect(await failures("replay", "--all")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`failed items from ${topic}-0 2`),
  });
  answer = () => ({ batchItemFailures: [] });
  expect(await failures("replay", "--all")).toMatchObject({ code: 0 });
  expect(payloads).toEqual([payload, payload]);
});

test("replay says what is wrong: no ids, an id that is none, a file that is no failure, a topic that is not there", async () => {
  await giveUp(queue, ["a"]);
  await writeFile(join(folder, "sqs/queue/note.json"), '{"hello":1}');
  await fetch(`http://127.0.0.1:${portOf(control)}/2015-03-31/event-source-mappings/${registry.all[0]?.id}`, {
    method: "PUT",
    body: JSON.stringify({ DestinationConfig: { OnFailure: { Destination: "kafka://not-there" } } }),
  });
  expect(await failures("replay")).toMatchObject({
    code: 1,
    stderr: "name the ids of failures or give --all, and not both\n",
  });
  expect((await failures("replay", "none")).stderr).toContain("no failure has the id none");
  const listed = await failures("list");
  expect(listed.stderr).toMatch(/note\.json: no failure record: requestContext/);
  expect(listed.stderr).toMatch(/kafka\/not-there: topic not-there does not exist/);
  expect(listed.stdout).toContain("sqs/queue");
});
