// Amendments: exact, reversible, on record; refused where the topic cannot vouch for the rows.
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { findRecords } from "../../../lib/quarantine/records.ts";
import { replayRecord } from "../../../lib/quarantine/resolve.ts";
import { consumptionStream } from "../../../lib/streams/streams.ts";
import { until } from "../topics.ts";
import { type AmendedTopic, hour, hourUs, openAmendedTopic, rules } from "./amended-topic.ts";

let topic: AmendedTopic;
beforeAll(async () => {
  topic = await openAmendedTopic();
});
afterAll(() => topic.close());
beforeEach(() => topic.begin(2));

let ids = 0;
function reading(meter: string, kwh: number, changes: object = {}) {
  const timestamp = new Date(hour + 60_000).toISOString();
  return { event_id: `e${ids++}`, meter_id: meter, customer_id: "c", reading: kwh, timestamp, ...changes };
}

function measured(sensor: string, value: number, seconds = 0, type = "voltage") {
  const timestamp = new Date(hour + seconds * 1000).toISOString();
  return { event_id: `${sensor}_${seconds}`, sensor_id: sensor, sensor_type: type, value, timestamp };
}

async function finalise() {
  await topic.query(`UPDATE stream_state SET watermark = '${new Date(hour + 2 * 3_600_000).toISOString()}'`);
}

describe("removing", () => {
  test("one meter of a customer with several: the rest is what the others sent, with who, when and why", async () => {
    await topic.send("consumption", 0, [reading("mad", 1e6), reading("m1", 1.25), reading("m1", 0.5)]);
    await topic.send("consumption", 1, [
      reading("m2", 2),
      reading("mad", 3),
      reading("m2", 9, { customer_id: "d" }),
    ]);
    await finalise();
    expect(await topic.amend({ selector: { meter: "mad" } })).toMatchObject({
      rows: 1,
      countBefore: 5,
      countAfter: 3,
    });
    expect(await topic.rows("consumption")).toEqual([
      expect.stringContaining(",c,3.750000,1.25000000000000000000,3,final)"),
      expect.stringContaining(",d,9.000000,9.0000000000000000,1,final)"),
    ]);
    expect(await topic.query("SELECT kind, selector, reason, made_by FROM amendment")).toEqual([
      { kind: "remove", selector: { meter: "mad" }, reason: "ran mad", made_by: "ada" },
    ]);
    expect(await topic.query("SELECT * FROM consumption_amendments")).toEqual([
      expect.objectContaining({
        customer_id: "c",
        revision: 2,
        because: expect.stringMatching(/^amendment \d+: ran mad$/),
        old_reading_count: "5",
        new_reading_count: "3",
        old_total_consumption: "1000006.750000",
        new_total_consumption: "3.750000",
        amended_at: expect.any(Date),
      }),
    ]);
  });

  test("half-open in event time, of one type of a sensor only", async () => {
    await topic.send(
      "sensor",
      0,
      [0, 60, 120, 180].map((s) => measured("s", s, s)),
    );
    await topic.send("sensor", 1, [measured("s", 7, 60, "current")]);
    await topic.amend({
      selector: { sensor: "s", type: "voltage" },
      fromUs: hourUs + 60e6,
      toUs: hourUs + 180e6,
    });
    expect(
      await topic.query(
        "SELECT sensor_type, count, min_value, max_value, sum_value FROM sensor_aggregates_realtime ORDER BY 1",
      ),
    ).toEqual([
      { sensor_type: "current", count: "1", min_value: "7", max_value: "7", sum_value: "7.000000" },
      { sensor_type: "voltage", count: "2", min_value: "0", max_value: "180", sum_value: "180.000000" },
    ]);
  });

  test("everything of a window leaves a row without events, which late ones join as if it were new", async () => {
    await topic.send("sensor", 0, [measured("s", 5, 0), measured("s", 6, 1)]);
    await finalise();
    await topic.amend({ selector: { sensor: "s", type: null } });
    expect(
      await topic.query(
        "SELECT count, avg_value, min_value, max_value, stddev_value, state, revision FROM sensor_aggregates_realtime",
      ),
    ).toEqual([
      {
        count: "0",
        avg_value: null,
        min_value: null,
        max_value: null,
        stddev_value: null,
        state: "final",
        revision: 2,
      },
    ]);
    await topic.send("sensor", 0, [measured("s", 3, 2)]);
    const [row] = await topic.query(
      "SELECT count, avg_value::float8, min_value, max_value, sum_value, sum_squares, revision FROM sensor_aggregates_realtime",
    );
    expect(row).toEqual({
      count: "1",
      avg_value: 3,
      min_value: "3",
      max_value: "3",
      sum_value: "3.000000",
      sum_squares: "9.000000000000",
      revision: 3,
    });
  });

  test("counts a producer's retry, poison, what is too late, and what is not applied yet for what they are", async () => {
    const twice = reading("m", 1);
    const poison = [reading("m", -1), { event_id: 7 }];
    await topic.send("consumption", 0, [
      twice,
      reading("m", 2),
      ...poison,
      reading("m", 4, { timestamp: "1999-01-01T00:00:00Z" }),
    ]);
    await topic.send("consumption", 1, [twice, reading("n", 8)]);
    await topic.send("consumption", 1, [reading("m", 16)], { isCommitted: false });
    expect(await topic.amend({ selector: { meter: "m" } })).toMatchObject({ countBefore: 3, countAfter: 1 });
    expect(await topic.rows("consumption")).toEqual([expect.stringContaining(",c,8.000000,")]);
  });

  test("leaves out what was refused once, although it would be accepted by now", async () => {
    const inMinutes = (minutes: number) => ({
      timestamp: new Date(Date.now() + minutes * 60_000).toISOString(),
    });
    await topic.send("consumption", 0, [reading("m", 1, inMinutes(9)), reading("m", 2, inMinutes(11))]);
    const selection = { selector: { meter: "m" }, fromUs: hourUs, toUs: (Date.now() + 86_400_000) * 1000 };
    expect(await topic.amend(selection)).toMatchObject({ rows: 1, countBefore: 1, countAfter: 0 });
  });

  test("finds a replayed record, as it was edited", async () => {
    await topic.send("consumption", 0, [
      reading("m", 1),
      reading("m", 2, { unit: "kwh" }),
      reading("m", 4, { unit: "hp" }),
    ]);
    for (const [i, record] of (
      await findRecords(topic.database.pool, { state: "all", limit: 9 })
    ).entries()) {
      const editedValue = Buffer.from(JSON.stringify(reading(i === 0 ? "m" : "n", 32)));
      const replay = { editedValue, by: "ada", note: null, force: false, dryRun: false };
      await replayRecord(topic.database.pool, consumptionStream, record, replay, rules);
    }
    expect(await topic.amend({ selector: { meter: "m" } })).toMatchObject({ countBefore: 3, countAfter: 1 });
    expect(await topic.rows("consumption")).toEqual([expect.stringContaining(",c,32.000000,")]);
  });

  test("finds events whose records are days older by Kafka's clock", async () => {
    const recentUs = Math.floor(Date.now() / 3_600_000) * 3_600e6;
    const timestamp = new Date(recentUs / 1000).toISOString();
    const recordTimeMs = recentUs / 1000 - 3 * 86_400_000;
    await topic.send("consumption", 0, [reading("m", 1, { timestamp })], { recordTimeMs });
    await topic.send("consumption", 0, [reading("m", 2, { timestamp }), reading("n", 4, { timestamp })]);
    const selection = { selector: { meter: "m" }, fromUs: recentUs, toUs: recentUs + 1 };
    expect(await topic.amend(selection)).toMatchObject({ countBefore: 3, countAfter: 1 });
  });

  test("as a dry run, or of what nobody sent, changes nothing", async () => {
    await topic.send("consumption", 0, [reading("m", 1)]);
    const before = await topic.rows("consumption");
    expect(await topic.amend({ selector: { meter: "m" } }, true)).toMatchObject({ rows: 1, countAfter: 0 });
    expect(await topic.amend({ selector: { meter: "nobody" } })).toMatchObject({ id: null, rows: 0 });
    expect(await topic.rows("consumption")).toEqual(before);
    expect(await topic.query("SELECT * FROM amendment")).toEqual([]);
  });

  test("is refused where retention has cut the topic; whole windows need no events", async () => {
    await topic.send("consumption", 0, [reading("m", 1), reading("m", 2), reading("m", 4)]);
    const nextHour = new Date(hour + 3_600_000).toISOString();
    await topic.send("consumption", 0, [reading("m", 8, { timestamp: nextHour })]);
    const before = await topic.rows("consumption");
    await topic.cut(2);
    for (const selector of [{ meter: "m" }, { customer: "c" }])
      await expect(topic.amend({ selector })).rejects.toThrow(/no longer holds all events of 1 window /);
    expect(await topic.rows("consumption")).toEqual(before);

    // Not even a trace of the first hour is left.
    await topic.cut(3);
    await expect(topic.amend({ selector: { customer: "c" }, toUs: hourUs + 7_200e6 })).rejects.toThrow(
      "has count 3",
    );
    await expect(topic.empty({ selector: { meter: "m" } })).rejects.toThrow("takes --customer or --sensor");
    await expect(topic.empty({ selector: { customer: "c" }, toUs: hourUs + 60e6 })).rejects.toThrow(
      "60 minutes",
    );
    const { id } = await topic.empty({ selector: { customer: "c" } });
    expect(await topic.rows("consumption")).toEqual([
      expect.stringContaining(",c,0.000000,,0,"),
      expect.stringContaining(",c,8.000000,"),
    ]);
    await topic.revert(id);
    expect(await topic.rows("consumption")).toEqual(before);
  });
});

describe("of a log that was cut", () => {
  const nextHour = new Date(hour + 3_600_000).toISOString();

  /** The sweeper has found that the log lost this offset. */
  function cutAt(offset: number) {
    return topic.query(
      `SELECT begin_entry(source, topic, partition, incarnation, observed_at, 'truncated', '{[${offset},${offset + 1})}',
         ${offset}, ${offset + 1}, NULL, NULL, NULL, 1, ${offset})
       FROM ledger WHERE partition = 0 ORDER BY id DESC LIMIT 1`,
    );
  }

  /** The record of the next hour at this offset is counted and lost, and the sweeper has found that. */
  async function loseAt(offset: number) {
    const value = Buffer.from(JSON.stringify(reading("m", 8, { timestamp: nextHour })));
    await topic.commit("consumption", 0, [{ offset, recordTimeMs: Date.now(), value }]);
    await cutAt(offset);
  }

  test.each([1, 2])("%i times: what it kept counts as it did, and so does what came since", async (times) => {
    await topic.send("consumption", 1, [reading("m", 2, { event_id: "x" })]);
    // In partition 0, which is read first: a conflict, and a record that would be accepted by now.
    await topic.send("consumption", 0, [reading("m", 9, { event_id: "x" }), reading("m", 1)]);
    await topic.send("consumption", 0, [reading("mad", 100)]);
    await topic.amend({ selector: { meter: "mad" } });
    await loseAt(3);
    await topic.send("consumption", 0, [reading("m", 4)]);
    if (times === 2) await loseAt(4);
    const { id } = await topic.amend({ selector: { meter: "m" }, correction: { multiply: "2" } });
    const rows = await topic.rows("consumption");
    expect(rows[0]).toContain(",c,14.000000,");
    await topic.revert(id);
    expect((await topic.rows("consumption"))[0]).toContain(",c,7.000000,");
  });

  test("it is refused for a window with an event that the log has lost, with why", async () => {
    await topic.send("consumption", 0, [reading("m", 1)]);
    await loseAt(1);
    await expect(
      topic.amend({ selector: { meter: "m" }, fromUs: hourUs + 3_600e6, toUs: hourUs + 7_200e6 }),
    ).resolves.toMatchObject({ id: null });
    await topic.send("consumption", 0, [reading("m", 2, { timestamp: nextHour })]);
    await expect(
      topic.amend({ selector: { meter: "m" }, fromUs: hourUs + 3_600e6, toUs: hourUs + 7_200e6 }),
    ).rejects.toThrow("a log that was cut or created again");
    expect(await topic.amend({ selector: { meter: "m" } })).toMatchObject({ countBefore: 1, countAfter: 0 });
  });

  test("the same log under another name of its cluster: each record is of the name that counted it", async () => {
    await topic.send("consumption", 0, [reading("mad", 1), reading("m", 2)]);
    await topic.rename("new", 2);
    expect(await topic.query("SELECT inherited::text FROM ledger ORDER BY id")).toEqual([
      { inherited: "{}" },
      { inherited: "{[0,2)}" },
    ]);
    expect(await topic.amend({ selector: { meter: "mad" } })).toMatchObject({
      countBefore: 2,
      countAfter: 1,
    });
  });

  test.each([1, 2])("renamed (%i times) and then cut: each record is read once", async (times) => {
    await topic.send("sensor", 0, [measured("s", 1)]);
    const value = Buffer.from(JSON.stringify(measured("s", 8, 3_600)));
    await topic.commit("sensor", 0, [{ offset: 1, recordTimeMs: Date.now(), value }]);
    for (let nth = 1; nth <= times; nth++) await topic.rename(`new-${nth}`, 2);
    await cutAt(1);
    await topic.send("sensor", 0, [measured("s", 2, 1), measured("s", 4, 2)]);
    expect(await topic.amend({ selector: { sensor: "s", type: null }, toUs: hourUs + 1e6 })).toMatchObject({
      countBefore: 3,
      countAfter: 2,
    });
  });
});

describe("correcting", () => {
  test("multiplies exactly, and takes the unit that was meant", async () => {
    await topic.send("consumption", 0, [reading("m", 1234.5678), reading("n", 1)]);
    await topic.amend({ selector: { meter: "m" }, correction: { multiply: "0.001" } });
    expect(await topic.rows("consumption")).toEqual([expect.stringContaining(",c,2.2345678,")]);
    await topic.amend({ selector: { meter: "n" }, correction: { unit: "Wh" } });
    expect(await topic.rows("consumption")).toEqual([expect.stringContaining(",c,1.2355678,")]);
  });

  test("that makes an event none is refused with its position", async () => {
    await topic.send("consumption", 0, [reading("m", 1)]);
    await expect(topic.amend({ selector: { meter: "m" }, correction: { multiply: "-1" } })).rejects.toThrow(
      "partition 0, offset 0 cannot be corrected in this way: out_of_range (reading)",
    );
    await expect(topic.amend({ selector: { meter: "m" }, correction: { unit: "hp" } })).rejects.toThrow(
      "unknown_unit",
    );
  });
});

describe("reverting", () => {
  test("gives back the bytes, once", async () => {
    await topic.send("consumption", 0, [reading("m", 1.0000001), reading("n", 2)]);
    await finalise();
    const before = await topic.rows("consumption");
    const { id } = await topic.amend({ selector: { meter: "m" } });
    expect(await topic.rows("consumption")).not.toEqual(before);
    await topic.revert(id);
    expect(await topic.rows("consumption")).toEqual(before);
    await expect(topic.revert(id)).rejects.toThrow("has been reverted before");
    await expect(topic.revert((id ?? 0) + 1)).rejects.toThrow("is itself a revert");
    await expect(topic.revert(987)).rejects.toThrow("there is no amendment 987");
    expect(await topic.query("SELECT revision, because FROM consumption_amendments ORDER BY 1")).toEqual([
      { revision: 2, because: `amendment ${id}: ran mad` },
      { revision: 3, because: `amendment ${(id ?? 0) + 1}: it had not` },
    ]);
  });

  test("keeps what came between, for rows that were emptied too", async () => {
    const late = [measured("s", -50, 3), measured("s", 500, 4), measured("t", 1, 5)];
    const first = [measured("s", 5, 0), measured("s", 9, 1), measured("t", 7, 2)];
    await topic.send("sensor", 0, [...first, ...late]);
    await finalise();
    const expected = await topic.rows("sensor");
    await topic.forget();
    await topic.send("sensor", 0, first);
    await finalise();
    const { id } = await topic.amend({ selector: { sensor: "s", type: null } });
    await topic.send("sensor", 0, late);
    await topic.revert(id);
    expect(await topic.rows("sensor")).toEqual(expected);
  });

  test("of a correction reads the events where sums do not tell the smallest", async () => {
    const first = [measured("s", 10, 0), measured("s", 20, 1)];
    const late = [measured("s", 2, 2)];
    await topic.send("sensor", 0, [...first, ...late]);
    const expected = await topic.rows("sensor");
    await topic.forget();
    await topic.send("sensor", 0, first);
    const { id } = await topic.amend({
      selector: { sensor: "s", type: null },
      correction: { multiply: "0.1" },
    });
    await topic.send("sensor", 0, late);
    await topic.revert(id);
    expect(await topic.rows("sensor")).toEqual(expected);
  });

  test("in any order of amendments that build upon each other", async () => {
    await topic.send("consumption", 0, [reading("m", 3), reading("m", 5), reading("n", 7)]);
    const before = await topic.rows("consumption");
    const correction = await topic.amend({ selector: { meter: "m" }, correction: { multiply: "10" } });
    const removal = await topic.amend({ selector: { meter: "m" } });
    expect(await topic.rows("consumption")).toEqual([expect.stringContaining(",c,7.000000,")]);
    await topic.revert(correction.id);
    expect(await topic.rows("consumption")).toEqual([expect.stringContaining(",c,7.000000,")]);
    await topic.revert(removal.id);
    expect(await topic.rows("consumption")).toEqual(before);
  });

  test("by two at once happens once", async () => {
    await topic.send("consumption", 0, [reading("m", 3)]);
    const before = await topic.rows("consumption");
    const { id } = await topic.amend({ selector: { meter: "m" } });
    const reverts = await Promise.allSettled([topic.revert(id), topic.revert(id)]);
    expect(reverts.map((r) => r.status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await topic.rows("consumption")).toEqual(before);
  });
});

test("amendments while events come: each row is the fold of what was kept and of what came after", async () => {
  for (let i = 0; i < 20; i++) await topic.send("consumption", i % 2, [reading("m", 1), reading("n", 1)]);
  let isOver = false;
  let sent = 0;
  const producing = (async () => {
    for (; !isOver; sent++) await topic.send("consumption", sent % 2, [reading("m", 1), reading("n", 1)]);
  })();
  const amended = [];
  try {
    for (let i = 0; i < 5; i++) {
      // Each has something to remove: what came while, or since, the one before was made.
      const sentBefore = sent;
      await until(
        async () => sent,
        (now) => now > sentBefore,
      );
      amended.push(await topic.amend({ selector: { meter: "m" } }));
    }
  } finally {
    isOver = true;
    await producing;
  }
  const [totals] = await topic.query(
    `SELECT (SELECT sum(counted) FROM ledger)::integer AS counted,
       (SELECT sum(reading_count) FROM consumption_aggregates_realtime)::integer AS in_rows,
       (SELECT sum(count_after - count_before) FROM amendment_row)::integer AS amended`,
  );
  expect(Number(totals?.counted) + Number(totals?.amended)).toBe(totals?.in_rows);
  for (const { id } of amended) await topic.revert(id);
  const rows = await topic.query(
    "SELECT reading_count::integer AS n, total_consumption::float8 AS kwh FROM consumption_aggregates_realtime",
  );
  expect(rows).toEqual([{ n: totals?.counted, kwh: totals?.counted }]);
});

test("whatever the events and the span: a removal leaves the fold of the rest, and its revert the fold of all", async () => {
  const event = fc.record({
    sensor: fc.constantFrom("a", "b"),
    type: fc.constantFrom("voltage", "power"),
    value: fc.oneof(fc.integer({ min: -5, max: 5 }), fc.double({ min: -1e6, max: 1e6, noNaN: true })),
    seconds: fc.nat(899),
  });
  const span = fc.tuple(fc.nat(899), fc.integer({ min: 1, max: 900 }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { minLength: 1, maxLength: 20 }),
      span,
      fc.boolean(),
      async (events, [from, length], isFinal) => {
        const values = events.map((e) => measured(e.sensor, e.value, e.seconds, e.type));
        const [fromUs, toUs] = [hourUs + from * 1e6, hourUs + (from + length) * 1e6];
        const isRemoved = (e: (typeof events)[number] | undefined) =>
          e?.sensor === "a" && e.seconds >= from && e.seconds < from + length;
        await topic.forget();
        const sent = await topic.send("sensor", 0, values);
        if (isFinal) await finalise();
        const all = await topic.rows("sensor");
        const { id } = await topic.amend({ selector: { sensor: "a", type: null }, fromUs, toUs });
        const actual = await topic.rows("sensor");
        if (id !== null) await topic.revert(id);
        expect(await topic.rows("sensor")).toEqual(all);

        await topic.forget();
        const kept = sent.filter((_, i) => !isRemoved(events[i]));
        if (kept.length > 0) await topic.commit("sensor", 0, kept);
        if (isFinal) await finalise();
        expect(actual.filter((row) => !row.includes(",,,0,"))).toEqual(await topic.rows("sensor"));
      },
    ),
    { numRuns: 25 },
  );
});
