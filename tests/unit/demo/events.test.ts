// The simulated world: reproducible from its seed, like the real one in its statistics, and valid by the contract.
import { describe, expect, test } from "vitest";
import {
  type DemoEvent,
  meterEvents,
  sensorEvents,
  weatherEvents,
} from "../../../commands/start/demo/events.ts";
import { gridFrequency, sensorsOf } from "../../../commands/start/demo/grid.ts";
import { metersOf } from "../../../commands/start/demo/meters.ts";
import { isRefusal } from "../../../lib/streams/refusal.ts";
import { consumptionStream, sensorStream, weatherStream } from "../../../lib/streams/streams.ts";
import { stations, weatherAt } from "../../../lib/weather/simulator.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const noon = Date.UTC(2026, 10, 24, 12);
const tirana = stations[0];
if (tirana === undefined) throw new Error("no stations");

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function hourly(read: (timeMs: number) => number, days: number, fromMs = Date.UTC(2026, 0, 1)): number[] {
  return Array.from({ length: days * 24 }, (_, i) => read(fromMs + i * HOUR));
}

function autocorrelation(values: readonly number[], lag: number): number {
  const m = mean(values);
  const covariance = mean(values.slice(lag).map((v, i) => (v - m) * ((values[i] ?? m) - m)));
  return covariance / mean(values.map((v) => (v - m) ** 2));
}

describe("events", () => {
  const all = (seed: number, fromMs: number, toMs: number): DemoEvent[][] => {
    const span = { fromMs, toMs };
    return [
      [...sensorEvents(seed, span, 60_000)],
      [...meterEvents(seed, span)],
      [...weatherEvents(seed, span, 60_000)],
    ];
  };

  test("are the same for the same seed, at once or piece by piece, and others for another", () => {
    const whole = all(1, noon, noon + HOUR);
    const pieces = [0, 7, 31, 60]
      .slice(1)
      .map((to, i) => all(1, noon + ([0, 7, 31][i] ?? 0) * 60_000, noon + to * 60_000));
    for (const stream of [0, 1, 2])
      expect(pieces.flatMap((piece) => piece[stream] ?? [])).toEqual(whole[stream]);
    expect(all(2, noon, noon + HOUR)).not.toEqual(whole);
  });

  test("are as many as promised, in the order of their times, and valid", () => {
    const [sensor = [], meter = [], weather = []] = all(1, noon, noon + DAY);
    expect([sensor.length, meter.length, weather.length]).toEqual([200 * 1440, 200 * 96, 6 * 1440]);
    for (const [events, decode] of [
      [sensor, sensorStream.decode],
      [meter, consumptionStream.decode],
      [weather, weatherStream.decode],
    ] as const) {
      expect(events.every((event, i) => i === 0 || event.timeMs >= (events[i - 1]?.timeMs ?? 0))).toBe(true);
      for (const event of events.filter((_, i) => i % 17 === 0)) {
        const decoded = decode(Buffer.from(event.value));
        expect(isRefusal(decoded) ? decoded : Math.floor(decoded.timeUs / 1000)).toBe(event.timeMs);
      }
    }
    expect(new Set(meter.map((event) => event.key)).size).toBe(200);
    expect(sensor.some((e) => e.value.includes('"timestamp":"2026-11-24T12:00:00.103001"'))).toBe(true);
  });

  test("come from 50 substations and 120 customers, with meters in each unit", () => {
    expect(new Set(sensorsOf(1).map((sensor) => sensor.substation.id)).size).toBe(50);
    expect(new Set(metersOf(1).map((meter) => meter.customerId)).size).toBe(120);
    expect(new Set(metersOf(1).map((meter) => meter.unit))).toEqual(new Set(["kWh", "Wh", "MWh"]));
  });
});

describe("the grid", () => {
  test("runs at 50 Hz, wandering a little and drawn back", () => {
    const values = Array.from({ length: 86_400 / 5 }, (_, i) => gridFrequency(1, noon + i * 5_000));
    const m = mean(values);
    const deviation = Math.sqrt(mean(values.map((v) => (v - m) ** 2)));
    expect(Math.abs(m - 50)).toBeLessThan(0.005);
    expect(deviation).toBeGreaterThan(0.005);
    expect(deviation).toBeLessThan(0.05);
    expect(autocorrelation(values, 1)).toBeGreaterThan(0.8);
    expect(Math.abs(autocorrelation(values, 360))).toBeLessThan(0.2);
  });
});

describe("the weather", () => {
  const year = hourly((t) => weatherAt(1, tirana, t).temperatureCelsius, 365);
  const month = (m: number) =>
    mean(year.filter((_, i) => new Date(Date.UTC(2026, 0, 1) + i * HOUR).getUTCMonth() === m));

  test("has Tirana's seasons and days", () => {
    expect(month(0)).toBeGreaterThan(4);
    expect(month(0)).toBeLessThan(10);
    expect(month(6)).toBeGreaterThan(22);
    expect(month(6)).toBeLessThan(28);
    const byHour = (hour: number) => mean(year.filter((_, i) => i % 24 === hour));
    expect(byHour(13) - byHour(4)).toBeGreaterThan(4);
  });

  test("persists for hours and changes over days", () => {
    const pressure = hourly((t) => weatherAt(1, tirana, t).pressureHpa, 365);
    expect(autocorrelation(pressure, 1)).toBeGreaterThan(0.95);
    expect(Math.abs(autocorrelation(pressure, 240))).toBeLessThan(0.25);
  });

  test("brings rain and storms with low pressure, and every condition in its share", () => {
    const samples = Array.from({ length: 3 * 8760 }, (_, i) =>
      weatherAt(1, tirana, Date.UTC(2026, 0, 1) + i * HOUR),
    );
    const wet = samples.filter((w) => w.condition === "Rainy" || w.condition === "Stormy");
    expect(mean(wet.map((w) => w.pressureHpa))).toBeLessThan(mean(samples.map((w) => w.pressureHpa)) - 5);
    const share = (condition: string) =>
      samples.filter((w) => w.condition === condition).length / samples.length;
    for (const condition of ["Sunny", "Cloudy", "Rainy", "Windy", "Stormy", "Foggy"])
      expect(share(condition)).toBeGreaterThan(0.001);
    expect(share("Sunny")).toBeGreaterThan(0.3);
  });
});
