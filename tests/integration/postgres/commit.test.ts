// Promises 1 and 2: any order, cut, repetition and overlap of deliveries gives the same tables, byte for byte.
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { LogRecord } from "../../../lib/core/log-record.ts";
import { postgresJudge } from "../../../lib/postgres/judge.ts";
import { forgetLateness } from "../../../lib/postgres/retention.ts";
import type { Event, Stream } from "../../../lib/streams/stream.ts";
import { consumptionStream, sensorStream, weatherStream } from "../../../lib/streams/streams.ts";
import { commitRecords, type LatenessRules } from "../../../lib/windows/commit.ts";
import { createDatabase, emptyTables, snapshot, type TestDatabase } from "../database.ts";

const rules: LatenessRules = { futureSkewUs: 600e6, amendmentHorizonUs: 7 * 86_400e6 };
const base = Date.UTC(2026, 0, 15, 10);

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());
beforeEach(() => emptyTables(database.pool));

function isoAt(secondsAfterBase: number): string {
  return new Date(base + secondsAfterBase * 1000).toISOString();
}

function commit<E extends Event>(stream: Stream<E>, partition: number, records: readonly LogRecord[]) {
  const address = { source: "test", topic: stream.name, partition };
  return commitRecords(postgresJudge(database.pool), stream, address, records, rules);
}

const second = fc.nat(3 * 3600);
const sensorValue = fc.oneof(
  fc.integer({ min: -1e9, max: 1e9 }).map((n) => n / 1e6),
  fc.double({ min: -1e9, max: 1e9, noNaN: true }).filter((v) => v === 0 || Math.abs(v) > 1e-20),
);
const events = {
  sensor: fc
    .record({
      id: fc.constantFrom("a", "b", "__proto__"),
      type: fc.constantFrom("voltage", "power"),
      v: sensorValue,
      at: second,
    })
    .map(({ id, type, v, at }) => ({
      event_id: `${id}_${at}`,
      sensor_id: id,
      sensor_type: type,
      value: v,
      timestamp: isoAt(at),
    })),
  consumption: fc
    .record({
      meter: fc.constantFrom("m1", "m2"),
      reading: fc.nat(99_999).map((n) => n / 1e4),
      unit: fc.constantFrom("kWh", "Wh", "MWh"),
      at: second,
    })
    // The identity follows from the content: a repetition is a producer's retry of the same event.
    .map(({ meter, reading, unit, at }) => ({
      event_id: `${meter}_${at}_${reading}_${unit}`,
      meter_id: meter,
      customer_id: `c-${meter}`,
      reading,
      unit,
      timestamp: isoAt(at),
    })),
  weather: fc
    .record({
      t: fc.integer({ min: -100, max: 400 }),
      c: fc.constantFrom("Sunny", "Rainy", "Drizzle"),
      at: second,
    })
    .map(({ t, c, at }) => ({
      timestamp: isoAt(at),
      temperature: t / 10,
      humidity: t > 300 ? (400 - t) / 100 : 50.5, // at most 1 %: doubtful
      pressure: 1000 + t / 100,
      wind_speed: 3.3,
      weather_condition: c,
      // Each temperature at a place of its own: a doubt by a station's history may depend on the order (decision 17).
      location: { lat: 20 + (t + 100) / 20, lon: 20 },
    })),
};

function logOf(values: fc.Arbitrary<object>): fc.Arbitrary<LogRecord[]> {
  const poison = fc.constantFrom<Buffer | null>(null, Buffer.alloc(0), Buffer.from("{"), Buffer.from([0xff]));
  const value = fc.oneof(
    { weight: 9, arbitrary: values.map((v) => Buffer.from(JSON.stringify(v))) },
    { weight: 1, arbitrary: poison },
  );
  return fc
    .array(fc.record({ value, gap: fc.constantFrom(0, 0, 0, 2) }), { minLength: 1, maxLength: 40 })
    .map((items) => {
      let offset = 0;
      return items.map(({ value, gap }, i) => {
        offset += gap + 1;
        // Some come before their event time, some hours after it, some on the next day.
        return { offset, recordTimeMs: base + i * 1_700_000, value };
      });
    });
}

/** Cuts of the log: whole coverage in some order, with repetitions and overlaps, as pollers could deliver it. */
function deliveriesOf(length: number): fc.Arbitrary<[number, number][]> {
  const cut = fc
    .tuple(fc.nat(length - 1), fc.integer({ min: 1, max: 12 }))
    .map(([from, n]): [number, number] => [from, from + n]);
  const covering = fc
    .array(fc.integer({ min: 1, max: 10 }), { minLength: length, maxLength: length })
    .map((sizes) => {
      const cuts: [number, number][] = [];
      for (let from = 0, i = 0; from < length; i++) {
        const to = Math.min(length, from + (sizes[i] ?? 1));
        cuts.push([from, to]);
        from = to;
      }
      return cuts;
    });
  return fc
    .tuple(covering, fc.array(cut, { maxLength: 5 }))
    .chain(([all, extra]) =>
      fc.shuffledSubarray([...all, ...extra], { minLength: all.length + extra.length }),
    );
}

async function checkAnyDelivery<E extends Event>(
  stream: Stream<E>,
  values: fc.Arbitrary<object>,
  numRuns: number,
  { hasRetries }: { readonly hasRetries: boolean },
) {
  // Which one of a producer's retries is counted depends on the order (decision 5), and so does its bucket; not their sum.
  const latenessOf = (rows: string[]) => {
    const events = rows.reduce((sum, row) => sum + Number(/,(\d+)\)$/.exec(row)?.[1]), 0);
    return hasRetries ? events : rows;
  };
  const cases = logOf(values).chain((log) =>
    fc.tuple(fc.constant(log), deliveriesOf(log.length), fc.boolean()),
  );
  await fc.assert(
    fc.asyncProperty(cases, async ([log, deliveries, concurrently]) => {
      await emptyTables(database.pool);
      await commit(stream, 0, log);
      const expected = await snapshot(database.pool);

      await emptyTables(database.pool);
      const calls = deliveries.map(
        ([from, to]) =>
          () =>
            commit(stream, 0, log.slice(from, to)),
      );
      if (concurrently) await Promise.all(calls.map((call) => call()));
      else for (const call of calls) await call();
      const actual = await snapshot(database.pool);
      // Holes between two deliveries are settled by neither; their offsets hold no record.
      const withoutRanges = (rows: string[]) => rows.map((row) => row.replace(/"?\{[^}]*\}"?/, "ranges"));
      const comparable = (tables: typeof actual) => ({
        ...tables,
        lateness: latenessOf(tables.lateness),
        ledger: withoutRanges(tables.ledger),
      });
      expect(comparable(actual)).toEqual(comparable(expected));
    }),
    { numRuns },
  );
}

describe("redelivery in any order, overlapping or bisected batches: only the missing offsets are applied", () => {
  test("sensor", () => checkAnyDelivery(sensorStream, events.sensor, 60, { hasRetries: false }));
  test("consumption, with producers' retries", () =>
    checkAnyDelivery(consumptionStream, events.consumption, 60, { hasRetries: true }));
  test("weather", () => checkAnyDelivery(weatherStream, events.weather, 60, { hasRetries: false }));
});

function record(offset: number, value: object | null, recordTimeMs = base + offset): LogRecord {
  return { offset, recordTimeMs, value: value === null ? null : Buffer.from(JSON.stringify(value)) };
}

function reading(eventId: string, kwh: number, timestamp: string) {
  return { event_id: eventId, meter_id: "m", customer_id: "c", reading: kwh, timestamp };
}

describe("a commit", () => {
  test("settles the holes inside a delivery, and its ledger adds up", async () => {
    const outcome = await commit(consumptionStream, 0, [
      record(5, reading("a", 1.5, isoAt(0))),
      record(6, null),
      record(9, reading("a", 1.5, isoAt(0))),
      record(10, reading("old", 1, "1970-01-01T00:00:00Z")),
    ]);
    expect(outcome).toMatchObject({ counted: 1, quarantined: 1, duplicates: 1, tooLate: 1, replayed: 0 });
    const { ledger, consumption, quarantine, tooLate, lateness } = await snapshot(database.pool);
    expect(ledger[0]).toContain('"{[5,11)}",4,1,1,1,1');
    expect(consumption).toHaveLength(1);
    expect(quarantine).toEqual(["(consumption,0,6,null_value,,)"]);
    expect(tooLate).toHaveLength(1);
    // Counted: 5 ms after its event time; too late: 56 years. Neither the retry nor what is no event.
    expect(lateness).toEqual([
      "(consumption,consumption,0,2026-01-15,1,1)",
      "(consumption,consumption,0,2026-01-15,2147483648,1)",
    ]);
  });

  test("forgets lateness of more than 400 days ago and of days to come", async () => {
    const day = 86_400_000;
    const now = Date.now();
    const times = [now - 402 * day, now - 398 * day, now, now + 3 * day];
    await commit(
      sensorStream,
      0,
      times.map((recordTimeMs, i) => {
        const event = { event_id: "e", sensor_id: "s", sensor_type: "power", value: i, timestamp: isoAt(0) };
        return record(i, event, recordTimeMs);
      }),
    );
    expect((await snapshot(database.pool)).lateness).toHaveLength(4);
    await forgetLateness(database.pool);
    const { rows } = await database.pool.query("SELECT day::text FROM lateness ORDER BY 1");
    const dayOf = (timeMs: number) => ({ day: new Date(timeMs).toISOString().slice(0, 10) });
    expect(rows).toEqual([dayOf(now - 398 * day), dayOf(now)]);
  });

  test("merges rows that other partitions make or change at the same time, and none waits in a circle", async () => {
    const sensors = Array.from({ length: 100 }, (_, k) => `s${k}`);
    const deliver = (partition: number, offset: number, seconds: number) =>
      commit(
        sensorStream,
        partition,
        (partition % 2 === 0 ? sensors : sensors.toReversed()).map((id, k) => {
          const at = { event_id: `${partition} ${seconds} ${id}`, timestamp: isoAt(seconds) };
          return record(offset + k, { ...at, sensor_id: id, sensor_type: "power", value: 2 ** partition });
        }),
      );
    await deliver(4, 0, -3600); // the sensors are known
    // Twice: the window's rows are made, and changed. Another batch holds the row in the middle until all wait.
    for (const [offset, seconds] of [
      [0, 0],
      [100, 1],
    ] as const) {
      const other = await database.pool.connect();
      await other.query("BEGIN");
      const held = record(offset, {
        ...{ event_id: `held ${seconds}`, timestamp: isoAt(seconds) },
        ...{ sensor_id: "s50", sensor_type: "power", value: 16 },
      });
      const heldAt = { source: "test", topic: "sensor", partition: 5 };
      await commitRecords(postgresJudge(other), sensorStream, heldAt, [held], rules);
      const delivered = Promise.all([0, 1, 2, 3].map((partition) => deliver(partition, offset, seconds)));
      await vi.waitUntil(async () => {
        const { rows } = await database.pool.query<{ n: number }>(
          "SELECT count(DISTINCT pid)::int AS n FROM pg_locks WHERE NOT granted",
        );
        return rows[0]?.n === 4;
      });
      await other.query("COMMIT");
      other.release();
      expect((await delivered).map(({ counted, roundTrips }) => [counted, roundTrips])).toEqual(
        Array.from({ length: 4 }, () => [100, 1]),
      );
    }
    const { rows } = await database.pool.query(
      `SELECT count::int, sum_value::int AS sum, min_value::int AS min, max_value::int AS max, count(*)::int AS rows
       FROM sensor_aggregates_realtime WHERE window_start = $1 GROUP BY 1, 2, 3, 4 ORDER BY 1`,
      [isoAt(0)],
    );
    expect(rows).toEqual([
      { count: 8, sum: 30, min: 1, max: 8, rows: 99 },
      { count: 10, sum: 62, min: 1, max: 16, rows: 1 },
    ]);
  });

  test("counts an event_id once across partitions, whoever comes first", async () => {
    const delivered = [0, 1, 2, 3].map((p) =>
      commit(consumptionStream, p, [record(0, reading("same", 2, isoAt(0)))]),
    );
    const outcomes = await Promise.all(delivered);
    expect(outcomes.map((o) => o.counted).sort()).toEqual([0, 0, 0, 1]);
    const { consumption } = await snapshot(database.pool);
    expect(consumption[0]).toContain("c,2.000000,2.0000000000000000,1,open");
  });

  test("refuses what lies too far in the future by the database's clock", async () => {
    const soon = new Date(Date.now() + 300_000).toISOString();
    const far = new Date(Date.now() + 86_400_000).toISOString();
    const outcome = await commit(consumptionStream, 0, [
      record(0, reading("soon", 1, soon)),
      record(1, reading("far", 1, far)),
    ]);
    expect(outcome).toMatchObject({ counted: 1, quarantined: 1, roundTrips: 2 });
    const { quarantine } = await snapshot(database.pool);
    expect(quarantine[0]).toContain("in_future,timestamp");
  });

  test("is one round trip where all is new, and none more for a replay than it takes to know", async () => {
    const log = [record(0, reading("x", 1, isoAt(0))), record(1, reading("y", 1, isoAt(1)))];
    expect(await commit(consumptionStream, 0, log)).toMatchObject({ counted: 2, roundTrips: 1 });
    expect(await commit(consumptionStream, 0, log)).toMatchObject({ counted: 0, replayed: 2, roundTrips: 1 });
  });

  test("amends a final window as revision 2 and 3, with the earlier rows on record", async () => {
    await commit(consumptionStream, 0, [record(0, reading("a", 1, isoAt(0)))]);
    await database.pool.query("UPDATE stream_state SET watermark = $1 WHERE stream = 'consumption'", [
      isoAt(7200),
    ]);
    expect(await commit(consumptionStream, 3, [record(4, reading("b", 2, isoAt(1)))])).toMatchObject({
      late: 1,
    });
    await commit(consumptionStream, 3, [record(5, reading("c", 3, isoAt(2)))]);
    const { consumption } = await snapshot(database.pool);
    expect(consumption).toEqual([expect.stringContaining("c,6.000000,2.0000000000000000,3,final,3")]);
    const { rows } = await database.pool.query(
      "SELECT revision, total_consumption, replaced_because FROM consumption_aggregates_history ORDER BY revision",
    );
    expect(rows).toEqual([
      { revision: 1, total_consumption: "1.000000", replaced_because: "consumption-3:{[4,5)}" },
      { revision: 2, total_consumption: "3.000000", replaced_because: "consumption-3:{[5,6)}" },
    ]);
  });

  test("makes a window that nobody had seen before its watermark final at once", async () => {
    await database.pool.query("UPDATE stream_state SET watermark = $1 WHERE stream = 'consumption'", [
      isoAt(7200),
    ]);
    await commit(consumptionStream, 0, [record(0, reading("a", 1, isoAt(0)))]);
    const { consumption } = await snapshot(database.pool);
    expect(consumption[0]).toContain("final,1");
  });

  test("records events beyond the amendment horizon as too late", async () => {
    await database.pool.query("UPDATE stream_state SET watermark = $1 WHERE stream = 'consumption'", [
      isoAt(8 * 86_400),
    ]);
    const outcome = await commit(consumptionStream, 0, [
      record(0, reading("late", 1, isoAt(2 * 86_400))),
      record(1, reading("too late", 1, isoAt(0))),
    ]);
    expect(outcome).toMatchObject({ counted: 1, tooLate: 1, late: 1, roundTrips: 2 });
  });
});
