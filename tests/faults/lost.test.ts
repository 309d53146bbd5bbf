// LOST: what a trigger's group has passed and the ledger does not hold. It is told at the first sweep, delivered again
// from the broker, and stays told until the gap is closed. Real Kafka, real PostgreSQL, the real sweep.

import { readFile } from "node:fs/promises";
import { Admin } from "@platformatic/kafka";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { HOLDS_LESS, verdictOf } from "../../commands/audit/report.ts";
import { type AuditReport, audit, isClean } from "../../lib/audit/audit.ts";
import { acknowledge, repair } from "../../lib/audit/repair.ts";
import type { OffsetRanges } from "../../lib/core/ranges.ts";
import { healthApp } from "../../lib/http/health.ts";
import { type Archive, openArchive } from "../../lib/kafka/archive.ts";
import { type GroupReader, openGroupReader } from "../../lib/kafka/groups.ts";
import { type OffsetReader, openOffsetReader } from "../../lib/kafka/offsets.ts";
import { topicLogOf } from "../../lib/kafka/topic-log.ts";
import { postgresJudge } from "../../lib/postgres/judge.ts";
import { postgresSweepDatabase } from "../../lib/postgres/sweep-database.ts";
import { readGauges, readTrouble } from "../../lib/postgres/trouble.ts";
import { byStream, type StreamName, streamNames } from "../../lib/streams/stream.ts";
import { consumptionStream } from "../../lib/streams/streams.ts";
import { commitRecords } from "../../lib/windows/commit.ts";
import { type NextRecord, type ReadRecords, type Swept, sweepAll } from "../../lib/windows/sweep-all.ts";
import {
  createDatabase,
  emptyTables,
  snapshot,
  type TestDatabase,
  takeCopy,
} from "../integration/database.ts";
import { failing, handling, settingsFor, trigger } from "../integration/esm-trigger.ts";
import { connectKafka, type TestKafka, until } from "../integration/topics.ts";
import { reading, source } from "./readings.ts";

const WEEK_US = 7 * 86_400e6;
let rules = { futureSkewUs: 600e6, amendmentHorizonUs: WEEK_US, delayUs: 600e6, idleUs: 2e6 };
const troubleRules = { stuckAfterSeconds: 300, idleSeconds: 900 };

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
  const settings = { brokers: [kafka.brokers], clusterArn: source, clientId: "lost", iam: false };
  [offsets, groups, archive] = [openOffsetReader(settings), openGroupReader(settings), openArchive(settings)];
  committer = new Admin({ clientId: "lost", bootstrapBrokers: kafka.brokers.split(",") });
  const empty = await Promise.all(streamNames.map(() => kafka.createTopic(1)));
  others = byStream((stream) => empty[streamNames.indexOf(stream)] ?? "");
});
afterAll(() =>
  Promise.all([offsets.close(), groups.close(), archive.close(), committer.close()]).then(() =>
    Promise.all([kafka.close(), database.close()]),
  ),
);
beforeEach(async () => {
  await emptyTables(database.pool);
  rules = { ...rules, amendmentHorizonUs: WEEK_US };
  logged = [];
  vi.spyOn(process.stderr, "write").mockImplementation((line) => {
    logged.push(String(line));
    return true;
  });
  return () => vi.restoreAllMocks();
});

const groupOf = (topic: string) => `group-${topic}`;
const topicsWith = (topic: string) => ({ ...others, consumption: topic });
const groupsWith = (topic: string) => ({
  ...byStream((stream) => groupOf(others[stream])),
  consumption: groupOf(topic),
});

async function send(topic: string, first: number, end: number, partition = 0, changes = {}): Promise<void> {
  const messages = Array.from({ length: end - first }, (_, i) => ({
    partition,
    value: JSON.stringify(reading(first + i, changes)),
  }));
  await kafka.producer.send({ topic, messages });
}

/** Without a member of the group: a consumer of kafkajs takes ten seconds for it. */
const commitOffset = (topic: string, partition: number, offset: number) =>
  committer.alterConsumerGroupOffsets({
    groupId: groupOf(topic),
    topics: [{ name: topic, partitionOffsets: [{ partition, offset: BigInt(offset) }] }],
  });

/** What the trigger does: commits the records, then the group's offset. */
async function deliver(
  topic: string,
  partition: number,
  from: number,
  to: number,
  from_ = source,
): Promise<void> {
  for await (const records of archive.read(topic, partition, [{ from, to }]))
    await commitRecords(
      postgresJudge(database.pool),
      consumptionStream,
      { source: from_, topic, partition },
      records,
      rules,
    );
  await commitOffset(topic, partition, to);
}

async function sweep(
  topic: string,
  most = Number.POSITIVE_INFINITY,
  readRecords: ReadRecords = archive.read,
  nextRecord: NextRecord = archive.nextRecord,
  source_ = source,
): Promise<Swept> {
  const swept = await sweepAll(
    postgresSweepDatabase(database.pool),
    { source: source_, topics: topicsWith(topic), groups: groupsWith(topic) },
    {
      topicLog: (name) => topicLogOf(name, offsets, groups, archive),
      readCommitted: groups.readCommitted,
      nextRecord,
      readRecords,
    },
    rules,
    { records: most, hasTime: () => true },
  );
  expect(swept.failures).toEqual([]);
  return swept;
}

const outcomeOf = ({ outcomes }: Swept) => {
  const outcome = outcomes.find(({ stream }) => stream === "consumption");
  if (outcome === undefined) throw new Error("not swept");
  return outcome;
};

/** Sweeps until all windows that there are have become final. */
const untilFinal = (topic: string) =>
  until(
    async () => {
      await sweep(topic);
      return database.pool.query("SELECT FROM consumption_aggregates_realtime WHERE state = 'open'");
    },
    ({ rowCount }) => rowCount === 0,
  );

const troubles = async () =>
  (await readTrouble(database.pool, troubleRules)).map(({ kind, place, why }) => ({ kind, place, why }));
const lostOf = async () => (await troubles()).filter(({ kind }) => kind === "records_lost");

const runAudit = (topic: string): Promise<AuditReport> =>
  audit(
    { source, topics: topicsWith(topic), groups: groupsWith(topic) },
    { pool: database.pool, offsets, groups, archive },
  );

async function redelivered() {
  const { rows } = await database.pool.query(
    "SELECT partition, offsets, records, counted, delivered_by FROM redelivery ORDER BY id",
  );
  return rows;
}

async function deleteRecordsBefore(topic: string, partition: number, offset: number): Promise<void> {
  await kafka.admin.fetchTopicMetadata({ topics: [topic] }); // kafkajs looks for leaders where it has looked last
  await kafka.admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
}

const holdsLess = `${HOLDS_LESS}. Leave the group's offsets as they are; npm run audit says what is missing`;

test("emptied database, group's offsets stay: told at the first sweep, not cleared by new traffic, tables equal again", async () => {
  const topic = await kafka.createTopic(2);
  await send(topic, 0, 20, 0);
  await send(topic, 20, 30, 1);
  await deliver(topic, 0, 0, 20);
  await deliver(topic, 1, 0, 10);
  await untilFinal(topic);
  const before = await snapshot(database.pool);
  expect(await troubles()).toEqual([]);

  await emptyTables(database.pool);
  // New readings, of now: they must neither clear the trouble nor drag the watermark past what is to come again.
  await send(topic, 30, 31, 0, { timestamp: new Date().toISOString() });
  await deliver(topic, 0, 20, 21);
  await send(topic, 40, 41, 1, { timestamp: new Date().toISOString() });
  await deliver(topic, 1, 10, 11);
  const first = await sweep(topic, 0);
  expect(outcomeOf(first)).toMatchObject({ lost: 30, watermarkUs: null });
  const why = (ranges: string, lost: number, at: number) =>
    `${holdsLess}; LOST ${lost} offsets ${ranges} that the trigger has passed (it goes on at ${at}) and that are not counted; ` +
    "the sweeper delivers them again from the broker";
  const told = [
    { kind: "records_lost", place: `${topic}-0`, why: why("[0,20)", 20, 21) },
    { kind: "records_lost", place: `${topic}-1`, why: why("[0,10)", 10, 11) },
  ];
  expect(await lostOf()).toEqual(told);
  expect(logged.filter((line) => line.includes('"level":"error"') && line.includes("LOST"))).toHaveLength(2);
  const app = healthApp({
    service: "s",
    now: Date.now,
    checks: {},
    trouble: () => readTrouble(database.pool, troubleRules),
    isSwept: async () => true,
    kept: async () => [],
    gauges: () => readGauges(database.pool, troubleRules),
  });
  expect(await (await app.request("/ready")).json()).toMatchObject({ status: "stuck" });
  const metrics = await (await app.request("/metrics")).text();
  expect(metrics).toContain(
    `smartgrid_partition_lost_offsets{stream="consumption",topic="${topic}",partition="0"} 20`,
  );
  expect(metrics).toContain('smartgrid_trouble{kind="records_lost"} 2');

  await send(topic, 31, 32, 0, { timestamp: new Date().toISOString() });
  await deliver(topic, 0, 21, 22);
  expect(outcomeOf(await sweep(topic, 0))).toMatchObject({ lost: 30, watermarkUs: null });
  expect(await lostOf()).toMatchObject([{ place: `${topic}-0` }, { place: `${topic}-1` }]);

  expect((await sweep(topic)).redelivered).toBe(30);
  expect(outcomeOf(await sweep(topic)).lost).toBe(0);
  expect(await lostOf()).toEqual([]);
  expect(await redelivered()).toMatchObject([
    { partition: 0, offsets: "[0,20)", records: 20, counted: 20, delivered_by: "sweep-windows" },
    { partition: 1, offsets: "[0,10)", records: 10 },
  ]);
  // All is counted that was counted before, and the three new readings.
  await until(
    async () => {
      await sweep(topic);
      return snapshot(database.pool);
    },
    ({ consumption }) =>
      consumption.filter((row) => row.includes(",final,1")).length === before.consumption.length,
  );
  const after = await snapshot(database.pool);
  expect(after.consumption).toEqual(expect.arrayContaining(before.consumption));
  expect(after.tooLate).toEqual([]);
  expect(isClean(await runAudit(topic))).toBe(true);
});

test("database restored to an older copy: what it misses comes again, tables equal", async () => {
  rules = { ...rules, amendmentHorizonUs: 100 * WEEK_US };
  const topic = await kafka.createTopic(1);
  await send(topic, 0, 20);
  await deliver(topic, 0, 0, 20);
  await untilFinal(topic);
  const restore = await takeCopy(database.pool);
  await send(topic, 20, 50, 0, { customer_id: "later" });
  await kafka.producer.send({ topic, messages: [{ partition: 0, value: "{" }] });
  await deliver(topic, 0, 20, 51);
  await untilFinal(topic);
  const before = await snapshot(database.pool);

  await restore();
  expect(await snapshot(database.pool)).not.toEqual(before);
  expect(outcomeOf(await sweep(topic, 0)).lost).toBe(31);
  expect(await lostOf()).toMatchObject([{ why: expect.stringContaining(holdsLess) }]);
  expect(verdictOf(await runAudit(topic))).toContain(HOLDS_LESS);
  expect((await sweep(topic)).redelivered).toBe(31);
  await untilFinal(topic);
  expect(await snapshot(database.pool)).toEqual(before);
  expect(await lostOf()).toEqual([]);
  expect((await runAudit(topic)).redelivered).toMatchObject([
    { offsets: [{ from: 20, to: 51 }], records: 31, counted: 30, deliveredBy: "sweep-windows" },
  ]);
});

test("gaps taken out of the ledger by hand: delivered in bounded steps, over several sweeps, on record", async () => {
  const topic = await kafka.createTopic(1);
  await send(topic, 0, 40);
  await commitOffset(topic, 0, 40);
  // Counted but for two gaps, as if two batches in the midst had been given up.
  for (const [from, to] of [
    [0, 10],
    [17, 20],
    [25, 40],
  ] as const)
    await deliver(topic, 0, from, to);
  const steps: number[] = [];
  for (let sweeps = 0; sweeps < 4; sweeps++) {
    const { redelivered: records } = await sweep(topic, 4);
    steps.push(records);
  }
  expect(steps).toEqual([4, 4, 4, 0]);
  expect((await redelivered()).map(({ offsets: range }) => range)).toEqual([
    "[10,14)",
    "[14,17)",
    "[20,21)",
    "[21,25)",
  ]);
  const { rows } = await database.pool.query(
    "SELECT applied, records::int, counted::int FROM ledger WHERE topic = $1",
    [topic],
  );
  expect(rows).toEqual([{ applied: "{[0,40)}", records: 40, counted: 40 }]);
  expect(await lostOf()).toEqual([]);
});

test("a batch that the trigger gave up is delivered again when what was wrong is put right", async () => {
  const topic = await kafka.createTopic(1);
  await send(topic, 0, 5);
  const settings = settingsFor(topic, {
    eventSourceArn: source,
    groupId: groupOf(topic),
    failureHandling: handling({ maximumRetryAttempts: 0 }),
  });
  const running = trigger(kafka.brokers, settings, () => {
    throw failing();
  });
  await until(
    async () => (await groups.readCommitted(topic, groupOf(topic))).get(0),
    (committed) => committed === 5,
  );
  await running.mapping.stop();
  const outage: ReadRecords = async function* () {
    yield* [];
    throw new Error("still broken");
  };
  expect(outcomeOf(await sweep(topic, 100, outage)).lost).toBe(5);
  expect(await lostOf()).toEqual([
    {
      kind: "records_lost",
      place: `${topic}-0`,
      why:
        `${holdsLess}; LOST 5 offsets [0,5) that the trigger has passed (it goes on at 5) and that are not counted; delivering them ` +
        "again failed (still broken): the next sweep tries it again, put right what is in the way",
    },
  ]);
  expect((await sweep(topic)).redelivered).toBe(5);
  await sweep(topic);
  expect(await lostOf()).toEqual([]);
});

test("conflicts take no time from what is lost, and where they fail no stream fails", async () => {
  const topic = await kafka.createTopic(1);
  await send(topic, 0, 1);
  await send(topic, 0, 1, 0, { reading: 9 }); // the same identity
  await send(topic, 1, 4);
  await deliver(topic, 0, 0, 1);
  await deliver(topic, 0, 1, 2);
  await commitOffset(topic, 0, 5);
  const incomplete = async () =>
    (await database.pool.query("SELECT FROM conflict WHERE first_value IS NULL")).rowCount;
  expect(await incomplete()).toBe(1);
  const order: string[] = [];
  const broker = (readOfConflict: ReadRecords) => ({
    topicLog: (name: string) => ({
      ...topicLogOf(name, offsets, groups, archive),
      read: (partition: number, ranges: OffsetRanges) => {
        order.push("conflict");
        return readOfConflict(name, partition, ranges);
      },
    }),
    readCommitted: groups.readCommitted,
    nextRecord: archive.nextRecord,
    readRecords: (name: string, partition: number, ranges: OffsetRanges) => {
      order.push("lost");
      return archive.read(name, partition, ranges);
    },
  });
  const broken: ReadRecords = () => {
    throw new Error("no such leader");
  };
  const streams = { source, topics: topicsWith(topic), groups: groupsWith(topic) };
  const limits = { records: 100, hasTime: () => true };
  // Without time; it verifies what was delivered, which is read as well.
  await sweepAll(postgresSweepDatabase(database.pool), streams, broker(archive.read), rules, {
    records: 0,
    hasTime: () => false,
  });
  expect(await incomplete()).toBe(1);
  order.length = 0;
  const swept = await sweepAll(postgresSweepDatabase(database.pool), streams, broker(broken), rules, limits);
  expect(swept.failures.map(({ message }) => message)).toEqual([
    `conflicts of consumption (${topic}): no such leader`,
  ]);
  expect([outcomeOf(swept).lost, swept.redelivered]).toEqual([3, 3]);
  expect(order).toEqual(["lost", "conflict"]);
  await sweepAll(postgresSweepDatabase(database.pool), streams, broker(archive.read), rules, limits);
  expect(await incomplete()).toBe(0);
});

test("a gap that cannot be delivered does not stop the others", async () => {
  const topic = await kafka.createTopic(2);
  await send(topic, 0, 5, 0);
  await send(topic, 5, 10, 1);
  await commitOffset(topic, 0, 5);
  await commitOffset(topic, 1, 5);
  const half: ReadRecords = (name, partition, ranges) => {
    if (partition === 0) throw new Error("not this one");
    return archive.read(name, partition, ranges);
  };
  expect((await sweep(topic, 100, half)).redelivered).toBe(5);
  expect(outcomeOf(await sweep(topic, 100, half))).toMatchObject({ lost: 5, watermarkUs: null, heldBy: 0 });
  expect(await lostOf()).toMatchObject([{ place: `${topic}-0` }]);
  await sweep(topic);
  expect(outcomeOf(await sweep(topic)).lost).toBe(0);
});

test("what retention removed after the group had passed it is lost for good, until an operator takes note of it", async () => {
  const topic = await kafka.createTopic(1);
  await send(topic, 0, 3);
  await deleteRecordsBefore(topic, 0, 3); // older than the ledger: nobody misses it
  await send(topic, 3, 30);
  await deliver(topic, 0, 3, 10);
  await commitOffset(topic, 0, 30);
  await deleteRecordsBefore(topic, 0, 20);
  expect((await sweep(topic)).redelivered).toBe(10);
  expect(outcomeOf(await sweep(topic)).lost).toBe(10);
  expect(await lostOf()).toEqual([
    {
      kind: "records_lost",
      place: `${topic}-0`,
      why:
        "LOST for good 10 offsets [10,20) that retention removed before they were counted: " +
        "npm run audit -- --acknowledge takes note of it",
    },
  ]);
  const report = await runAudit(topic);
  expect(verdictOf(report)).toContain(
    "NOT CLEAN: LOST 10 offsets for good, by retention; 0 offsets still to come, 3 gone",
  );
  expect(await acknowledge(report, database.pool)).toBe(10);
  expect(isClean(await runAudit(topic))).toBe(true);
  expect(outcomeOf(await sweep(topic)).lost).toBe(0);
  expect(await lostOf()).toEqual([]);
});

test("markers and aborted records below the group's offset are no loss, and do not hold the watermark", async () => {
  const topic = await kafka.createTopic(1);
  const producer = kafka.transactionalProducer();
  await producer.connect();
  for (const outcome of ["abort", "commit", "abort"] as const) {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [0, 1].map((n) => ({ value: JSON.stringify(reading(n)) })) });
    await transaction[outcome]();
  }
  await producer.disconnect();
  await deliver(topic, 0, 3, 5);
  await commitOffset(topic, 0, 9); // past the last marker
  const swept = await sweep(topic);
  expect([outcomeOf(swept).lost, swept.redelivered]).toEqual([0, 0]);
  expect(outcomeOf(swept).watermarkUs).not.toBeNull();
  expect(await lostOf()).toEqual([]);
});

test("no committed offset is no loss; one beyond the log's end is told", async () => {
  const topic = await kafka.createTopic(1);
  await send(topic, 0, 5);
  expect(outcomeOf(await sweep(topic))).toMatchObject({ lost: 0, lag: 5 });
  expect(await lostOf()).toEqual([]);
  await deliver(topic, 0, 0, 5);
  await commitOffset(topic, 0, 300);
  await sweep(topic);
  expect(await lostOf()).toMatchObject([
    {
      why: "the trigger's group goes on at offset 300, but the log ends at 5: it was truncated, or is that of another cluster",
    },
  ]);
});

test("a ledger that knows the partition of another source only is told and not added to, until somebody says which", async () => {
  const topic = await kafka.createTopic(1);
  await send(topic, 0, 5);
  await deliver(topic, 0, 0, 5, "another-name");
  expect((await sweep(topic)).redelivered).toBe(0);
  const [{ why } = { why: "" }] = await lostOf();
  expect(why).toContain(
    "they are not delivered again, which could double them, for the ledger knows this partition of another source, " +
      "perhaps of the same log: another-name; name that one again (MSK_CLUSTER_ARN, KAFKA_BROKER), or, if it is another " +
      "cluster: npm run audit -- --repair --another-cluster",
  );
  const report = await runAudit(topic);
  await expect(repair(report, database.pool, archive, rules)).rejects.toThrow(
    `nothing was redelivered: ${topic}-0 [0,5): they are not delivered again`,
  );
  expect(await redelivered()).toEqual([]);
  // The one advice: the name that it was counted under.
  await sweep(topic, 0, archive.read, archive.nextRecord, "another-name");
  expect(await lostOf()).toEqual([]);
});

test("… and the first new record under the new name does not end that; what was counted under neither is delivered", async () => {
  const topic = await kafka.createTopic(2);
  for (const partition of [0, 1]) {
    await send(topic, partition * 10, partition * 10 + 8, partition);
    await deliver(topic, partition, 0, 5, "another-name");
    await commitOffset(topic, partition, 8);
  }
  await deliver(topic, 0, 7, 8); // by the new name; of partition 1 it has nothing
  await database.pool.query(
    `INSERT INTO ledger (source, topic, partition, incarnation, applied) VALUES ($1, $2, 1, 0, '{[0,5)}')`,
    [source, topic],
  );
  const swept = await sweep(topic);
  expect([outcomeOf(swept).lost, swept.redelivered]).toEqual([10, 3]);
  expect(await redelivered()).toMatchObject([{ partition: 1, offsets: "[5,8)", counted: 3 }]);
  const [told, ...others] = await lostOf();
  expect(told).toMatchObject({
    place: `${topic}-0`,
    why: expect.stringMatching(/LOST 7 offsets .* perhaps of the same log: another-name;/),
  });
  expect(others).toMatchObject([{ place: `${topic}-1` }]);
  await expect(repair(await runAudit(topic), database.pool, archive, rules)).rejects.toThrow(
    `nothing was redelivered: ${topic}-0 [0,7): they are not delivered again`,
  );
});

test("… and another cluster's records are counted when somebody says that it is another", async () => {
  const topic = await kafka.createTopic(1);
  await send(topic, 0, 5);
  await deliver(topic, 0, 0, 5, "another-name");
  await sweep(topic);
  expect(await repair(await runAudit(topic), database.pool, archive, rules, true)).toBe(5);
  await sweep(topic);
  expect(await lostOf()).toEqual([]);
  const { rows } = await database.pool.query("SELECT source, records::int FROM ledger WHERE topic = $1", [
    topic,
  ]);
  expect(rows).toEqual(
    expect.arrayContaining([
      { source: "another-name", records: 5 },
      { source, records: 5 },
    ]),
  );
});

test("a ledger whose books are wrong is told and not added to, until they are mended as the runbook says", async () => {
  const topic = await kafka.createTopic(1);
  await send(topic, 0, 5);
  await deliver(topic, 0, 0, 5);
  await database.pool.query("UPDATE ledger SET applied = applied - '{[1,3)}'::int8multirange");
  expect((await sweep(topic)).redelivered).toBe(0);
  const [{ why } = { why: "" }] = await lostOf();
  expect(why).toContain(
    "they are not delivered again, which could double them, for the ledger has 5 records in 3 offsets: somebody has " +
      "taken offsets out of it by hand; docs/runbook.md, records-lost, says how to put them back",
  );
  await expect(repair(await runAudit(topic), database.pool, archive, rules)).rejects.toThrow(
    "nothing was redelivered, because the books do not add up: ",
  );
  const runbook = await readFile(new URL("../../docs/runbook.md", import.meta.url), "utf8");
  const statement = /UPDATE ledger AS l SET [^;]*;/.exec(runbook)?.[0] ?? "none";
  const filledIn = statement
    .replace("{[FROM,TO)}", "{[1,3)}")
    .replace("'SOURCE'", `'${source}'`)
    .replace("'TOPIC'", `'${topic}'`)
    .replace("PARTITION", "0");
  expect((await database.pool.query(filledIn)).rowCount).toBe(1);
  await sweep(topic);
  expect(await lostOf()).toEqual([]);
  expect(isClean(await runAudit(topic))).toBe(true);
});

test("a partition of which one range fails says so, though another one was delivered after it", async () => {
  const topic = await kafka.createTopic(1);
  await send(topic, 0, 9);
  await commitOffset(topic, 0, 9);
  await deliver(topic, 0, 3, 6);
  await commitOffset(topic, 0, 9);
  const whileSecond: (string | undefined)[] = [];
  const half: ReadRecords = async function* (name, partition, ranges) {
    if (ranges[0]?.from === 0) throw new Error("not this one");
    whileSecond.push((await lostOf())[0]?.why);
    yield* archive.read(name, partition, ranges);
  };
  expect((await sweep(topic, 100, half)).redelivered).toBe(3);
  // At once: a function that is ended in the midst of the second has said it.
  expect(whileSecond).toEqual([expect.stringContaining("delivering them again failed (not this one)")]);
  expect((await lostOf())[0]?.why).toContain("delivering them again failed (not this one)");
});

test("what another sweep has delivered meanwhile leaves no record of having been delivered again", async () => {
  const topic = await kafka.createTopic(1);
  await send(topic, 0, 5);
  await commitOffset(topic, 0, 5);
  const late: ReadRecords = async function* (...where) {
    await deliver(topic, 0, 0, 5);
    yield* archive.read(...where);
  };
  await sweep(topic, 100, late);
  expect(await redelivered()).toEqual([]);
  await sweep(topic);
  expect(await lostOf()).toEqual([]);
});

test("with more gaps than one sweep can ask the broker of, the number is said to be too low, everywhere", async () => {
  const topic = await kafka.createTopic(1);
  await send(topic, 0, 1_000);
  await deliver(topic, 0, 0, 1_000);
  // Every other offset: 500 gaps.
  await database.pool.query(
    `UPDATE ledger SET records = 500, counted = 500,
       applied = (SELECT range_agg(int8range(2 * n, 2 * n + 1)) FROM generate_series(0, 499) AS n)`,
  );
  const isRecord: NextRecord = async (_, __, from) => from;
  const query = vi.spyOn(database.pool, "query");
  const { outcomes } = await sweep(topic, 0, archive.read, isRecord);
  const answers: { rows: unknown[] }[] = await Promise.all(query.mock.results.map(({ value }) => value));
  expect(Math.max(...answers.map(({ rows }) => rows.length))).toBe(300); // no more are read than can be looked up
  query.mockRestore();
  expect(outcomes).toContainEqual(
    expect.objectContaining({ stream: "consumption", lost: 300, unchecked: 200 }),
  );
  expect((await lostOf())[0]?.why).toMatch(
    /^LOST at least 300 offsets \[1,2\) .* that are not counted; 200 more offsets have not been looked up on the broker yet; the sweeper/,
  );
  expect(logged.find((line) => line.includes("LOST: "))).toContain('"uncheckedOffsets":200');
  const { partitions } = await readGauges(database.pool, troubleRules);
  expect(partitions).toContainEqual(expect.objectContaining({ topic, lost: 300, unchecked: 200 }));
  expect((await runAudit(topic)).partitions).toContainEqual(
    expect.objectContaining({ topic, lost: expect.objectContaining({ length: 500 }) }),
  );
  // Where these are no records, the next sweeps ask of the others.
  const isHole: NextRecord = async (_, __, from) => from + 1;
  expect(outcomeOf(await sweep(topic, 0, archive.read, isHole))).toMatchObject({ lost: 0, unchecked: 200 });
  expect(outcomeOf(await sweep(topic, 0, archive.read, isHole))).toMatchObject({ lost: 0, unchecked: 0 });
});

test("gaps are looked up from each partition in turn, and each partition says how many are left", async () => {
  const topic = await kafka.createTopic(2);
  await send(topic, 0, 700, 0);
  await deliver(topic, 0, 0, 700);
  // 350 gaps of one offset each.
  await database.pool.query(
    `UPDATE ledger SET records = 350, counted = 350,
       applied = (SELECT range_agg(int8range(2 * n, 2 * n + 1)) FROM generate_series(0, 349) AS n)`,
  );
  await send(topic, 700, 1_500, 1);
  await deliver(topic, 1, 0, 790);
  await commitOffset(topic, 1, 800); // the last ten
  const isRecord: NextRecord = async (_, __, from) => from;
  await sweep(topic, 0, archive.read, isRecord);
  const { partitions } = await readGauges(database.pool, troubleRules);
  expect(partitions.filter((one) => one.topic === topic)).toMatchObject([
    { partition: 0, lost: 299, unchecked: 51 },
    { partition: 1, lost: 10, unchecked: 0 },
  ]);
});
