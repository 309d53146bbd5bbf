// When two records are one event: same identity and same content is a retry, same identity and other content is a
// conflict, of which the first counts. How an event is written down does not matter, what it says does.
import { describe, expect, test } from "vitest";
import { canonicalDecimal } from "../../../lib/core/exact.ts";
import type { Event, Stream } from "../../../lib/streams/stream.ts";
import { consumptionStream, sensorStream, weatherStream } from "../../../lib/streams/streams.ts";
import { foldRecords, noFacts } from "../../../lib/windows/fold.ts";

const reading = {
  event_id: "1",
  meter_id: "m",
  customer_id: "c",
  reading: 1,
  unit: "kWh",
  timestamp: "2026-01-15T10:30:00Z",
};
const weather = {
  event_id: "1",
  timestamp: "2026-01-15T10:30:00Z",
  temperature: 7.5,
  humidity: 80,
  pressure: 1013.2,
  wind_speed: 3.1,
  weather_condition: "Cloudy",
  location: { lat: 41.33, lon: 19.82 },
};

function fold<E extends Event>(stream: Stream<E>, ...values: readonly (string | object)[]) {
  const records = values.map((value, offset) => ({
    offset,
    recordTimeMs: 0,
    value: Buffer.from(typeof value === "string" ? value : JSON.stringify(value)),
  }));
  const { counted, duplicates, conflicts, refused } = foldRecords(stream, records, noFacts);
  return { counted, duplicates, conflicts: conflicts.length, refused: refused.length };
}

const retry = { counted: 1, duplicates: 1, conflicts: 0, refused: 0 };
const conflict = { counted: 1, duplicates: 0, conflicts: 1, refused: 0 };
const two = { counted: 2, duplicates: 0, conflicts: 0, refused: 0 };

describe("a reading that comes again", () => {
  test.each<[string, string | object]>([
    ["as it was", reading],
    ["with its fields in another order", Object.fromEntries(Object.entries(reading).reverse())],
    ["with other spacing", JSON.stringify(reading, null, 2)],
    ["with 1.00 for 1", JSON.stringify(reading).replace('"reading":1', '"reading":1.00')],
    ["with 10e-1 for 1", JSON.stringify(reading).replace('"reading":1', '"reading":10e-1')],
    ["in Wh", { ...reading, reading: 1000, unit: "Wh" }],
    ["in MWh", { ...reading, reading: 0.001, unit: "MWh" }],
    ["without the unit, which is kWh", { ...reading, unit: null }],
    ["with its time in another zone", { ...reading, timestamp: "2026-01-15T11:30:00.000+01:00" }],
    ["with its time without a zone", { ...reading, timestamp: "2026-01-15T10:30:00" }],
    ["with a field that nobody counts", { ...reading, note: "sent again" }],
  ])("%s is a retry", (_, again) => {
    expect(fold(consumptionStream, reading, again)).toEqual(retry);
  });

  test.each<[string, object]>([
    ["another amount", { ...reading, reading: 1.4 }],
    ["an amount that differs in the last digit", { ...reading, reading: 1.0000000000000002 }],
    ["the same number in another unit", { ...reading, unit: "Wh" }],
    ["nothing", { ...reading, reading: 0 }],
    ["another customer", { ...reading, customer_id: "d" }],
    ["another time of the same hour", { ...reading, timestamp: "2026-01-15T10:30:00.000001Z" }],
    ["another hour", { ...reading, timestamp: "2026-01-15T11:30:00Z" }],
  ])("with %s is a conflict", (_, again) => {
    expect(fold(consumptionStream, reading, again)).toEqual(conflict);
  });

  test("of another meter is another event", () => {
    expect(fold(consumptionStream, reading, { ...reading, meter_id: "n" })).toEqual(two);
    expect(fold(consumptionStream, reading, { ...reading, meter_id: "n", reading: 2 })).toEqual(two);
    // Neither id may run into the other.
    const [ab, ba] = [
      { ...reading, meter_id: "m1", event_id: "1" },
      { ...reading, meter_id: "m", event_id: "11" },
    ];
    expect(fold(consumptionStream, ab, ba)).toEqual(two);
  });

  test("the first counts; its retries and the other's are told apart", () => {
    const other = { ...reading, reading: 1.4 };
    const { rows, conflicts } = foldRecords(
      consumptionStream,
      [reading, other, reading, other].map((value, offset) => ({
        ...{ offset: 10 + offset, recordTimeMs: 0, value: Buffer.from(JSON.stringify(value)) },
      })),
      noFacts,
    );
    expect(rows.parameters()).toEqual([["c"], [1], ["1.000000"]]);
    expect(conflicts.map(({ offset, first }) => [offset, first.log, first.offset])).toEqual([
      [11, null, 10],
      [13, null, 10],
    ]);
    expect(JSON.parse(String(conflicts[0]?.value))).toEqual(other);
    expect(JSON.parse(String(conflicts[0]?.first.value))).toEqual(reading);
  });
});

describe("weather that comes again", () => {
  test("is a retry with the same measurements, however written", () => {
    const again = `{"wind_speed": 3.10, ${JSON.stringify(weather).slice(1)}`;
    expect(fold(weatherStream, weather, again)).toEqual(retry);
  });

  test.each([
    { temperature: 7.6 },
    { humidity: 81 },
    { pressure: 1013.3 },
    { wind_speed: 0 },
    { weather_condition: "Rainy" },
    { timestamp: "2026-01-15T10:30:01Z" },
  ])("with %j is a conflict", (change) => {
    expect(fold(weatherStream, weather, { ...weather, ...change })).toEqual(conflict);
  });

  test("of another place is another event, and so is each without an id", () => {
    expect(fold(weatherStream, weather, { ...weather, location: { lat: 41.33, lon: 19.83 } })).toEqual(two);
    expect(fold(weatherStream, { ...weather, event_id: null }, { ...weather, event_id: null })).toEqual(two);
  });

  test("a place written otherwise is the same place", () => {
    expect(
      fold(weatherStream, weather, JSON.stringify(weather).replace('"lat":41.33', '"lat":41.330')),
    ).toEqual(retry);
  });
});

test("measurements of a sensor have no identity: each counts", () => {
  const sensor = {
    event_id: "s_1",
    sensor_id: "s",
    sensor_type: "power",
    value: 1,
    timestamp: reading.timestamp,
  };
  expect(fold(sensorStream, sensor, sensor, { ...sensor, value: 2 })).toMatchObject({ counted: 3 });
});

describe("an id in a record is text", () => {
  const numbers = ["1234567890123456789", "1234567890123456790", "7", "7.22E+13", "true", '{"a":1}', '["a"]'];
  const withId = (event: object, field: string, json: string) =>
    `${JSON.stringify({ ...event, [field]: undefined }).slice(0, -1)},"${field}":${json}}`;

  test.each([
    ["reading", "event_id", consumptionStream, reading],
    ["reading", "meter_id", consumptionStream, reading],
    ["reading", "customer_id", consumptionStream, reading],
    ["weather", "event_id", weatherStream, weather],
  ] as const)("%s %s", (_, field, stream, event) => {
    for (const json of numbers)
      expect(stream.decode(Buffer.from(withId(event, field, json)))).toMatchObject({
        ...{ refused: "wrong_type", field },
      });
  });

  test.each(["event_id", "sensor_id", "sensor_type"])("sensor %s", (field) => {
    const sensor = {
      event_id: "e",
      sensor_id: "s",
      sensor_type: "power",
      value: 1,
      timestamp: reading.timestamp,
    };
    for (const json of numbers)
      expect(sensorStream.decode(Buffer.from(withId(sensor, field, json)))).toMatchObject({
        ...{ refused: "wrong_type", field },
      });
  });
});

test.each([
  [0, 0, "0"],
  [1, 0, "1e0"],
  [1000, -3, "1e0"],
  [0.001, 3, "1e0"],
  [1.5, 0, "15e-1"],
  [1500, -3, "15e-1"],
  [1e21, 0, "1e21"],
  [1.5e-7, 0, "15e-8"],
  [-0.5, 0, "-5e-1"],
  [100.25, 0, "10025e-2"],
])("%d × 10^%d is %s", (value, power, text) => {
  expect(canonicalDecimal(value, power)).toBe(text);
});
