// What each stream adds up: exact sums in the contract's units, the same in any order, with the columns in the order
// of the commit's parameters.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isRefusal } from "../../../lib/streams/refusal.ts";
import type { Event, Stream } from "../../../lib/streams/stream.ts";
import { consumptionStream, sensorStream, weatherStream } from "../../../lib/streams/streams.ts";

const timestamp = "2026-01-15T10:30:00Z";
const location = { lat: 41, lon: 20 };

const measured = (value: number) => ({
  event_id: "e",
  sensor_id: "s-1",
  sensor_type: "power",
  value,
  timestamp,
});
const reading = (kwh: number, unit: string | null = "kWh") => ({
  event_id: "e",
  meter_id: "m",
  customer_id: "c-1",
  reading: kwh,
  unit,
  timestamp,
});
const weather = (temperature: number, condition: string) => ({
  timestamp,
  temperature,
  humidity: temperature + 1,
  pressure: temperature + 1000,
  wind_speed: temperature + 2,
  weather_condition: condition,
  location,
});

/** The parameters of the row that the events give. */
function foldAll<E extends Event>(stream: Stream<E>, events: readonly object[]): (string | number)[][] {
  const rows = stream.rows();
  for (const event of events) {
    expect(stream.reader.read(Buffer.from(JSON.stringify(event)), "UTC")).toBeNull();
    rows.add(0, stream.reader);
  }
  return rows.parameters();
}

const groupOf = <E extends Event>(stream: Stream<E>, event: object): string => {
  const decoded = stream.decode(Buffer.from(JSON.stringify(event)));
  return isRefusal(decoded) ? "refused" : stream.groupOf(decoded);
};

describe("a row", () => {
  test("of a sensor holds count, extremes, sum and sum of squares", () => {
    const events = [231.5, -0.25, 1e-7].map(measured);
    const sums = ["231.2500001", "53592.31250000000001"];
    expect(foldAll(sensorStream, events)).toEqual([
      ["power"],
      ["s-1"],
      [3],
      [-0.25],
      [231.5],
      ...sums.map((s) => [s]),
    ]);
  });

  test("of a sensor adds, squares and compares the digits that were sent, not the doubles next to them", () => {
    const sent = ["0.99999999999999999", "1.00000000000000001", "1"];
    const rows = sensorStream.rows();
    for (const value of sent) {
      const event = JSON.stringify(measured(0)).replace('"value":0', `"value":${value}`);
      expect(sensorStream.reader.read(Buffer.from(event), "UTC")).toBeNull();
      rows.add(0, sensorStream.reader);
    }
    const squares = "3.0000000000000000000000000000000002";
    const [least, greatest] = [sent[0], sent[1]];
    expect(rows.parameters()).toEqual([
      ["power"],
      ["s-1"],
      [3],
      [least],
      [greatest],
      ["3.00000000000000000"],
      [squares],
    ]);
  });

  test("of a customer holds count and energy in kWh, whatever the unit", () => {
    const events = [
      reading(0.25),
      reading(250, "Wh"),
      reading(0.00025, "MWh"),
      reading(5, "MWh"),
      reading(1, null),
    ];
    expect(foldAll(consumptionStream, events)).toEqual([["c-1"], [5], ["5001.750000"]]);
    expect(foldAll(consumptionStream, [reading(1e-7)])).toEqual([["c-1"], [1], ["0.0000001"]]);
    expect(foldAll(consumptionStream, [reading(1e12, "MWh")])).toEqual([
      ["c-1"],
      [1],
      ["1000000000000000.000000"],
    ]);
  });

  test("of the weather holds count, four sums and the events of each condition", () => {
    const events = [weather(7.5, "Sunny"), weather(10, "Rainy"), weather(20, "Sunny")];
    expect(foldAll(weatherStream, events)).toEqual([
      [3],
      ["37.500000"],
      ["40.500000"],
      ["3037.500000"],
      ["43.500000"],
      ['{"Sunny":2,"Rainy":1}'],
    ]);
  });

  test("is the same in any order", () => {
    const value = fc.oneof(
      fc.integer({ min: 0, max: 97e6 }).map((n) => n / 1e6),
      fc.constantFrom(1e-7, 0.1, 33.3),
    );
    const shuffled = fc
      .array(value, { minLength: 1, maxLength: 20 })
      .chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })));
    fc.assert(
      fc.property(shuffled, ([list, other]) => {
        const both = [list, other];
        const [a, b] = both.map((values) => foldAll(sensorStream, values.map(measured)));
        expect(a).toEqual(b);
        const units = (v: number) => reading(v, v > 50 ? "Wh" : "kWh");
        const [c, d] = both.map((values) => foldAll(consumptionStream, values.map(units)));
        expect(c).toEqual(d);
        const [e, f] = both.map((values) =>
          foldAll(
            weatherStream,
            values.map((v) => weather(v / 2, "Sunny")),
          ),
        );
        expect(e).toEqual(f);
      }),
    );
  });
});

describe("a stream", () => {
  test("groups as the contract says", () => {
    expect(groupOf(sensorStream, measured(1))).toBe("s-1\0power");
    expect(groupOf(consumptionStream, reading(1))).toBe("c-1");
    expect(groupOf(weatherStream, weather(1, "Sunny"))).toBe(groupOf(weatherStream, weather(2, "Rainy")));
    expect(groupOf(weatherStream, weather(1, "Sunny"))).toBe("");
  });

  test("has the contract's window: 5 minutes for sensors, an hour for the others", () => {
    const streams = [sensorStream, consumptionStream, weatherStream];
    expect(streams.map(({ name, windowUs }) => [name, windowUs])).toEqual([
      ["sensor", 300_000_000],
      ["consumption", 3_600_000_000],
      ["weather", 3_600_000_000],
    ]);
  });
});
