// Conflicts: equal identity with other content counts apart, both events are kept, and what counted can be replaced by
// the other or by a value, as a revision that can be reverted.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Correction } from "../../../lib/amend/entry.ts";
import { presentReading, replaceByConflict, replaceReading } from "../../../lib/amend/replace.ts";
import { readBooks } from "../../../lib/audit/books.ts";
import { completeConflicts } from "../../../lib/postgres/complete-conflicts.ts";
import { forgetConflicts } from "../../../lib/postgres/retention.ts";
import { readGauges } from "../../../lib/postgres/trouble.ts";
import { type AmendedTopic, hour, hourUs, openAmendedTopic } from "./amended-topic.ts";

let topic: AmendedTopic;
beforeAll(async () => {
  topic = await openAmendedTopic();
});
afterAll(() => topic.close());
beforeEach(() => topic.begin(2));

const decision = { reason: "actual", by: "ada", dryRun: false };
const at = (minutes: number) => new Date(hour + minutes * 60_000).toISOString();
const reading = (id: string, kwh: number, changes: object = {}) => ({
  ...{ event_id: id, meter_id: "m", customer_id: "c", reading: kwh, timestamp: at(1) },
  ...changes,
});
const estimate = reading("r1", 1);
const actual = reading("r1", 1.4);

const conflicts = () =>
  topic.query(
    `SELECT id, partition, "offset", value, first_partition, first_offset, first_value, first_gone, amendment_id
     FROM conflict_listed ORDER BY id`,
  );
const complete = (zones = topic.tools.zones, hasTime = () => true, source = "test") =>
  completeConflicts(
    topic.database.pool,
    { stream: "consumption", source, topic: topic.tools.topics.consumption },
    {
      offsets: () => topic.tools.archive.partitions(topic.tools.topics.consumption, 0),
      read: (partition, ranges) =>
        topic.tools.archive.read(topic.tools.topics.consumption, partition, ranges),
    },
    zones,
    hasTime,
  );
const ledger = () =>
  topic.query(
    "SELECT sum(records)::int AS r, sum(counted)::int AS c, sum(duplicates)::int AS d, sum(conflicts)::int AS x FROM ledger",
  );
const totals = async () =>
  (
    await topic.query(
      "SELECT customer_id, total_consumption::float8 AS kwh, reading_count::int AS n, revision FROM consumption_aggregates_realtime ORDER BY window_start, customer_id",
    )
  ).map((row) => Object.values(row));
const text = (value: unknown) => (Buffer.isBuffer(value) ? JSON.parse(value.toString()) : value);
const idOf = async () => Number((await conflicts())[0]?.id);
async function finalise() {
  await topic.query(`UPDATE stream_state SET watermark = '${at(120)}'`);
}

describe("a conflict", () => {
  test("in one delivery: the lower offset counts, both bodies are kept at once", async () => {
    await topic.send("consumption", 0, [estimate, actual, estimate]);
    expect(await totals()).toEqual([["c", 1, 1, 0]]);
    expect(await ledger()).toEqual([{ r: 3, c: 1, d: 1, x: 1 }]);
    const [row] = await conflicts();
    expect({ ...row, value: text(row?.value), first_value: text(row?.first_value) }).toMatchObject({
      ...{
        partition: 0,
        offset: "1",
        value: actual,
        first_partition: 0,
        first_offset: "0",
        first_value: estimate,
      },
    });
  });

  test("of another partition and delivery: the sweeper reads the first one's body from the topic", async () => {
    await topic.send("consumption", 1, [reading("other", 7), estimate]);
    const again = await topic.send("consumption", 0, [actual]);
    await topic.commit("consumption", 0, again); // redelivered: a no-op
    expect(await ledger()).toEqual([{ r: 3, c: 2, d: 0, x: 1 }]);
    expect(await conflicts()).toMatchObject([{ first_value: null, first_gone: false }]);
    await complete();
    const [row] = await conflicts();
    expect(text(row?.first_value)).toEqual(estimate);
    expect(row).toMatchObject({ first_partition: 1, first_offset: "1" });
  });

  test("whose first event is gone from the topic says so, and is not looked for again", async () => {
    await topic.send("consumption", 0, [estimate, reading("r2", 1)]);
    await topic.send("consumption", 0, [actual]);
    await topic.cut(1);
    await complete();
    expect(await conflicts()).toMatchObject([{ first_value: null, first_gone: true }]);
  });

  test("that the stream's time zone makes is completed in that zone", async () => {
    const zones = { ...topic.tools.zones, consumption: "Europe/Tirane" };
    const how = { isCommitted: false };
    const instant = await topic.send("consumption", 0, [reading("r1", 1, { timestamp: at(1) })], how);
    const local = await topic.send(
      "consumption",
      0,
      [reading("r1", 1, { timestamp: at(1).slice(0, -1) })],
      how,
    );
    await topic.commit("consumption", 0, instant, zones);
    await topic.commit("consumption", 0, local, zones);
    await complete(zones);
    const [row] = await conflicts();
    expect(row).toMatchObject({ first_gone: false });
    expect(text(row?.first_value)).toMatchObject({ timestamp: at(1) });
  });

  test("has a bound of one sweep, and the next ones do the rest", async () => {
    const many = Array.from({ length: 2_003 }, (_, i) => reading(`e${i}`, 1));
    await topic.send("consumption", 0, many);
    await topic.send(
      "consumption",
      0,
      many.map((one) => ({ ...one, reading: 2 })),
    );
    const left = async () => (await conflicts()).filter((row) => row.first_value === null).length;
    await complete(topic.tools.zones, () => false);
    expect(await left()).toBe(3); // they stand close together: one fetch
    await complete();
    expect(await left()).toBe(0);
    expect(await conflicts()).toContainEqual(expect.objectContaining({ first_gone: false }));
  });

  test("takes first events from each partition in turn, so that a flood in one does not keep another waiting", async () => {
    const many = Array.from({ length: 20 }, (_, i) => reading(`e${i}`, 1));
    await topic.send("consumption", 0, many);
    await topic.send("consumption", 1, [reading("f0", 1), reading("f1", 1)]);
    const again = [...many, reading("f0", 1), reading("f1", 1)].map((one) => ({ ...one, reading: 2 }));
    await topic.send("consumption", 0, again);
    const chosen = await topic.query(
      `SELECT partition, "offset"::int FROM incomplete_conflicts('test', '${topic.tools.topics.consumption}', 4)`,
    );
    expect(chosen.map((row) => `${row.partition}@${row.offset}`).sort()).toEqual([
      "0@0",
      "0@1",
      "1@0",
      "1@1",
    ]);
  });

  test("of a cluster that has another name by now is completed under that, and of another topic's log is not", async () => {
    await topic.send("consumption", 0, [estimate]);
    await topic.send("consumption", 0, [actual]);
    const name = topic.tools.topics.consumption;
    const renamed = () => complete(topic.tools.zones, () => true, "test,test-2");
    await topic.query(
      `UPDATE ledger SET cluster_id = 'c', topic_id = 't';
       INSERT INTO ledger (source, topic, partition, incarnation, cluster_id, topic_id)
       VALUES ('test,test-2', '${name}', 0, 0, 'c', 'another')`,
    );
    await renamed();
    expect(await conflicts()).toMatchObject([{ first_value: null, first_gone: false }]);
    await topic.query("UPDATE ledger SET topic_id = 't'");
    await renamed();
    expect(text((await conflicts())[0]?.first_value)).toEqual(estimate);
  });

  test('id "1" of two meters is none', async () => {
    await topic.send("consumption", 0, [reading("1", 1), reading("1", 2, { meter_id: "n" })]);
    expect(await totals()).toEqual([["c", 3, 2, 0]]);
    expect(await conflicts()).toEqual([]);
  });

  test("is told in the gauges, and forgotten by retention with the books still right", async () => {
    await topic.send("consumption", 0, [estimate, actual]);
    await topic.query(
      `INSERT INTO partition_progress (source, topic, partition, stream, first_offset, end_offset, lag, idle,
         observed_since, observed_at)
       VALUES ('test', '${topic.tools.topics.consumption}', 0, 'consumption', 0, 2, 0, false, now(), now())`,
    );
    const gauges = await readGauges(topic.database.pool, { stuckAfterSeconds: 300, idleSeconds: 300 });
    expect(gauges.conflicts).toContainEqual({ stream: "consumption", conflicts: 1, open: 1 });
    await topic.query("UPDATE conflict SET recorded_at = now() - interval '91 days'");
    expect(await forgetConflicts(topic.database.pool, 90)).toEqual({ resolved: 0, unresolved: 1 });
    expect(await topic.query("SELECT conflicts, conflicts_forgotten FROM ledger")).toEqual([
      { conflicts: "1", conflicts_forgotten: "1" },
    ]);
  });
});

describe("replacing", () => {
  test("by a value settles the conflicts until then, whatever took their place before; a later one is open", async () => {
    const told = () => topic.query("SELECT amendment_id, counts_now FROM conflict_listed ORDER BY id");
    await topic.send("consumption", 0, [estimate, actual]);
    const first = await replaceByConflict(topic.tools, await idOf(), decision);
    expect(await told()).toEqual([{ amendment_id: String(first.id), counts_now: true }]);
    const second = await replaceReading(topic.tools, { meter: "m", eventId: "r1" }, "1.5", "kWh", decision);
    await topic.send("consumption", 1, [reading("r1", 1.6), reading("r2", 1), reading("r2", 2)]);
    expect(await told()).toEqual([
      { amendment_id: String(second.id), counts_now: false },
      { amendment_id: null, counts_now: false },
      { amendment_id: null, counts_now: false },
    ]);
    const { streams } = await readBooks(topic.database.pool);
    expect(streams.map(({ openConflicts }) => openConflicts).sort()).toEqual([0, 0, 2]);
  });

  test("an estimate by the conflict's value: a revision, with the old one on record, and back", async () => {
    await topic.send("consumption", 0, [estimate, actual, reading("r2", 2)]);
    await finalise();
    const replaced = await replaceByConflict(topic.tools, await idOf(), decision);
    expect(replaced).toMatchObject({
      ...{ rows: 1, countBefore: 2, countAfter: 2 },
      from: '1 kWh of 2026-01-15T10:01:00.000000Z for customer "c"',
      to: '1.4 kWh of 2026-01-15T10:01:00.000000Z for customer "c"',
    });
    expect(await totals()).toEqual([["c", 3.4, 2, 2]]);
    expect(
      await topic.query(
        "SELECT old_total_consumption, new_total_consumption, because FROM consumption_amendments",
      ),
    ).toEqual([
      {
        ...{ old_total_consumption: "3.000000", new_total_consumption: "3.400000" },
        because: `amendment ${replaced.id}: actual`,
      },
    ]);
    expect(await conflicts()).toMatchObject([{ amendment_id: String(replaced.id) }]);
    await topic.revert(replaced.id);
    expect(await totals()).toEqual([["c", 3, 2, 3]]);
    expect(await conflicts()).toMatchObject([{ amendment_id: null }]);
  });

  test("a reading by meter and event_id, in another unit, twice", async () => {
    await topic.send("consumption", 1, [reading("r1", 5, { meter_id: "n", customer_id: "d" }), estimate]);
    const one = { meter: "m", eventId: "r1" };
    await replaceReading(topic.tools, one, "1400", "Wh", decision);
    expect(await totals()).toEqual([
      ["c", 1.4, 1, 0],
      ["d", 5, 1, 0],
    ]);
    await replaceReading(topic.tools, one, "1.5", "kWh", decision);
    expect(await totals()).toContainEqual(["c", 1.5, 1, 0]);
    expect(await replaceReading(topic.tools, one, "1.5", "kWh", decision)).toMatchObject({ id: null });
  });

  test("by a value of another hour and customer: both rows change, one of them is new", async () => {
    const moved = { ...actual, timestamp: at(61), customer_id: "d" };
    await topic.send("consumption", 0, [estimate, reading("r2", 2), moved]);
    await finalise();
    const { id } = await replaceByConflict(topic.tools, await idOf(), decision);
    expect(await totals()).toEqual([
      ["c", 2, 1, 2],
      ["d", 1.4, 1, 2],
    ]);
    // What is amended later meets it where it counts now, and what it left behind without it.
    const there = { fromUs: hourUs + 3_600e6, toUs: hourUs + 7_200e6 };
    const doubled: Correction = { multiply: "2" };
    expect(await topic.amend({ selector: { customer: "d" }, correction: doubled, ...there })).toMatchObject({
      rows: 1,
    });
    expect(await topic.amend({ selector: { meter: "m" }, correction: doubled })).toMatchObject({ rows: 1 });
    expect(await totals()).toEqual([
      ["c", 4, 1, 3],
      ["d", 2.8, 1, 3],
    ]);
    expect(await presentReading(topic.tools, { meter: "m", eventId: "r1" })).toMatchObject({
      event: { customerId: "d", reading: 2.8 },
    });
    const back = await topic.revert(id);
    expect(back).toMatchObject({ rows: expect.any(Number) });
    // It is a reading of the meter in its hour again, which the later amendment selects.
    expect((await totals()).map(([customer, kwh, n]) => [customer, kwh, n])).toEqual([
      ["c", 6, 2],
      ["d", 0, 0],
    ]);
  });

  test("late events between replacement and revert stay", async () => {
    await topic.send("consumption", 0, [estimate, actual]);
    const { id } = await replaceByConflict(topic.tools, await idOf(), decision);
    await topic.send("consumption", 0, [reading("r3", 10)]);
    await topic.revert(id);
    expect(await totals()).toEqual([["c", 11, 2, 0]]);
  });

  test("an estimate under an id of its own: removed by its id, without a span", async () => {
    await topic.send("consumption", 0, [reading("estimated-1", 1), reading("actual-1", 1.4)]);
    const { fromUs, toUs } = await presentReading(topic.tools, { meter: "m", eventId: "estimated-1" });
    await topic.amend({ selector: { meter: "m", eventId: "estimated-1" }, fromUs, toUs });
    expect(await totals()).toEqual([["c", 1.4, 1, 0]]);
    await expect(presentReading(topic.tools, { meter: "m", eventId: "estimated-1" })).rejects.toThrow(
      'event "estimated-1" of meter "m" does not count: an amendment has removed it',
    );
  });

  test("a dry run changes nothing, nor makes an empty row", async () => {
    await topic.send("consumption", 0, [estimate, { ...actual, customer_id: "d" }]);
    const replaced = await replaceByConflict(topic.tools, await idOf(), { ...decision, dryRun: true });
    expect(replaced).toMatchObject({ rows: 2 });
    expect(await totals()).toEqual([["c", 1, 1, 0]]);
  });

  test("takes a value with all its digits", async () => {
    await topic.send("consumption", 0, [estimate]);
    await replaceReading(
      topic.tools,
      { meter: "m", eventId: "r1" },
      "1.00000000000000000001",
      "kWh",
      decision,
    );
    const { rows } = await topic.tools.pool.query(
      "SELECT total_consumption FROM consumption_aggregates_realtime",
    );
    expect(rows).toEqual([{ total_consumption: "1.00000000000000000001" }]);
  });

  test("is refused where nothing such counts, and what the topic no longer holds is not guessed", async () => {
    await topic.send("consumption", 0, [estimate, reading("r2", 1), actual]);
    const replace = (meter: string, eventId: string, value = "2") =>
      replaceReading(topic.tools, { meter, eventId }, value, "kWh", decision);
    await expect(replace("n", "r1")).rejects.toThrow('no event "r1" of meter "n" was counted');
    await expect(replace("m", "r1", `1.${"0".repeat(30)}1`)).rejects.toThrow("out_of_range (reading)");
    await expect(replace("m", "r1", "-1")).rejects.toThrow("out_of_range (reading)");
    await expect(replaceByConflict(topic.tools, 99_999, decision)).rejects.toThrow(
      "there is no conflict 99999",
    );
    await topic.query("UPDATE conflict SET stream = 'weather'");
    await expect(replaceByConflict(topic.tools, await idOf(), decision)).rejects.toThrow(
      /is of the stream weather: only meter readings can be replaced.*dismiss-conflicts/,
    );
    await topic.cut(1);
    await expect(replace("m", "r1")).rejects.toThrow("no longer holds it");
    await expect(replace("m", "r2")).rejects.toThrow("no longer holds all events");
    expect(await totals()).toEqual([["c", 2, 2, 0]]);
  });
});
