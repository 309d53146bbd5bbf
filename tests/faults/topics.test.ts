// What happens to topics and groups while they are read: real Kafka, the trigger, the real commit.

import { randomUUID } from "node:crypto";
import { Kafka, logLevel, Partitioners } from "kafkajs";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openArchive } from "../../lib/kafka/archive.ts";
import { openGroupReader } from "../../lib/kafka/groups.ts";
import { openOffsetReader } from "../../lib/kafka/offsets.ts";
import { topicLogOf } from "../../lib/kafka/topic-log.ts";
import { createOn } from "../../lib/kafka/topics.ts";
import { readKafkaEvent } from "../../lib/lambda/kafka-event.ts";
import { settleHoles } from "../../lib/postgres/holes.ts";
import { postgresJudge } from "../../lib/postgres/judge.ts";
import { postgresSweepStore } from "../../lib/postgres/sweep-store.ts";
import { consumptionStream } from "../../lib/streams/streams.ts";
import { commitRecords } from "../../lib/windows/commit.ts";
import { sweepStream } from "../../lib/windows/sweep.ts";
import { type RunningMapping, startMapping } from "../../localstack/event-source-mapping/mapping.ts";
import { noCounts } from "../../localstack/event-source-mapping/metrics.ts";
import { createDatabase, emptyTables, type TestDatabase } from "../integration/database.ts";
import { settingsFor } from "../integration/esm-trigger.ts";
import { connectKafka, type TestKafka, until } from "../integration/topics.ts";
import { poolOf, reading, source, totals } from "./readings.ts";

const rules = { futureSkewUs: 600e6, amendmentHorizonUs: 7 * 86_400e6, delayUs: 600e6, idleUs: 1e6 };

let kafka: TestKafka;
let database: TestDatabase;
beforeAll(async () => {
  [kafka, database] = await Promise.all([connectKafka(), createDatabase()]);
});
afterAll(() => Promise.all([kafka.close(), database.close()]));

let mappings: RunningMapping[] = [];
beforeEach(() => emptyTables(database.pool));
afterEach(async () => {
  await Promise.all(mappings.map((mapping) => mapping.stop()));
  mappings = [];
});

const log: string[] = [];

/** One more member of the group, whose function is the real commit. */
function startTrigger(topic: string, counters = noCounts()): RunningMapping {
  const pool = poolOf(database, 10_000);
  const settings = settingsFor(topic, { eventSourceArn: source, groupId: `faults-${topic}`, batchSize: 50 });
  const invoke = async (_: string, payload: string) => {
    for (const { address, records } of readKafkaEvent(JSON.parse(payload))) {
      await commitRecords(postgresJudge(pool), consumptionStream, address, records, rules);
    }
    return null;
  };
  const extras = { lookForPartitionsMs: 200, counters };
  const mapping = startMapping(settings, [kafka.brokers], invoke, (message) => log.push(message), extras);
  mappings.push(mapping);
  return mapping;
}

async function send(
  topic: string,
  first: number,
  end: number,
  changes: object = {},
  partition?: number,
  producer = kafka.producer,
) {
  const messages = Array.from({ length: end - first }, (_, i) => ({
    key: `k-${(first + i) % 7}`,
    value: JSON.stringify(reading(first + i, { ...changes })),
    ...(partition === undefined ? {} : { partition }),
  }));
  await producer.send({ topic, messages });
}

const kafkaSettings = () => ({
  brokers: [kafka.brokers],
  clusterArn: source,
  clientId: "faults",
  iam: false,
});

async function sweep(topic: string) {
  const offsets = openOffsetReader(kafkaSettings());
  const [groups, holes] = [openGroupReader(kafkaSettings()), openArchive(kafkaSettings())];
  try {
    const swept = { stream: "consumption", source, topic } as const;
    const outcome = await sweepStream(
      postgresSweepStore(database.pool),
      swept,
      topicLogOf(topic, offsets, groups, holes),
      rules,
    );
    await settleHoles(database.pool, swept, await offsets.read(topic), holes.nextRecord);
    return outcome;
  } finally {
    await Promise.all([offsets.close(), groups.close(), holes.close()]);
  }
}

/** As the sweeper does with what the trigger has passed and the ledger does not hold. */
async function deliverAgain(topic: string, end: number): Promise<void> {
  const archive = openArchive(kafkaSettings());
  const address = { source, topic, partition: 0 };
  for await (const records of archive.read(topic, 0, [{ from: 0, to: end }]))
    await commitRecords(postgresJudge(database.pool), consumptionStream, address, records, rules);
  await archive.close();
}

const untilCounted = (counted: number) =>
  until(
    () => totals(database.pool),
    (now) => now.counted >= counted,
  );

test("rebalance in the middle of a batch: as above", async () => {
  const topic = await kafka.createTopic(4);
  await send(topic, 0, 6_000);
  startTrigger(topic);
  for (const counted of [200, 1_500, 3_000]) {
    await untilCounted(counted);
    const joining = startTrigger(topic);
    await until(
      async () => joining.status.partitions,
      (partitions) => partitions.length > 0,
    );
    await joining.stop();
  }
  await untilCounted(6_000);
  expect(await totals(database.pool)).toEqual({ counted: 6_000, records: 6_000 });
});

test("topic deleted and created again: new incarnation, alarm; nothing taken for already applied", async () => {
  const topic = await kafka.createTopic(1);
  await send(topic, 0, 40);
  startTrigger(topic);
  await untilCounted(40);
  await sweep(topic);
  await kafka.admin.deleteTopics({ topics: [topic] });
  await until(
    () => kafka.admin.listTopics(),
    (topics) => !topics.includes(topic),
  );
  await createOn(kafka.admin, [{ topic, numPartitions: 1 }]);
  await until(
    () =>
      send(topic, 100, 110).then(
        () => true,
        () => false,
      ),
    (sent) => sent,
  );
  const { breaks } = await sweep(topic);
  expect(breaks).toEqual([expect.objectContaining({ kind: "created_again", partition: 0 })]);
  expect((await sweep(topic)).breaks).toEqual([]);
  await deliverAgain(topic, 10);
  await untilCounted(50);
  await send(topic, 110, 160);
  await untilCounted(100);
  const { rows } = await database.pool.query(
    "SELECT incarnation, applied, counted::int FROM ledger ORDER BY 1",
  );
  expect(rows).toEqual([
    { incarnation: 0, applied: "{[0,40)}", counted: 40 },
    { incarnation: 1, applied: "{[0,60)}", counted: 60 },
  ]);
});

test("retention passed unread data: the loss is counted and named by range", async () => {
  const topic = await kafka.createTopic(1);
  await send(topic, 0, 20);
  const first = startTrigger(topic);
  await untilCounted(20);
  await first.stop();
  await send(topic, 20, 50);
  const untilOffset = { topic, partitions: [{ partition: 0, offset: "35" }] };
  await until(
    () =>
      kafka.admin.deleteTopicRecords(untilOffset).then(
        () => "deleted",
        (error: Error) => `${error.message} ${error.cause}`,
      ),
    (outcome) => outcome === "deleted",
    10_000,
  );
  const counters = noCounts();
  startTrigger(topic, counters);
  await untilCounted(35);
  expect(counters.OffsetGapCount).toBe(1);
  expect(log.filter((message) => message.includes(topic)).join("\n")).toContain(
    `${topic}-0: offset 20 is gone, going on at 35`,
  );
  // What is gone is no lag, so that windows become final all the same; the ledger shows the hole.
  const { rows } = await database.pool.query("SELECT applied FROM ledger");
  expect(rows).toEqual([{ applied: "{[0,20),[35,50)}" }]);
  await until(
    () => sweep(topic),
    ({ lag, idlePartitions }) => lag === 0 && idlePartitions.length === 1,
  );
});

test("partitions added: taken up from offset 0; a key in two partitions merges", async () => {
  const topic = await kafka.createTopic(1);
  startTrigger(topic);
  await send(topic, 0, 70, { customer_id: "merged" });
  await untilCounted(70);
  await kafka.admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
  await until(
    async () => (await kafka.admin.fetchTopicMetadata({ topics: [topic] })).topics[0]?.partitions.length,
    (count) => count === 3,
  );
  const fresh = await connectKafka(); // a producer that knows of three partitions
  await send(topic, 70, 100, { customer_id: "merged" }, 1, fresh.producer);
  await send(topic, 100, 140, { customer_id: "merged" }, 2, fresh.producer);
  await fresh.close();
  await untilCounted(140);
  const { rows } = await database.pool.query(
    "SELECT customer_id, reading_count FROM consumption_aggregates_realtime",
  );
  expect(rows).toEqual([{ customer_id: "merged", reading_count: "140" }]);
});

test("tombstones, headers, transaction markers, compaction holes: a hole in offsets is no loss (transactions)", async () => {
  const topic = await kafka.createTopic(2);
  startTrigger(topic);
  await kafka.producer.send({
    topic,
    messages: [
      { partition: 0, key: "tombstone", value: null },
      { partition: 0, value: JSON.stringify(reading(0)), headers: { a: Buffer.from([0xff]), b: ["1", "2"] } },
    ],
  });
  const producer = new Kafka({ brokers: [kafka.brokers], logLevel: logLevel.NOTHING }).producer({
    transactionalId: topic,
    maxInFlightRequests: 1,
    idempotent: true,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  for (const end of ["abort", "commit", "abort"] as const) {
    const transaction = await producer.transaction();
    const values = [10, 11, 12].map((n) => ({ partition: 0, value: JSON.stringify(reading(n)) }));
    // Of partition 1 nothing is ever committed.
    const messages =
      end === "abort" ? [...values, { partition: 1, value: JSON.stringify(reading(99)) }] : values;
    await transaction.send({ topic, messages });
    await transaction[end]();
  }
  await producer.disconnect();
  await untilCounted(4);
  // The log of each partition ends with a marker, which nobody delivers: it is no lag for ever.
  await until(
    () => sweep(topic),
    ({ lag, idlePartitions }) => lag === 0 && idlePartitions.length === 2,
  );
  const { rows } = await database.pool.query(
    "SELECT partition, applied, records::int, counted::int, quarantined::int FROM ledger ORDER BY 1",
  );
  expect(rows).toEqual([
    { partition: 0, applied: "{[0,14)}", records: 5, counted: 4, quarantined: 1 },
    { partition: 1, applied: "{[0,4)}", records: 0, counted: 0, quarantined: 0 },
  ]);
  const { rows: windows } = await database.pool.query("SELECT state FROM consumption_aggregates_realtime");
  expect(windows).toEqual([{ state: "final" }]);
});

test("tombstones, headers, transaction markers, compaction holes: a hole in offsets is no loss (compaction)", async () => {
  const topic = `test-${randomUUID()}`;
  const configEntries = [
    { name: "cleanup.policy", value: "compact" },
    { name: "segment.ms", value: "10" }, // the segment that is written to is never compacted
    { name: "min.cleanable.dirty.ratio", value: "0.001" },
  ];
  await createOn(kafka.admin, [{ topic, numPartitions: 1, configEntries }]);
  const holes = openArchive(kafkaSettings());
  // The same few keys again and again, until the first of them are gone.
  let sent = 0;
  await until(
    async () => {
      await send(topic, sent, sent + 7);
      sent += 7;
      return holes.nextRecord(topic, 0, 0);
    },
    (first) => first > 0,
  );
  await holes.close();
  startTrigger(topic);
  await until(
    () => sweep(topic),
    ({ lag, idlePartitions }) => lag === 0 && idlePartitions.length === 1,
  );
  const { rows } = await database.pool.query<{ applied: string; records: number; counted: number }>(
    "SELECT applied, records::int, counted::int FROM ledger",
  );
  expect(rows[0]?.applied).toBe(`{[0,${sent})}`);
  expect(rows[0]?.counted).toBe(rows[0]?.records);
  expect(rows[0]?.records).toBeLessThan(sent);
});

test("oversize record or batch (6 MB event, base64 adds a third): batches cut by bytes; a producer gets 413 (batches)", async () => {
  const topic = await kafka.createTopic(1);
  const counters = noCounts();
  const sizes = [1, 2, 3, 4].map((mb) => mb * 1_000_000);
  for (const size of sizes)
    await kafka.producer.send({
      topic,
      messages: [{ value: Buffer.alloc(size, "x") }, { value: JSON.stringify(reading(size)) }],
    });
  startTrigger(topic, counters);
  await untilCounted(4);
  const { rows } = await database.pool.query(
    "SELECT reason, length(value) AS bytes FROM quarantine ORDER BY 2",
  );
  expect(rows).toEqual(sizes.map((bytes) => ({ reason: "malformed_json", bytes })));
  // 8 MB can be in no event: it is given up, counted, and the partition goes on.
  await kafka.producer.send({
    topic,
    messages: [{ value: Buffer.alloc(8_000_000, "x") }, { value: JSON.stringify(reading(9)) }],
  });
  await untilCounted(5);
  expect(counters.DroppedEventCount).toBe(1);
});
