// What `npm run replay` says of its records: by the ledger, also where a log is cut while it sends.
import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { fateOf, readInstant, untilApplied } from "../../../commands/replay/fate.ts";
import { Positions } from "../../../commands/replay/positions.ts";
import { fateLines, verdict } from "../../../commands/replay/show.ts";
import type { LogRecord } from "../../../lib/core/log-record.ts";
import { postgresJudge } from "../../../lib/postgres/judge.ts";
import { consumptionStream } from "../../../lib/streams/streams.ts";
import { commitRecords } from "../../../lib/windows/commit.ts";
import { createDatabase, emptyTables, type TestDatabase } from "../database.ts";

const base = Date.UTC(2026, 0, 15, 10);
const topic = "consumption";
let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.close();
});
beforeEach(() => emptyTables(database.pool));

function record(offset: number, id: string, changes: object = {}): LogRecord {
  const event = {
    ...{ event_id: id, meter_id: "m", customer_id: "c", reading: 1 },
    ...{ timestamp: new Date(base).toISOString(), ...changes },
  };
  return { offset, recordTimeMs: base, value: Buffer.from(JSON.stringify(event)) };
}

function commit(records: readonly LogRecord[], partition = 0) {
  const address = { source: "test", topic, partition };
  const rules = { futureSkewUs: 600e6, amendmentHorizonUs: 7 * 86_400e6 };
  return commitRecords(postgresJudge(database.pool), consumptionStream, address, records, rules);
}

/** As the sweeper does where it finds the log cut, or another one. */
async function breakLog(kind: "truncated" | "created_again", from: number, to: number): Promise<void> {
  await client.query(
    `SELECT begin_entry(source, topic, partition, incarnation, observed_at, $1, int8multirange(int8range($2, $3)), $2, $3,
       NULL, 'cluster', 'topic', 1, $2) FROM ledger ORDER BY incarnation DESC LIMIT 1`,
    [kind, from, to],
  );
}

/** Places of records that were sent one by one; the line is the number of the record. */
function sentTo(offsets: readonly number[], partition = 0, positions = new Positions()): Positions {
  for (const offset of offsets)
    positions.add(topic, [{ partition, offset, indexes: [0] }], [positions.records + 1]);
  return positions;
}

/** A sweep that began now has looked at the partitions, of source and topic of the tests. */
async function look(partitions: readonly number[]): Promise<void> {
  await client.query(
    `INSERT INTO partition_progress (source, topic, partition, stream, first_offset, end_offset, lag, idle, observed_since, observed_at)
     SELECT 'test', $1, p, 'consumption', 0, 0, 0, false, now(), now() FROM unnest($2::integer[]) AS p
     ON CONFLICT (source, topic, partition) DO UPDATE SET observed_at = now()`,
    [topic, partitions],
  );
}

async function fateAfter(positions: Positions, before: string, isLooking = true) {
  const after = await readInstant(client);
  if (isLooking) await look(positions.partitions.map(({ partition }) => partition));
  const [firstUs, lastUs] = [base * 1000, base * 1000];
  const sending = {
    partitions: positions.partitions,
    before,
    after,
    firstUs,
    lastUs,
    once: { stream: "consumption" as const, topic },
  };
  await untilApplied(client, sending, AbortSignal.abort(), () => undefined);
  return fateOf(client, sending);
}

test("each record by what became of it, in several partitions, with its line", async () => {
  await commit([record(0, "before")]);
  const before = await readInstant(client);
  await commit([record(1, "before"), record(2, "a"), record(3, "b", { reading: "x" })]);
  await commit([record(0, "before", { reading: 9 }), record(1, "c")], 1);
  const positions = sentTo([0, 1, 2], 1, sentTo([1, 2, 3]));
  const fate = await fateAfter(positions, before);
  expect(fateLines(fate)).toEqual([
    "counted 2 · quarantined 1 · too late 0 · in conflict 1 · duplicates 1",
    "quarantined: 1 × wrong_type (reading): line 3",
    "in conflict: line 4",
    "duplicates: line 1",
  ]);
  expect(verdict(fate, 0)).toContain("1 event has not been processed yet");
});

test("the log is cut before it sends: what was counted of the cut part is not taken for its own", async () => {
  await commit([0, 1, 2].map((offset) => record(offset, `old${offset}`)));
  await breakLog("truncated", 1, 3);
  const before = await readInstant(client);
  await commit([record(1, "a")]);
  expect(await fateAfter(sentTo([1, 2]), before)).toMatchObject({ applied: 1, counted: 1, unclear: 0 });
});

test.each([
  ["truncated", 2, "consumption-0 from offset 2 on"],
  ["created_again", 0, "consumption-0 from offset 0 on"],
] as const)(
  "the log is %s while it sends: only what lies before is told for sure",
  async (kind, from, cut) => {
    await commit([record(0, "before")]);
    const before = await readInstant(client);
    await commit([record(1, "a", { reading: "x" }), record(2, "b"), record(3, "c")]);
    await breakLog(kind, from, 4);
    await commit([record(2, "d"), record(3, "e")]);
    // The sweeper has found it, and the producer has not seen an offset twice, or it has.
    for (const positions of [sentTo([1, 2, 3, 4, 5]), sentTo([1, 2, 3, 2, 3])]) {
      const fate = await fateAfter(positions, before);
      const clear = kind === "truncated" ? 1 : 0;
      expect(fate).toMatchObject({ sent: 5, applied: clear, counted: 0, unclear: 5 - clear, cuts: [cut] });
      expect([...fate.others.keys()]).toEqual(kind === "truncated" ? ["quarantined"] : []);
      expect(verdict(fate, 0)).toContain(`cut or created again meanwhile (${cut})`);
    }
  },
);

test("an offset that comes again tells it before the sweeper does", async () => {
  const before = await readInstant(client);
  await commit([record(0, "a"), record(1, "b")]);
  const fate = await fateAfter(sentTo([0, 1, 2, 1, 2]), before);
  expect(fate).toMatchObject({ sent: 5, applied: 1, counted: 1, unclear: 4 });
});

test("after the cut the file is sent again: what was counted of it is a duplicate of either log", async () => {
  await commit([record(0, "a"), record(1, "b")]);
  await breakLog("truncated", 1, 2);
  const before = await readInstant(client);
  await commit([record(1, "a"), record(2, "b"), record(3, "c")]);
  const fate = await fateAfter(sentTo([1, 2, 3]), before);
  expect(fateLines(fate)).toEqual([
    "counted 1 · quarantined 0 · too late 0 · in conflict 0 · duplicates 2",
    "duplicates: line 1-2",
  ]);
});

test("created again, and the sweeper has not seen it: nothing is told to be counted", async () => {
  await commit(Array.from({ length: 5 }, (_, offset) => record(offset, `old${offset}`)));
  await look([0]);
  const before = await readInstant(client);
  // The function takes them for records that it has had.
  await commit([0, 1, 2].map((offset) => record(offset, `new${offset}`)));
  const unseen = await fateAfter(sentTo([0, 1, 2]), before, false);
  expect(unseen).toMatchObject({ sent: 3, applied: 0, counted: 0, unclear: 3, unseen: ["consumption-0"] });
  expect(unseen.others.size).toBe(0);
  expect(verdict(unseen, 0)).toContain("the sweeper has not looked at consumption-0 since");
  await breakLog("created_again", 0, 5);
  const seen = await fateAfter(sentTo([0, 1, 2]), before);
  expect(seen).toMatchObject({
    counted: 0,
    unclear: 3,
    unseen: [],
    cuts: ["consumption-0 from offset 0 on"],
  });
});

test("created again longer than before: offsets that both logs hold are not told before the sweeper saw it", async () => {
  await commit([record(0, "old0"), record(1, "old1")]);
  const before = await readInstant(client);
  await commit([0, 1, 2].map((offset) => record(offset, `new${offset}`)));
  expect(await fateAfter(sentTo([0, 1, 2]), before, false)).toMatchObject({ counted: 0, unclear: 3 });
});

test("a source that was named otherwise meanwhile, and has its first name again", async () => {
  await commit([record(0, "a")]);
  await client.query(
    "INSERT INTO ledger (source, topic, partition, incarnation) VALUES ('other', $1, 0, 0)",
    [topic],
  );
  const before = await readInstant(client);
  await commit([record(1, "b"), record(2, "c")]);
  expect(await fateAfter(sentTo([1, 2]), before)).toMatchObject({
    sent: 2,
    applied: 2,
    counted: 2,
    unclear: 0,
  });
});
