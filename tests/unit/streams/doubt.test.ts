// What is doubted, and what is not: a value that could be right is never doubted.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { doubtsInWords } from "../../../lib/quarantine/doubtful.ts";
import { doubtReasons } from "../../../lib/streams/doubt.ts";
import type { Event, Stream } from "../../../lib/streams/stream.ts";
import { consumptionStream, sensorStream, weatherStream } from "../../../lib/streams/streams.ts";
import { stations, weatherMessage } from "../../../lib/weather/simulator.ts";
import { foldRecords, noFacts } from "../../../lib/windows/fold.ts";

function foldOf<E extends Event>(stream: Stream<E>, events: readonly object[]) {
  const records = events.map((event, offset) => ({
    ...{ offset, recordTimeMs: 0 },
    value: Buffer.from(JSON.stringify(event)),
  }));
  return foldRecords(stream, records, noFacts);
}

const tirana = { lat: 41.33, lon: 19.82 };
const winter = "2026-01-15T10:00:00Z";
const summer = "2026-07-15T13:00:00Z";
const weather = {
  ...{ timestamp: winter, temperature: 7.5, humidity: 80, pressure: 1013.2, wind_speed: 3.1 },
  ...{ weather_condition: "Cloudy", location: tirana },
};

test.each<[object, string[]]>([
  [{}, []],
  // 84 % as a fraction. 1.1 % has been measured, in deserts.
  [{ humidity: 0.84 }, ["humidity 0.84 fits_fraction"]],
  [{ humidity: 1 }, ["humidity 1 fits_fraction"]],
  [{ humidity: 0 }, ["humidity 0 fits_fraction"]],
  [{ humidity: 1.1 }, []],
  [{ humidity: 100 }, []],
  // 25 m/s is the most that the old simulation draws, and 40 a storm.
  [{ wind_speed: 40 }, []],
  [{ wind_speed: 55 }, ["wind_speed 55 fits_kilometres_per_hour"]],
  // 50 °F is 10 °C, 68 °F is 20 °C. 30 °C has been measured in January at 39 °N, 49.6 °C in summer at 50 °N.
  [{ temperature: 50 }, ["temperature 50 fits_fahrenheit"]],
  [{ temperature: 50, timestamp: "2026-11-30T10:00Z" }, ["temperature 50 fits_fahrenheit"]],
  [{ temperature: 68, timestamp: summer }, ["temperature 68 fits_fahrenheit"]],
  [{ temperature: 45, timestamp: summer }, []],
  [{ temperature: 28 }, []],
  [{ temperature: 38, location: { lat: 32, lon: 34 } }, []],
  [{ temperature: 45, location: { lat: -34, lon: 150 } }, []], // January is summer there
  [
    { temperature: 45, location: { lat: -34, lon: 150 }, timestamp: summer },
    ["temperature 45 fits_fahrenheit"],
  ],
  [{ temperature: 50, location: { lat: 15, lon: 33 } }, []],
  [{ temperature: 60, location: { lat: 15, lon: 33 } }, ["temperature 60 fits_fahrenheit"]],
  [{ temperature: -95 }, ["temperature -95 beyond_record"]],
  // Mountains have low pressure, Siberia in winter 1084.
  [{ pressure: 760 }, []],
  [{ pressure: 1084 }, []],
  [{ pressure: 1099 }, ["pressure 1099 beyond_record"]],
  [
    { humidity: 0.5, wind_speed: 90 },
    ["humidity 0.5 fits_fraction", "wind_speed 90 fits_kilometres_per_hour"],
  ],
])("weather with %j: %j, and it is counted", (changes, expected) => {
  const { counted, doubtful } = foldOf(weatherStream, [{ ...weather, ...changes }]);
  expect(counted).toBe(1);
  expect(doubtful.map(({ field, value, reason }) => `${field} ${value} ${reason}`)).toEqual(expected);
});

test.each<[string, number, boolean]>([
  ["frequency", 50_000, true],
  ["frequency", 49_987, true],
  ["frequency", 4_998, true],
  ["frequency", 501, true],
  ["frequency", 0.05, true],
  ["frequency", 49.98, false],
  ["frequency", 60, false],
  ["frequency", 16.7, false],
  ["frequency", 400, false],
  ["frequency", 0, false],
  ["frequency", -50_000, false],
  ["voltage", 0.23, false],
  ["voltage", 50_000, false],
  ["power", 50_000, false],
])("a sensor of %s with %d is doubted: %s", (sensor_type, value, expected) => {
  const event = { event_id: "e", sensor_id: "s", sensor_type, value, timestamp: winter };
  const { counted, doubtful } = foldOf(sensorStream, [event]);
  expect(counted).toBe(1);
  expect(doubtful).toEqual(
    expected ? [expect.objectContaining({ field: "value", value, reason: "fits_scaled_hertz" })] : [],
  );
});

test("meter readings are never doubted: a meter may be a household's or a country's", () => {
  const reading = { event_id: "e", meter_id: "m", customer_id: "c", reading: 1e12, timestamp: winter };
  expect(foldOf(consumptionStream, [reading]).doubtful).toEqual([]);
});

test("what is not counted is not doubted: duplicates, conflicts, too late, refused", () => {
  const one = { ...weather, event_id: "w", humidity: 0.5 };
  const { doubtful, duplicates, conflicts, tooLate, refused } = foldOf(weatherStream, [
    one,
    one,
    { ...one, humidity: 0.6 },
    { ...weather, humidity: 0.7, timestamp: "1999-01-01T00:00Z" },
    { ...weather, humidity: 0.8, temperature: 288.15 },
  ]);
  expect([duplicates, conflicts.length, tooLate.length, refused.length]).toEqual([1, 1, 1, 1]);
  expect(doubtful).toEqual([
    { offset: 0, timeUs: Date.parse(winter) * 1000, field: "humidity", value: 0.5, reason: "fits_fraction" },
  ]);
});

test("our own weather is never doubted, nor is that of the old producers", () => {
  const start = Date.UTC(2026, 0, 1);
  const ours = Array.from({ length: 3_000 }, (_, i) => {
    const station = stations[i % stations.length];
    if (station === undefined) throw new Error("no station");
    return weatherMessage(1, station, start + i * 10_523_000, `e${i}`);
  });
  const corners = [15, 30].flatMap((temperature) =>
    [30, 90].flatMap((humidity) =>
      [0, 25].map((wind_speed) => ({ ...weather, temperature, humidity, wind_speed })),
    ),
  );
  const { doubtful, counted } = foldOf(weatherStream, [...ours, ...corners]);
  expect(doubtful).toEqual([]);
  expect(counted).toBe(3_008);
});

test("the reasons' words are those of docs/quarantine.md, no more and no fewer", () => {
  const file = new URL("../../../docs/quarantine.md", import.meta.url);
  const [, section = ""] = readFileSync(file, "utf8").split("## Doubtful values");
  const rows = [...section.matchAll(/^\| `(\w+)` +\| (.+?) +\|$/gm)];
  expect(Object.fromEntries(rows.map((row) => [row[1], row[2]]))).toEqual(doubtsInWords);
  expect(Object.keys(doubtsInWords)).toEqual(doubtReasons);
});
