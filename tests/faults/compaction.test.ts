// A topic with cleanup.policy=compact, of which Kafka's log cleaner has really removed records: before they were read, and
// after they were counted. What it took is told as that: never LOST, no hole, and not plainly "clean" either.

import { Admin } from "@platformatic/kafka";
import kafkajs from "kafkajs";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { reportText, verdictOf } from "../../commands/audit/report.ts";
import { audit } from "../../lib/audit/audit.ts";
import { repair } from "../../lib/audit/repair.ts";
import { type Archive, openArchive } from "../../lib/kafka/archive.ts";
import { compactionWarnings } from "../../lib/kafka/compaction.ts";
import { type GroupReader, openGroupReader } from "../../lib/kafka/groups.ts";
import { type OffsetReader, openOffsetReader } from "../../lib/kafka/offsets.ts";
import { aggregate } from "../../lib/lambda/aggregate.ts";
import { readTrouble } from "../../lib/postgres/trouble.ts";
import { byStream, type StreamName, streamNames } from "../../lib/streams/stream.ts";
import { consumptionStream } from "../../lib/streams/streams.ts";
import { createDatabase, emptyTables, snapshot, type TestDatabase } from "../integration/database.ts";
import { settingsFor, trigger } from "../integration/esm-trigger.ts";
import { connectKafka, type TestKafka, until } from "../integration/topics.ts";
import { reading, source } from "./readings.ts";

const { ConfigResourceTypes } = kafkajs;
const rules = { futureSkewUs: 600e6, amendmentHorizonUs: 7 * 86_400e6 };

let kafka: TestKafka;
let database: TestDatabase;
let offsets: OffsetReader;
let groups: GroupReader;
let archive: Archive;
let committer: Admin;
/** Empty topics, of the streams that a test is not about. */
let others: Readonly<Record<StreamName, string>>;
let logged: string[] = [];

beforeAll(async () => {
  [kafka, database] = await Promise.all([connectKafka(), createDatabase()]);
  const settings = { brokers: [kafka.brokers], clusterArn: source, clientId: "compaction", iam: false };
  [offsets, groups, archive] = [openOffsetReader(settings), openGroupReader(settings), openArchive(settings)];
  committer = new Admin({ clientId: "compaction", bootstrapBrokers: kafka.brokers.split(",") });
  const empty = await Promise.all(streamNames.map(() => kafka.createTopic(1)));
  others = byStream((stream) => empty[streamNames.indexOf(stream)] ?? "");
});
afterAll(() =>
  Promise.all([offsets.close(), groups.close(), archive.close(), committer.close()]).then(() =>
    Promise.all([kafka.close(), database.close()]),
  ),
);
beforeEach(() => emptyTables(database.pool));
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** Each record begins a segment, and the cleaner takes all segments but the one that is written to. */
const cleaned = (policy: string, lagMs: number) => [
  { name: "cleanup.policy", value: policy },
  { name: "segment.ms", value: "10" },
  { name: "min.cleanable.dirty.ratio", value: "0.001" },
  { name: "min.compaction.lag.ms", value: String(lagMs) },
];
const AN_HOUR_MS = 3_600_000;

const createCompacted = (policy = "compact") => kafka.createTopic(1, cleaned(policy, 0));
/** Nothing is taken before `letClean`. */
const createToBeCompacted = () => kafka.createTopic(1, cleaned("compact", AN_HOUR_MS));
const letClean = (topic: string) =>
  kafka.admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: cleaned("compact", 0) }],
  });

type Keyed = readonly [key: string, energyKwh: number];
/** 15 kWh, of which the cleaner takes 3. */
const fifteenKwh: readonly Keyed[] = [
  ["a", 1],
  ["a", 2],
  ["a", 4],
  ["b", 8],
];

/** From the n-th reading on, one batch for each; a second between two records ends the segment of the first. */
async function send(topic: string, readings: readonly Keyed[], first = 0): Promise<void> {
  for (const [i, [key, energyKwh]] of readings.entries()) {
    const value = JSON.stringify(reading(first + i, { reading: energyKwh }));
    const timestamp = String(Date.now() - 60_000 + (first + i) * 1_000);
    await kafka.producer.send({ topic, messages: [{ key, value, timestamp, partition: 0 }] });
  }
}

async function survivors(topic: string, end: number): Promise<number[]> {
  const found: number[] = [];
  for await (const records of archive.read(topic, 0, [{ from: 0, to: end }]))
    found.push(...records.map(({ offset }) => offset));
  return found;
}

/** Until the cleaner has left only these of the offsets before `end`. */
const untilCleaned = (topic: string, end: number, left: readonly number[]) =>
  until(
    () => survivors(topic, end),
    (found) => JSON.stringify(found) === JSON.stringify(left),
  );

const groupOf = (topic: string) => `group-${topic}`;
const asked = (topic: string) => ({
  source,
  topics: { ...others, consumption: topic },
  groups: { ...byStream(() => "none"), consumption: groupOf(topic) },
});

function environmentFor(topic: string): Readonly<Record<string, string>> {
  return {
    ...database.environment,
    KAFKA_BROKER: kafka.brokers,
    MSK_CLUSTER_ARN: source,
    KAFKA_TOPIC_SENSOR_DATA: others.sensor,
    KAFKA_TOPIC_METER_READINGS: topic,
    KAFKA_TOPIC_WEATHER: others.weather,
    KAFKA_GROUP_METER_READINGS: groupOf(topic),
  };
}

/** The trigger and the real function, until the group has come so far. */
async function deliver(topic: string, end: number, batchSize = 100): Promise<void> {
  const handler = aggregate(consumptionStream, environmentFor(topic));
  const settings = settingsFor(topic, { eventSourceArn: source, groupId: groupOf(topic), batchSize });
  const { mapping } = trigger(kafka.brokers, settings, (event) => handler(event));
  try {
    await until(
      // A new broker has no coordinator before the first group has joined.
      () => groups.readCommitted(topic, groupOf(topic)).catch(() => new Map<number, number>()),
      (committed) => committed.get(0) === end,
    );
  } finally {
    await mapping.stop();
  }
}

/** Of the real function, as it is after a start. @returns the lines that it logs */
async function sweep(topic: string): Promise<string[]> {
  logged = [];
  for (const [name, value] of Object.entries(environmentFor(topic))) vi.stubEnv(name, value);
  vi.spyOn(process.stderr, "write").mockImplementation((line) => logged.push(String(line)) > 0);
  vi.resetModules();
  const { handler } = await import("../../functions/sweep-windows/index.ts");
  await handler({});
  vi.restoreAllMocks();
  return logged;
}

const lostOf = async () =>
  (await readTrouble(database.pool, { stuckAfterSeconds: 300, idleSeconds: 900 })).filter(
    ({ kind }) => kind === "records_lost",
  );

async function auditOf(topic: string) {
  const report = await audit(asked(topic), { pool: database.pool, offsets, groups, archive });
  return { report, lines: reportText(report, 200), verdict: verdictOf(report) };
}

/** Nobody says LOST or hole of what the cleaner took, and the verdict says how many offsets that may be. */
async function expectToldAsCompacted(topic: string, taken: number): Promise<void> {
  const warned = (await sweep(topic)).filter((line) => line.includes(topic));
  expect(warned.filter((line) => line.includes("LOST"))).toEqual([]);
  expect(warned).toContainEqual(
    expect.stringContaining(
      `${topic}: cleanup.policy=compact; records that compaction removes before they are read are not counted`,
    ),
  );
  expect(await lostOf()).toEqual([]);
  const { lines, verdict } = await auditOf(topic);
  expect(verdict).toBe(
    `clean but for ${taken} offsets of compacted topics, which were never counted; 0 offsets still to come`,
  );
  expect(lines).toContainEqual(
    expect.stringContaining(`compacted ${topic}-0: ${taken} offsets without a record`),
  );
  expect(lines.filter((line) => line.startsWith("hole "))).toEqual([]);
}

async function counted() {
  const { rows } = await database.pool.query(
    `SELECT l.applied, l.records::int, l.counted::int, t.total_consumption::float8 AS kwh
     FROM ledger AS l, consumption_aggregates_realtime AS t WHERE l.records > 0`,
  );
  return rows;
}

test("what the cleaner took before it was read is told as that, and the survivors are counted", async () => {
  const topic = await createCompacted();
  await send(topic, fifteenKwh);
  await untilCleaned(topic, 4, [2, 3]);
  await deliver(topic, 4);
  await expectToldAsCompacted(topic, 2);
  expect(await counted()).toEqual([{ applied: "{[0,4)}", records: 2, counted: 2, kwh: 12 }]);
  // At the start of `npm start`, before anything is counted.
  expect(await compactionWarnings([topic, others.sensor], groups.isCompacted)).toEqual([
    `${topic}: cleanup.policy=compact; records that compaction removes before they are read are not counted: set cleanup.policy=delete`,
  ]);
});

test("… in the midst of batches and between them, and with cleanup.policy=compact,delete", async () => {
  const topic = await createCompacted("compact,delete");
  await send(topic, [
    ["a", 1],
    ["b", 2],
    ["c", 16],
    ["b", 4],
    ["c", 32],
    ["d", 8],
  ]);
  await untilCleaned(topic, 6, [0, 3, 4, 5]);
  await deliver(topic, 6, 1);
  await expectToldAsCompacted(topic, 2);
  expect(await counted()).toEqual([{ applied: "{[0,6)}", records: 4, counted: 4, kwh: 45 }]);
});

test("what the cleaner takes after it was counted is not missed, and --repair changes nothing", async () => {
  const topic = await createToBeCompacted();
  await send(topic, fifteenKwh);
  await deliver(topic, 4, 1); // offset 0 is the last record of a batch
  await sweep(topic);
  const before = await snapshot(database.pool);
  await letClean(topic);
  await untilCleaned(topic, 4, [2, 3]);
  await sweep(topic);
  const { report, lines, verdict } = await auditOf(topic);
  expect(verdict).toBe("clean: nothing lost, nothing doubled; 0 offsets still to come");
  expect(lines.filter((line) => /^(LOST|hole|compacted|truncated) /.test(line))).toEqual([]);
  expect(await repair(report, database.pool, archive, rules)).toBe(0);
  expect(await snapshot(database.pool)).toEqual(before);
  expect(await counted()).toEqual([{ applied: "{[0,4)}", records: 4, counted: 4, kwh: 15 }]);
  expect(await lostOf()).toEqual([]);
});

test("after the database was emptied, what the cleaner has left is delivered again, and the rest is told", async () => {
  const topic = await createToBeCompacted();
  await send(topic, fifteenKwh);
  await deliver(topic, 4);
  await letClean(topic);
  await untilCleaned(topic, 4, [2, 3]);
  await emptyTables(database.pool);
  await sweep(topic);
  expect(await lostOf()).toMatchObject([
    { why: expect.stringMatching(/^the database holds less .* LOST 2 offsets \[2,4\) /) },
  ]);
  for (const _ of ["finds nothing lost", "says that this is over"]) await sweep(topic);
  await expectToldAsCompacted(topic, 2);
  expect(await counted()).toEqual([{ applied: "{[0,4)}", records: 2, counted: 2, kwh: 12 }]);
});

test("a group that has passed only what the cleaner took is not told that anything is lost", async () => {
  const topic = await createCompacted();
  await send(topic, fifteenKwh);
  await untilCleaned(topic, 4, [2, 3]);
  await committer.alterConsumerGroupOffsets({
    groupId: groupOf(topic),
    topics: [{ name: topic, partitionOffsets: [{ partition: 0, offset: 2n }] }],
  });
  const before = await auditOf(topic);
  expect(before.verdict).toBe(
    "clean but for 2 offsets of compacted topics, which were never counted; 2 offsets still to come",
  );
  await sweep(topic);
  expect(await lostOf()).toEqual([]);
  expect((await auditOf(topic)).verdict).toBe(before.verdict);
});
