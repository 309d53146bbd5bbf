// Bad input, through the real functions or the commit into a real PostgreSQL.

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { poisonOf } from "../../commands/chaos/poison.ts";
import { instantOfLocal } from "../../lib/core/zone.ts";
import { postgresJudge } from "../../lib/postgres/judge.ts";
import { postgresSweepStore } from "../../lib/postgres/sweep-store.ts";
import type { Event, Stream } from "../../lib/streams/stream.ts";
import { consumptionStream, sensorStream, weatherStream } from "../../lib/streams/streams.ts";
import { commitRecords } from "../../lib/windows/commit.ts";
import { sweepStream } from "../../lib/windows/sweep.ts";
import { createDatabase, emptyTables, type TestDatabase } from "../integration/database.ts";
import { logOf } from "../topic-log.ts";
import { hourMs, reading, recordOf } from "./readings.ts";

const rules = { futureSkewUs: 600e6, amendmentHorizonUs: 7 * 86_400e6, delayUs: 600e6, idleUs: 300e6 };

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());
beforeEach(() => emptyTables(database.pool));

function commit<E extends Event>(
  stream: Stream<E>,
  partition: number,
  values: readonly unknown[],
  first = 0,
) {
  const records = values.map((value, i) => recordOf(first + i, value));
  return commitRecords(
    postgresJudge(database.pool),
    stream,
    { source: "s", topic: "t", partition },
    records,
    rules,
  );
}

const sensor = (changes: object) => ({
  event_id: "s_1",
  sensor_id: "s",
  sensor_type: "voltage",
  value: 1,
  timestamp: "2026-01-15T10:30:00",
  ...changes,
});

test("poison: malformed JSON, empty, null value, BOM, invalid UTF-8, lone surrogate, NUL, not an object, nested 10,000 deep, 1 MB string: quarantined with raw bytes, reason and position; the batch goes on", async () => {
  const poison = poisonOf("sensor");
  const values = poison.flatMap(({ value }, i) => [value, sensor({ sensor_id: `good-${i}` })]);
  expect(await commit(sensorStream, 3, values)).toMatchObject({
    counted: poison.length,
    quarantined: poison.length,
  });
  const { rows } = await database.pool.query(
    'SELECT partition, "offset"::int, reason, field, value FROM quarantine ORDER BY "offset"',
  );
  expect(rows).toEqual(
    poison.map(({ value, reason, field }, i) => ({ partition: 3, offset: 2 * i, reason, field, value })),
  );
});

test("__proto__, constructor as keys or ids: plain data like any other", async () => {
  const ids = ["__proto__", "constructor", "toString", "hasOwnProperty"];
  await commit(
    sensorStream,
    0,
    ids.flatMap((id) => [
      sensor({ sensor_id: id, sensor_type: id }),
      sensor({ sensor_id: id, sensor_type: id }),
    ]),
  );
  const weather = (condition: string) => ({
    timestamp: "2026-01-15T10:30:00Z",
    temperature: 1,
    humidity: 1,
    pressure: 1_000,
    wind_speed: 1,
    weather_condition: condition,
    location: { lat: 41, lon: 20 },
  });
  await commit(weatherStream, 1, [weather("__proto__"), weather("__proto__"), weather("Sunny")]);
  const { rows } = await database.pool.query(
    "SELECT sensor_id, sensor_type, count FROM sensor_aggregates_realtime ORDER BY 1",
  );
  expect(rows).toEqual([...ids].sort().map((id) => ({ sensor_id: id, sensor_type: id, count: "2" })));
  const { rows: conditions } = await database.pool.query(
    "SELECT weather_condition, event_count FROM weather_aggregates_realtime",
  );
  expect(conditions).toEqual([{ weather_condition: "__proto__", event_count: "3" }]);
});

test("SQL or HTML in ids: parameters only; stored verbatim; escaped on the page (stored verbatim)", async () => {
  const ids = [
    "'; DROP TABLE ledger; --",
    "<script>alert(1)</script>",
    "$1",
    "\\x00",
    'a"b',
    "%s",
    "{1,2}",
    "(a,b)",
  ];
  await commit(
    consumptionStream,
    0,
    ids.map((id, i) => reading(i, { customer_id: id, event_id: id, meter_id: id })),
  );
  const { rows } = await database.pool.query<{ customer_id: string }>(
    "SELECT customer_id FROM consumption_aggregates_realtime",
  );
  expect(rows.map((row) => row.customer_id).sort()).toEqual([...ids].sort());
});

test("far future, far past timestamps: +1 day, +100 years: quarantined, nothing final early; 1970: never a new window, a too-late record", async () => {
  const at = (ms: number) => new Date(ms).toISOString();
  const now = Date.now();
  const outcome = await commit(consumptionStream, 0, [
    reading(0, { timestamp: at(now - 60_000) }),
    reading(1, { timestamp: at(now + 86_400_000) }),
    reading(2, { timestamp: at(now + 100 * 365 * 86_400_000) }),
    reading(3, { timestamp: "1970-01-01T00:00:00Z" }),
    reading(4, { timestamp: "1969-12-31T23:59:59Z" }),
  ]);
  expect(outcome).toMatchObject({ counted: 1, quarantined: 2, tooLate: 2 });
  const swept = await sweepStream(
    postgresSweepStore(database.pool),
    { stream: "consumption", source: "s", topic: "t" },
    logOf(async () => [{ partition: 0, first: 0, end: 5 }]),
    rules,
  );
  expect(swept.watermarkUs).toBeLessThanOrEqual((Date.now() - 600_000) * 1_000);
  const { rows } = await database.pool.query(
    "SELECT reading_count, state FROM consumption_aggregates_realtime",
  );
  expect(rows).toEqual([{ reading_count: "1", state: "open" }]);
});

test("DST and leap second: 23 and 25 hour days right in the chosen zone; :60 by a written rule", async () => {
  const zone = "Europe/Tirane";
  for (const [day, hours] of [
    ["2026-03-29", 23],
    ["2026-03-30", 24],
    ["2026-10-25", 25],
  ] as const) {
    const midnight = Date.parse(`${day}T00:00:00Z`);
    const [start, end] = [instantOfLocal(midnight, zone), instantOfLocal(midnight + 86_400_000, zone)];
    expect(((end ?? 0) - (start ?? 0)) / 3_600_000).toBe(hours);
    await emptyTables(database.pool);
    // A reading each half hour of three days; SQL cuts the local day out of the hours.
    const from = (start ?? 0) - 86_400_000;
    const values = Array.from({ length: 144 }, (_, i) =>
      reading(i, { timestamp: new Date(from + i * 1_800_000).toISOString() }),
    );
    await commit(consumptionStream, 0, values);
    const { rows } = await database.pool.query(
      `SELECT count(*)::int AS windows, sum(total_consumption)::float8 AS kwh FROM consumption_aggregates_realtime
       WHERE date_trunc('day', window_start AT TIME ZONE $1) = $2::timestamp`,
      [zone, day],
    );
    expect(rows).toEqual([{ windows: hours, kwh: 2 * hours }]);
  }

  // 23:59:60 is the last microsecond of its minute; elsewhere there is no second 60.
  await emptyTables(database.pool);
  const outcome = await commit(consumptionStream, 0, [
    reading(0, { timestamp: "2016-12-31T23:59:60Z" }),
    reading(1, { timestamp: "2017-01-01T00:59:60+01:00" }),
    reading(2, { timestamp: "2016-12-31T12:00:60Z" }),
  ]);
  expect(outcome).toMatchObject({ counted: 2, quarantined: 1 });
  const { rows } = await database.pool.query("SELECT window_start FROM consumption_aggregates_realtime");
  expect(rows).toEqual([{ window_start: new Date("2016-12-31T23:00:00Z") }]);
});

test("the same event_id at two offsets (a producer's retry): removed within the horizon where the stream says so (consumption, weather), counted", async () => {
  const twice = [reading(0), reading(0), reading(1)];
  expect(await commit(consumptionStream, 0, twice)).toMatchObject({ counted: 2, duplicates: 1 });
  expect(await commit(consumptionStream, 1, [reading(1)])).toMatchObject({ counted: 0, duplicates: 1 });
  // Sensors have no identity in this sense: each measurement counts.
  const measured = sensor({ timestamp: new Date(hourMs).toISOString() });
  expect(await commit(sensorStream, 2, [measured, measured])).toMatchObject({ counted: 2, duplicates: 0 });
  const { rows } = await database.pool.query("SELECT sum(duplicates)::int AS n FROM ledger");
  expect(rows).toEqual([{ n: 2 }]);
});
