// What is refused can be replayed: counted once, in its right window, with who and when on record.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readDatabaseSettings } from "../../../lib/config/database.ts";
import { postgresJudge } from "../../../lib/postgres/judge.ts";
import { openPool } from "../../../lib/postgres/pool.ts";
import { replaySourceOf } from "../../../lib/postgres/replay-source.ts";
import { forgetQuarantine } from "../../../lib/postgres/retention.ts";
import { postgresSweepStore } from "../../../lib/postgres/sweep-store.ts";
import { parseAssignments } from "../../../lib/quarantine/assignment.ts";
import { setFields } from "../../../lib/quarantine/edit.ts";
import { findRecords, type QuarantinedRecord, type RecordFilter } from "../../../lib/quarantine/records.ts";
import { discardRecords, MAX_ATTEMPTS, type Replay, replayRecord } from "../../../lib/quarantine/resolve.ts";
import { consumptionRules } from "../../../lib/streams/consumption.ts";
import { streamOf } from "../../../lib/streams/stream-of.ts";
import { consumptionStream } from "../../../lib/streams/streams.ts";
import { commitRecords, type LatenessRules } from "../../../lib/windows/commit.ts";
import { sweepStream } from "../../../lib/windows/sweep.ts";
import { logOf } from "../../topic-log.ts";
import { createDatabase, emptyTables, snapshot, type TestDatabase } from "../database.ts";

const rules: LatenessRules = { futureSkewUs: 600e6, amendmentHorizonUs: 7 * 86_400e6 };
const hour = Date.UTC(2026, 0, 15, 10);
const address = { source: "test", topic: "meter", partition: 0 };

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());
beforeEach(() => emptyTables(database.pool));

function reading(eventId: string, changes: object = {}) {
  return {
    event_id: eventId,
    meter_id: "m",
    customer_id: "c",
    reading: 1.5,
    timestamp: new Date(hour).toISOString(),
    ...changes,
  };
}

function apply(offset: number, value: object | string | null, stream = consumptionStream) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const record = { offset, recordTimeMs: hour + offset, value: value === null ? null : Buffer.from(text) };
  return commitRecords(postgresJudge(database.pool), stream, address, [record], rules);
}

function find(filter: Partial<RecordFilter> = {}): Promise<QuarantinedRecord[]> {
  return findRecords(database.pool, { state: "unresolved", limit: 100, ...filter });
}

async function only(filter: Partial<RecordFilter> = {}): Promise<QuarantinedRecord> {
  const records = await find(filter);
  expect(records).toHaveLength(1);
  const [record] = records;
  if (record === undefined) throw new Error("no record");
  return record;
}

function replay(record: QuarantinedRecord, changes: Partial<Replay> = {}, stream = consumptionStream) {
  const decided = { editedValue: null, by: "ada", note: null, force: false, dryRun: false, ...changes };
  return replayRecord(database.pool, stream, record, decided, rules);
}

async function rowsOf(sql: string): Promise<Record<string, unknown>[]> {
  return (await database.pool.query<Record<string, unknown>>(sql)).rows;
}

/** As if the code had been mended: readings written as text are understood. */
const mendedStream = streamOf(consumptionRules);
const { reader } = mendedStream;
const readBefore = reader.read.bind(reader);
reader.read = (value, zone) => {
  const refusal = readBefore(value, zone);
  if (refusal?.refused !== "wrong_type") return refusal;
  const object: { reading: string } = JSON.parse(value.toString());
  return readBefore(Buffer.from(JSON.stringify({ ...object, reading: Number(object.reading) })), zone);
};

describe("a replay", () => {
  test("counts a record that a mended decoder accepts, once, in its window, and says who and when", async () => {
    await apply(0, reading("good"));
    await apply(1, reading("text", { reading: "2.25" }));
    const before = await snapshot(database.pool);
    const record = await only();
    expect(await replay(record)).toMatchObject({ kind: "refused again", refusal: { field: "reading" } });
    expect(await replay(record, { note: "release 12" }, mendedStream)).toEqual({
      kind: "settled",
      outcome: "counted",
      windowStartUs: hour * 1000,
      late: false,
    });
    const { consumption, ledger, quarantine } = await snapshot(database.pool);
    expect(consumption).toEqual([expect.stringContaining("c,3.750000,1.8750000000000000,2,open,0")]);
    expect(quarantine).toEqual(before.quarantine);
    expect(ledger).toContain(before.ledger[0]);
    expect(
      await rowsOf("SELECT source, counted, quarantined, records, applied FROM ledger ORDER BY source"),
    ).toEqual([
      { source: "test", counted: "1", quarantined: "1", records: "2", applied: "{[0,2)}" },
      { source: "test#replay-0", counted: "1", quarantined: "0", records: "1", applied: "{[1,2)}" },
    ]);
    const replayed = await only({ state: "replayed" });
    expect(replayed).toMatchObject({
      outcome: "counted",
      resolvedBy: "ada",
      note: "release 12",
      editedValue: null,
      attempts: 1,
      lastReason: "wrong_type",
      lastField: "reading",
    });
    expect(replayed.resolvedAt).toBeInstanceOf(Date);
  });

  test("counts an edited record, and keeps both what came and what was counted", async () => {
    await apply(0, reading("a", { unit: "kwh" }));
    const record = await only();
    const { value: edited } = setFields(record.value, parseAssignments(["unit=kWh", "reading=0.5"]));
    expect(await replay(record, { editedValue: edited })).toMatchObject({ outcome: "counted" });
    const replayed = await only({ state: "replayed" });
    expect(replayed.value).toEqual(record.value);
    expect(replayed.editedValue).toEqual(edited);
    expect((await snapshot(database.pool)).consumption).toEqual([expect.stringContaining("c,0.500000")]);
  });

  test("of the same record by eight at once counts it once", async () => {
    // Connections that are open already: else the first is done before the second has one.
    const clients = await Promise.all(Array.from({ length: 8 }, () => database.pool.connect()));
    for (const client of clients) client.release();
    await apply(0, "{");
    const record = await only();
    const edits = Array.from({ length: 8 }, (_, i) =>
      Buffer.from(JSON.stringify(reading("x", { reading: i + 1 }))),
    );
    const results = await Promise.all(
      edits.map((editedValue, i) => replay(record, { editedValue, by: `p${i}` })),
    );
    expect(results.map((r) => r.kind).sort()).toEqual([
      ...Array.from({ length: 7 }, () => "replayed before"),
      "settled",
    ]);
    // The value on record is the one that was counted.
    const replayed = await only({ state: "replayed" });
    const kept: { reading: number } = JSON.parse(String(replayed.editedValue));
    expect(
      await rowsOf(
        "SELECT total_consumption::float8 AS kwh, reading_count FROM consumption_aggregates_realtime",
      ),
    ).toEqual([{ kwh: kept.reading, reading_count: "1" }]);
  });

  test("whose connection is cut, wherever that is, and that is done again: counted once and marked", async () => {
    for (let i = 0; i < 25; i++) await apply(i, "{");
    const settings = { ...readDatabaseSettings(database.environment), applicationName: "victim" };
    const victim = openPool(settings, 10_000);
    let cuts = 0;
    for (const [i, record] of (await find()).entries()) {
      const decided = {
        editedValue: Buffer.from(JSON.stringify(reading(`e${i}`))),
        by: "ada",
        note: null,
        force: false,
      };
      const attempt = () =>
        replayRecord(victim, consumptionStream, record, { ...decided, dryRun: false }, rules);
      const cut = sleep(i / 4).then(() =>
        database.pool.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'",
        ),
      );
      await attempt().catch(() => cuts++);
      await cut;
      await replay(record, { editedValue: decided.editedValue });
    }
    await victim.end();
    expect(cuts).toBeGreaterThan(0);
    expect(await rowsOf("SELECT reading_count FROM consumption_aggregates_realtime")).toEqual([
      { reading_count: "25" },
    ]);
    expect(await find({ state: "replayed" })).toHaveLength(25);
  });

  test("that the ledger has applied although the row does not say so is marked and not counted again", async () => {
    await apply(0, "{");
    const record = await only();
    const value = Buffer.from(JSON.stringify(reading("x")));
    const source = replaySourceOf("test", 0);
    await commitRecords(
      postgresJudge(database.pool),
      consumptionStream,
      { ...address, source },
      [{ offset: 0, recordTimeMs: -1, value }],
      rules,
    );
    expect(await replay(record, { editedValue: value })).toMatchObject({ outcome: "applied_before" });
    expect((await snapshot(database.pool)).consumption).toEqual([
      expect.stringContaining("c,1.500000,1.50000000000000000000,1,"),
    ]);
    await only({ state: "replayed" });
  });

  test("of poison is refused again, counts nothing, and is not tried for ever", async () => {
    await apply(0, "{");
    const record = await only();
    const { ledger } = await snapshot(database.pool);
    for (let attempts = 1; attempts <= MAX_ATTEMPTS; attempts++)
      expect(await replay(record)).toMatchObject({ kind: "refused again", attempts });
    expect(await replay(record)).toEqual({ kind: "too many attempts", attempts: MAX_ATTEMPTS });
    expect(await replay(record, { force: true })).toMatchObject({ kind: "refused again" });
    expect((await snapshot(database.pool)).ledger).toEqual(ledger);
    expect(await only()).toMatchObject({ attempts: MAX_ATTEMPTS + 1, attemptedBy: "ada", resolution: null });
  });

  test("of an event in the future is refused until the database's clock has come so far", async () => {
    await apply(0, reading("soon", { timestamp: new Date(Date.now() + 700_000).toISOString() }));
    const record = await only({ reason: "in_future" });
    expect(await replay(record)).toMatchObject({ refusal: { refused: "in_future", field: "timestamp" } });
    const wider = { ...rules, futureSkewUs: 1200e6 };
    const decided = { editedValue: null, by: "ada", note: null, force: false, dryRun: false };
    expect(await replayRecord(database.pool, consumptionStream, record, decided, wider)).toMatchObject({
      outcome: "counted",
    });
  });

  test("says that an event was counted before by its identity, or is too late, or amends a final window", async () => {
    await apply(0, reading("same"));
    for (const offset of [1, 2, 3]) await apply(offset, "{");
    await database.pool.query("UPDATE stream_state SET watermark = $1 WHERE stream = 'consumption'", [
      new Date(hour + 2 * 3_600_000).toISOString(),
    ]);
    const [a, b, c] = await find();
    if (!a || !b || !c) throw new Error("three are quarantined");
    const edit = (value: object) => ({ editedValue: Buffer.from(JSON.stringify(value)) });
    expect(await replay(a, edit(reading("same")))).toMatchObject({ outcome: "duplicate" });
    expect(await replay(b, edit(reading("old", { timestamp: "2026-01-01T00:00:00Z" })))).toMatchObject({
      outcome: "too_late",
    });
    expect(await replay(c, edit(reading("new")))).toMatchObject({ outcome: "counted", late: true });
    const { ledger, consumption } = await snapshot(database.pool);
    expect(ledger).toContainEqual(expect.stringContaining('"{[1,4)}",3,1,0,1,1,'));
    expect(consumption).toEqual([expect.stringContaining("c,3.000000,1.5000000000000000,2,final,2")]);
  });

  test("leaves the sweeper's view of the partition as it was", async () => {
    await apply(0, reading("a"));
    await apply(1, "{");
    const record = await only();
    await replay(record, {
      editedValue: Buffer.from(
        JSON.stringify(reading("b", { timestamp: new Date(hour + 86_400_000).toISOString() })),
      ),
    });
    const outcome = await sweepStream(
      postgresSweepStore(database.pool),
      { stream: "consumption", source: "test", topic: "meter" },
      logOf(async () => [{ partition: 0, first: 0, end: 2 }]),
      { ...rules, delayUs: 600e6, idleUs: 300e6 },
    );
    expect(outcome).toMatchObject({ watermarkUs: (hour - 600_000) * 1000, lag: 0, breaks: [] });
  });

  test("as a dry run changes nothing, and says what would happen", async () => {
    await apply(0, reading("same"));
    for (const offset of [1, 2]) await apply(offset, "{");
    const everything = async () => [
      await snapshot(database.pool),
      await rowsOf("SELECT * FROM quarantine"),
      await rowsOf("SELECT * FROM seen_event"),
      await rowsOf("SELECT * FROM ledger"),
    ];
    const before = await everything();
    const [a, b] = await find();
    if (!a || !b) throw new Error("two are quarantined");
    const dry = (value: object) => ({ dryRun: true, editedValue: Buffer.from(JSON.stringify(value)) });
    expect(await replay(a, dry(reading("new")))).toMatchObject({
      outcome: "counted",
      windowStartUs: hour * 1000,
    });
    expect(await replay(b, dry(reading("same")))).toMatchObject({ outcome: "duplicate" });
    expect(await replay(b, { dryRun: true })).toMatchObject({ kind: "refused again" });
    expect(await everything()).toEqual(before);
  });
});

describe("quarantine", () => {
  test("is searched by topic, partition, offsets, reason, field, time and state", async () => {
    await apply(0, "{");
    await apply(1, reading("a", { unit: "hp" }));
    await apply(2, reading("b", { reading: "1" }));
    await database.pool.query(`UPDATE quarantine SET quarantined_at = '2026-01-01' WHERE "offset" = 0`);
    const offsets = async (filter: Partial<RecordFilter>) =>
      (await find(filter)).map((record) => record.offset);
    expect(await offsets({})).toEqual([0, 1, 2]);
    expect(await offsets({ topic: "meter", partition: 0, offsets: [1, 2] })).toEqual([1, 2]);
    expect(await offsets({ topic: "another" })).toEqual([]);
    expect(await offsets({ partition: 1 })).toEqual([]);
    expect(await offsets({ reason: "unknown_unit" })).toEqual([1]);
    expect(await offsets({ field: "reading" })).toEqual([2]);
    expect(await offsets({ untilUs: Date.UTC(2026, 0, 2) * 1000 })).toEqual([0]);
    expect(await offsets({ sinceUs: Date.UTC(2026, 0, 2) * 1000 })).toEqual([1, 2]);
    expect(await offsets({ limit: 2 })).toEqual([0, 1]);
    expect(await discardRecords(database.pool, await find({ reason: "unknown_unit" }), "ada", "a toy")).toBe(
      1,
    );
    expect(await offsets({})).toEqual([0, 2]);
    expect(await only({ state: "discarded" })).toMatchObject({ offset: 1, resolvedBy: "ada", note: "a toy" });
    expect(await discardRecords(database.pool, await find({ state: "all" }), "eve", null)).toBe(2);
    expect((await find({ state: "discarded" })).map((r) => r.resolvedBy)).toEqual(["eve", "ada", "eve"]);
  });

  test("forgets by age since the last that happened, and says how much of it nobody had looked at", async () => {
    for (const offset of [0, 1, 2, 3]) await apply(offset, "{");
    const [a, b] = await find();
    if (!a || !b) throw new Error("four are quarantined");
    await discardRecords(database.pool, [a, b], "ada", null);
    await database.pool.query(
      `UPDATE quarantine SET quarantined_at = now() - interval '91 days' WHERE "offset" < 3`,
    );
    await database.pool.query(
      `UPDATE quarantine SET resolved_at = now() - interval '91 days' WHERE "offset" = 0`,
    );
    expect(await forgetQuarantine(database.pool, 90)).toEqual({ resolved: 1, unresolved: 1 });
    expect((await find({ state: "all" })).map((record) => record.offset)).toEqual([1, 3]);
    expect(await forgetQuarantine(database.pool, 90)).toEqual({ resolved: 0, unresolved: 0 });
  });
});
