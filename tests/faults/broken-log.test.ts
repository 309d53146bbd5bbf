// A broker that comes back with less than it had, or as another one: a real broker whose log is cut while it is down.
// Deliveries are made by hand, so that each comes before or after the sweep as the case wants it.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import kafkajs, { type Admin, Kafka, logLevel, Partitioners, type Producer } from "kafkajs";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { reportText } from "../../commands/audit/report.ts";
import { cutLog } from "../../commands/chaos/log-file.ts";
import { audit } from "../../lib/audit/audit.ts";
import { acknowledgeBreaks } from "../../lib/audit/books.ts";
import { openArchive } from "../../lib/kafka/archive.ts";
import type { GroupReader } from "../../lib/kafka/groups.ts";
import { openOffsetReader } from "../../lib/kafka/offsets.ts";
import { topicLogOf } from "../../lib/kafka/topic-log.ts";
import { createOn } from "../../lib/kafka/topics.ts";
import { postgresJudge } from "../../lib/postgres/judge.ts";
import { postgresSweepStore } from "../../lib/postgres/sweep-store.ts";
import { byStream, streamNames } from "../../lib/streams/stream.ts";
import { consumptionStream } from "../../lib/streams/streams.ts";
import { commitRecords } from "../../lib/windows/commit.ts";
import { type SweepOutcome, sweepStream } from "../../lib/windows/sweep.ts";
import { type KafkaServer, startKafka } from "../../localstack/kafka/server.ts";
import { freePort } from "../../localstack/ports.ts";
import { createDatabase, emptyTables, type TestDatabase } from "../integration/database.ts";
import { until } from "../integration/topics.ts";
import { reading, source, totals } from "./readings.ts";

const rules = { futureSkewUs: 600e6, amendmentHorizonUs: 7 * 86_400e6, delayUs: 600e6, idleUs: 1e6 };

let database: TestDatabase;
let folder: string;
let options: { dataDir: string; port: number; heapMb: number; settings: Record<string, number> };
let server: KafkaServer;
let admin: Admin;
let producer: Producer;

async function connect(): Promise<void> {
  const kafka = new Kafka({ brokers: [server.brokers], logLevel: logLevel.NOTHING });
  admin = kafka.admin();
  producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await Promise.all([admin.connect(), producer.connect()]);
}

const disconnect = () => Promise.all([admin.disconnect(), producer.disconnect()]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), `smartgrid-test-${process.pid}-broken-log-`));
  const settings = { "log.cleaner.backoff.ms": 250 }; // compacts at once what a test wants compacted
  options = { dataDir: join(folder, "kafka"), port: await freePort(), heapMb: 256, settings };
  [database, server] = await Promise.all([createDatabase(), startKafka(options)]);
  await connect();
});
afterAll(async () => {
  await disconnect();
  await Promise.all([server.stop(), database.close()]);
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => emptyTables(database.pool));

/** The broker is killed, what stood in the way of a cut happens, and it comes back. */
async function restart(whileDown: () => Promise<unknown>, fresh = false): Promise<void> {
  await disconnect();
  server.kill("SIGKILL");
  await server.exited;
  await whileDown();
  server = await startKafka({ ...options, fresh });
  await connect();
  await Promise.all((await admin.listTopics()).map(untilLed));
}

/** A broker that has just started does not lead its partitions at once. */
async function untilLed(topic: string): Promise<void> {
  const isLed = () =>
    admin.fetchTopicOffsets(topic).then(
      () => true,
      () => false, // not yet
    );
  await until(isLed, (led) => led);
}

/** Sends readings, each in a batch of its own, so that the log can be cut anywhere. */
async function send(topic: string, first: number, end: number): Promise<void> {
  for (let n = first; n < end; n++)
    await producer.send({ topic, messages: [{ value: JSON.stringify(reading(n)) }] });
}

const settings = () => ({
  brokers: [server.brokers],
  clusterArn: source,
  clientId: "broken-log",
  iam: false,
});

/** As the trigger delivers offsets, in batches of ten. */
async function deliver(topic: string, from: number, to: number): Promise<void> {
  const archive = openArchive(settings());
  const address = { source, topic, partition: 0 };
  for await (const records of archive.read(topic, 0, [{ from, to }]))
    for (let i = 0; i < records.length; i += 10)
      await commitRecords(
        postgresJudge(database.pool),
        consumptionStream,
        address,
        records.slice(i, i + 10),
        rules,
      );
  await archive.close();
}

async function sweep(
  topic: string,
  isCompacted: GroupReader["isCompacted"] = noGroups.isCompacted,
): Promise<SweepOutcome> {
  const [offsets, archive] = [openOffsetReader(settings()), openArchive(settings())];
  const log = topicLogOf(topic, offsets, { isCompacted }, archive);
  try {
    const swept = { stream: "consumption", source, topic } as const;
    return await sweepStream(postgresSweepStore(database.pool), swept, log, rules);
  } finally {
    await Promise.all([offsets.close(), archive.close()]);
  }
}

/** No group reads here. */
const noGroups = {
  readCommitted: async () => new Map<number, number>(),
  isCompacted: async () => false,
  close: async () => undefined,
};

async function auditText(topic: string): Promise<string[]> {
  const [offsets, archive] = [openOffsetReader(settings()), openArchive(settings())];
  const topics = { ...byStream((stream) => `other-${stream}`), consumption: topic };
  const report = await audit(
    { source, topics, groups: byStream(() => "g") },
    { pool: database.pool, offsets, groups: noGroups, archive },
  );
  await Promise.all([offsets.close(), archive.close()]);
  return reportText(report, 200);
}

const counted = async () => (await totals(database.pool)).counted;

async function newestApplied(): Promise<string | undefined> {
  const { rows } = await database.pool.query<{ applied: string }>(
    "SELECT applied::text FROM ledger ORDER BY incarnation DESC LIMIT 1",
  );
  return rows[0]?.applied;
}

/** While the broker is down: cuts before the batch that holds an offset. @returns where the log ends now */
async function cutAt(topic: string, offset: number): Promise<number | undefined> {
  const gone = await cutLog(options.dataDir, topic, 0, (batches) =>
    batches.findIndex(({ end }) => end > offset),
  );
  return gone[0]?.firstOffset;
}

const createTopic = (topic: string) => createOn(admin, [{ topic, numPartitions: 1 }]);

test("a log that lost its tail: told with its offsets, survivors not counted again, new records counted", async () => {
  await Promise.all(["cut", ...streamNames.map((stream) => `other-${stream}`)].map(createTopic));
  await sweep("cut");
  await send("cut", 0, 108);
  await deliver("cut", 0, 108);
  expect((await sweep("cut")).breaks).toEqual([]);

  await restart(async () => expect(await cutAt("cut", 98)).toBe(98));
  expect((await auditText("cut")).join("\n")).toContain("no sweep has seen it yet");
  expect((await sweep("cut")).breaks).toEqual([
    expect.objectContaining({ kind: "truncated", from: 98, to: 108, offsets: [{ from: 98, to: 108 }] }),
  ]);
  await deliver("cut", 0, 98); // the trigger's offset is out of range: from the start again
  expect(await counted()).toBe(108);
  expect((await sweep("cut")).breaks).toEqual([]);
  await send("cut", 200, 210);
  await deliver("cut", 98, 108);
  expect(await counted()).toBe(118);
  const lines = await auditText("cut");
  expect(lines.filter((line) => line.startsWith("truncated"))).toEqual([
    expect.stringMatching(
      /^truncated cut-0 \[98,108\): .*; 10 offsets of it had been counted, and stay counted/,
    ),
  ]);
  expect(lines.join("\n")).toContain("before the log was truncated");
  expect(lines.at(-1)).toMatch(/^NOT CLEAN: 1 log broke/);
  expect(await acknowledgeBreaks(database.pool)).toBe(1);
  expect((await auditText("cut")).at(-1)).toMatch(/^clean/);
  expect((await sweep("cut")).breaks).toEqual([]);
});

test("records in the lost offsets before any sweep has seen it: those that passed for repetitions are free again", async () => {
  await createTopic("refilled");
  await sweep("refilled");
  await send("refilled", 0, 100);
  await deliver("refilled", 0, 80);
  await sweep("refilled");
  await deliver("refilled", 80, 100);
  await restart(() => cutAt("refilled", 90));
  await send("refilled", 200, 230);
  await deliver("refilled", 90, 120); // [90, 100) passes for a repetition
  expect(await counted()).toBe(120);
  expect((await sweep("refilled")).breaks).toEqual([
    expect.objectContaining({ kind: "truncated", from: 90, to: 100, offsets: [{ from: 90, to: 100 }] }),
  ]);
  expect(await newestApplied()).toBe("{[0,90),[100,120)}");
  await deliver("refilled", 0, 120);
  expect(await counted()).toBe(130);
});

test("killed right after counting, cut and written to, all before the first sweep", async () => {
  await createTopic("unseen");
  await send("unseen", 0, 100);
  await deliver("unseen", 0, 100);
  await restart(() => cutAt("unseen", 85));
  await send("unseen", 200, 230);
  await deliver("unseen", 100, 115);
  expect((await sweep("unseen")).breaks).toEqual([
    expect.objectContaining({ kind: "truncated", from: 85, to: 100, offsets: [{ from: 85, to: 100 }] }),
  ]);
  expect(await newestApplied()).toBe("{[0,85),[100,115)}");
  await deliver("unseen", 0, 115);
  expect(await counted()).toBe(130);
});

test("a tail that was lost before anyone had counted it is told, too", async () => {
  await createTopic("unread");
  await send("unread", 0, 50);
  await deliver("unread", 0, 20);
  await sweep("unread");
  await restart(() => cutAt("unread", 30));
  expect((await sweep("unread")).breaks).toEqual([
    expect.objectContaining({ kind: "truncated", from: 30, to: 50, offsets: [] }),
  ]);
});

test("a broker that comes back whole is no break, and an exchanged one is another cluster", async () => {
  await createTopic("kept");
  await send("kept", 0, 20);
  await deliver("kept", 0, 20);
  await sweep("kept");
  await restart(async () => undefined);
  await send("kept", 20, 30);
  await deliver("kept", 10, 30);
  expect((await sweep("kept")).breaks).toEqual([]);
  expect(await counted()).toBe(30);

  await restart(async () => undefined, true);
  await createTopic("kept");
  await send("kept", 100, 140);
  await deliver("kept", 30, 40);
  expect((await sweep("kept")).breaks).toEqual([expect.objectContaining({ kind: "another_cluster" })]);
  expect(await newestApplied()).toBe("{[30,40)}");
  await deliver("kept", 0, 40);
  expect(await counted()).toBe(70);
});

test("what compaction took after a restart of the broker is not taken for a log that was cut", async () => {
  const topic = "compacted";
  const policy = (lagMs: number) => [
    { name: "cleanup.policy", value: "compact" },
    { name: "segment.ms", value: "10" },
    { name: "min.cleanable.dirty.ratio", value: "0.001" },
    { name: "min.compaction.lag.ms", value: String(lagMs) },
  ];
  await createOn(admin, [{ topic, numPartitions: 1, configEntries: policy(3_600_000) }]);
  // A second between two records, by their time, begins a segment; the cleaner takes all but the one that is written to.
  const beginMs = Date.now() - 60_000;
  const sendKeyed = async (first: number, end: number) => {
    for (let n = first; n < end; n++) {
      const value = JSON.stringify(reading(n));
      const timestamp = String(beginMs + n * 1_000);
      await producer.send({ topic, messages: [{ key: `${n % 4}`, value, timestamp }] });
    }
  };
  await sendKeyed(0, 4);
  await deliver(topic, 0, 4);
  expect((await sweep(topic, async () => true)).breaks).toEqual([]);
  await restart(async () => undefined); // from here on another epoch
  await sendKeyed(4, 8);
  await deliver(topic, 4, 8);
  await sendKeyed(8, 13);
  const { ConfigResourceTypes } = kafkajs;
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: policy(0) }],
  });
  const archive = openArchive(settings());
  await until(
    () => archive.nextRecord(topic, 0, 0),
    (first) => first === 8,
  );
  await archive.close();
  const cannotSay = async () => {
    throw new Error("no leader just now");
  };
  await expect(sweep(topic, cannotSay)).rejects.toThrow("no leader just now");
  expect((await sweep(topic, async () => true)).breaks).toEqual([]);
  expect(await newestApplied()).toBe("{[0,8)}");
  await deliver(topic, 0, 13);
  expect(await counted()).toBe(13);
});
