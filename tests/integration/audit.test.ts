// Promise 10, loss is visible: a topic with transactions (aborted ones, too), retention and lag, through the trigger
// and the real handler; then a loss made by hand, which the audit names and repairs.
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { aggregate } from "../../lib/lambda/aggregate.ts";
import { createLogins } from "../../lib/postgres/logins.ts";
import { streamSettings } from "../../lib/streams/declared.ts";
import { consumptionStream, identityOfReading } from "../../lib/streams/streams.ts";
import { eventKeyOf } from "../../lib/windows/fold.ts";
import { createDatabase, snapshot, type TestDatabase } from "./database.ts";
import { arn, settingsFor, type Trigger, trigger } from "./esm-trigger.ts";
import { connectKafka, type TestKafka, until } from "./topics.ts";

const hourMs = Date.UTC(2026, 0, 15, 10);
const idOf = (n: number) => `audit-${n}`;
const reading = (n: number) =>
  JSON.stringify({
    event_id: idOf(n),
    meter_id: "m",
    customer_id: `c${n % 3}`,
    reading: 1 + n / 10,
    timestamp: new Date(hourMs + n * 1000).toISOString(),
  });

let kafka: TestKafka;
let database: TestDatabase;
let environment: Record<string, string>;
let reader: Record<string, string>;
let topic: string;
let groupId: string;
let running: Trigger;
let sent = 0;

beforeAll(async () => {
  [kafka, database] = await Promise.all([connectKafka(), createDatabase()]);
  topic = await kafka.createTopic(2);
  const settings = settingsFor(topic);
  groupId = settings.groupId;
  environment = {
    ...database.environment,
    KAFKA_BROKER: kafka.brokers,
    MSK_CLUSTER_ARN: arn,
    ...Object.fromEntries(
      await Promise.all(
        Object.values(streamSettings).map(async ({ topicVariable }) => [
          topicVariable,
          await kafka.createTopic(1),
        ]),
      ),
    ),
    KAFKA_TOPIC_METER_READINGS: topic,
    KAFKA_GROUP_METER_READINGS: groupId,
  };
  const client = await database.pool.connect();
  const users = await createLogins(client, "audit", { ingest: "i", sweep: "s", api: "a", read: "r" });
  client.release();
  reader = {
    POSTGRES_USER: users.POSTGRES_USER_READ ?? "",
    POSTGRES_PASSWORD: users.POSTGRES_PASSWORD_READ ?? "",
  };
  // Partition 1: retention takes its first three records before anybody has read them.
  await produce(1, 5);
  await deleteRecordsBefore(1, 3);
  const handler = aggregate(consumptionStream, environment);
  running = trigger(kafka.brokers, settings, (event) => handler(event));

  const transactional = kafka.transactionalProducer();
  await transactional.connect();
  for (const [i, outcome] of (["commit", "abort", "abort", "commit"] as const).entries()) {
    const transaction = await transactional.transaction();
    await transaction.send({ topic, messages: messagesFor(0, 4) });
    await transaction[outcome]();
    await untilDelivered(5 * (i + 1));
  }
  await transactional.disconnect();
  await kafka.producer.send({ topic, messages: [{ partition: 0, value: "{" }] });
  await produce(0, 6);
  await untilDelivered(27);
  // What was applied before it went is no loss.
  await deleteRecordsBefore(0, 2);
});
afterAll(async () => {
  await running?.mapping.stop();
  await Promise.all([kafka?.close(), database?.close()]);
});

function messagesFor(partition: number, count: number) {
  return Array.from({ length: count }, () => ({ partition, value: reading(sent++) }));
}

async function deleteRecordsBefore(partition: number, offset: number): Promise<void> {
  await kafka.admin.fetchTopicMetadata({ topics: [topic] }); // kafkajs looks for leaders where it has looked last
  await kafka.admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
}

async function produce(partition: number, count: number): Promise<void> {
  await kafka.producer.send({ topic, messages: messagesFor(partition, count) });
}

/** Until the group has committed up to this end of partition 0; a transaction's marker is written after its commit. */
async function untilDelivered(end: number): Promise<void> {
  await until(
    async () => (await kafka.admin.fetchOffsets({ groupId, topics: [topic] }))[0]?.partitions ?? [],
    (committed) => committed.some((one) => one.partition === 0 && Number(one.offset) === end),
  );
}

interface Run {
  readonly status: number | null;
  readonly text: string;
}
/** With no more rights than to read, unless it is to repair. */
function runAudit(...args: string[]): Run {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["commands/audit/index.ts", ...args], {
    env: { ...process.env, ...environment, ...(args.includes("--repair") ? {} : reader) },
    encoding: "utf8",
  });
  return { status, text: stdout + stderr };
}

interface JsonReport {
  readonly clean: boolean;
  readonly partitions: readonly Record<string, unknown>[];
  readonly others: readonly unknown[];
  readonly streams: readonly unknown[];
  readonly problems: readonly string[];
}
function auditJson(): JsonReport {
  const { text } = runAudit("--json");
  const report: JsonReport = JSON.parse(text);
  return report;
}

test("each range has its name, and a pipeline that has only lag, holes and retention is clean", async () => {
  await running.mapping.stop();
  await produce(0, 3);
  const report = auditJson();
  expect(report).toMatchObject({ clean: true, problems: [], others: [] });
  const audited = report.partitions.filter((one) => one.topic === topic);
  // Offsets of partition 0: 0–3, marker 4, aborted 5–8, marker 9, aborted 10–13, marker 14, 15–18, marker 19, poison
  // 20, 21–26; then lag.
  expect(audited).toEqual([
    {
      ...{ stream: "consumption", topic, partition: 0, incarnation: 0, first: 2, end: 30, committed: 27 },
      ...{ isCompacted: false, withoutRecord: 12 },
      expired: [],
      applied: [
        { from: 0, to: 4 },
        { from: 15, to: 19 },
        { from: 20, to: 27 },
      ],
      lag: [{ from: 27, to: 30 }],
      gone: [],
      lost: [],
      holes: [
        { from: 4, to: 15 },
        { from: 19, to: 20 },
      ],
    },
    {
      ...{ stream: "consumption", topic, partition: 1, incarnation: 0, first: 3, end: 5, committed: 5 },
      ...{ isCompacted: false, withoutRecord: 0 },
      expired: [],
      applied: [{ from: 3, to: 5 }],
      lag: [],
      gone: [{ from: 0, to: 3 }],
      lost: [],
      holes: [],
    },
  ]);
  expect(report.streams).toContainEqual({
    ...{
      stream: "consumption",
      finalUpTo: null,
      inRows: 16,
      inDroppedMonths: 0,
      amended: 0,
      counted: 16,
      conflicts: 0,
      openConflicts: 0,
      difference: null,
    },
  });
  const { status, text } = runAudit();
  expect(text).toContain(`gone by retention ${topic}-1 [0,3)`);
  expect(text.trim().split("\n").at(-1)).toBe(
    "clean: nothing lost, nothing doubled; 3 offsets still to come, 3 gone by retention",
  );
  expect(status).toBe(0);
});

test("a range that is taken out of ledger and sums by hand is named exactly, and repaired byte for byte", async () => {
  // Lateness is no part of the books: what is delivered again by hand is entered again.
  const books = async () => ({ ...(await snapshot(database.pool)), lateness: null });
  const before = await books();
  // Offset 20 is poison; the readings at 21 and 22 carry the numbers 21 and 22: five went to partition 1, and of the
  // twenty offsets before the poison four are markers.
  await database.pool.query(
    `UPDATE ledger SET applied = applied - '{[20,23)}'::int8multirange, records = records - 3,
       counted = counted - 2, quarantined = quarantined - 1 WHERE topic = $1 AND partition = 0`,
    [topic],
  );
  await database.pool.query(`DELETE FROM quarantine WHERE topic = $1 AND "offset" = 20`, [topic]);
  for (const n of [21, 22]) {
    await database.pool.query(
      `UPDATE consumption_window SET reading_count = reading_count - 1, total_consumption = total_consumption - $2
       WHERE customer = (SELECT id FROM customer WHERE customer_id = $1)`,
      [`c${n % 3}`, 1 + n / 10],
    );
    const { rowCount } = await database.pool.query("DELETE FROM seen_event WHERE event_key = $1", [
      eventKeyOf(identityOfReading("m", idOf(n))),
    ]);
    expect(rowCount).toBe(1);
  }
  expect((await snapshot(database.pool)).consumption).not.toEqual(before.consumption);

  const found = runAudit();
  expect(found.status).toBe(1);
  expect(found.text.split("\n").filter((line) => line.startsWith("LOST"))).toEqual([
    `LOST ${topic}-0 [20,23): 3 records, still on the broker: npm run audit -- --repair counts them`,
  ]);
  expect(found.text).toContain("NOT CLEAN: LOST 3 records in 1 range; 3 offsets still to come");

  const repaired = runAudit("--repair");
  expect(repaired.text).toContain("redelivered 3 records");
  expect(repaired.status).toBe(0);
  expect(await books()).toEqual(before);
  expect(auditJson().clean).toBe(true);
});

test("rows that hold more or less than was counted are named, and nothing is redelivered on wrong books", async () => {
  const change = (by: number) =>
    database.pool.query(
      "UPDATE consumption_window SET reading_count = reading_count + $1 WHERE customer = (SELECT id FROM customer WHERE customer_id = 'c0')",
      [by],
    );
  await change(2);
  const doubled = runAudit();
  expect([doubled.status, doubled.text]).toEqual([1, expect.stringContaining("consumption: DOUBLED by 2")]);
  // A range of the ledger without its sums: to redeliver it would double it.
  const take = (sign: "-" | "+") =>
    database.pool.query(
      `UPDATE ledger SET applied = applied ${sign} '{[25,26)}'::int8multirange, records = records ${sign} 1,
         counted = counted ${sign} 1 WHERE topic = $1 AND partition = 0`,
      [topic],
    );
  await take("-");
  const before = await snapshot(database.pool);
  const refused = runAudit("--repair");
  expect([refused.status, refused.text]).toEqual([
    2,
    expect.stringContaining(
      "nothing was redelivered, because the books do not add up: consumption: DOUBLED by 3",
    ),
  ]);
  expect(await snapshot(database.pool)).toEqual(before);
  await take("+");
  await change(-3);
  expect(runAudit().text).toContain("consumption: LOST by 1");
  await change(1);
  expect(auditJson().clean).toBe(true);
});

test("rows of quarantine that are missing are named; replays and other sources count, without a partition", async () => {
  await database.pool.query(
    `INSERT INTO ledger (source, topic, partition, incarnation, applied, records, counted)
     VALUES ($1, $2, 0, 0, '{[0,2)}', 2, 2), ('elsewhere', $2, 0, 0, '{[0,1)}', 1, 1)`,
    [`${arn}#replay-0`, topic],
  );
  await database.pool.query(
    "UPDATE consumption_window SET reading_count = reading_count + 3 WHERE customer = (SELECT id FROM customer WHERE customer_id = 'c0')",
  );
  expect(auditJson()).toMatchObject({
    clean: true,
    others: [
      { source: `${arn}#replay-0`, why: "replays of quarantined records", records: 2 },
      { source: "elsewhere", why: "another source or topic", records: 1 },
    ],
  });
  await database.pool.query("DELETE FROM quarantine WHERE topic = $1", [topic]);
  const { clean, problems } = auditJson();
  expect(clean).toBe(false);
  expect(problems).toEqual([`${arn} ${topic}-0 incarnation 0: 1 quarantined, but 0 rows of quarantine`]);
});

test("a source that the ledger does not know is an error that says which it knows", () => {
  environment = { ...environment, MSK_CLUSTER_ARN: `${arn}x` };
  const { status, text } = runAudit();
  expect([status, text]).toEqual([2, expect.stringContaining(`${arn}x, but ${arn}`)]);
});
