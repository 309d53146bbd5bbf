// The demo's substations: what their sensors read, as a function of seed, sensor and time.

import { noise, uniform } from "../../../lib/weather/noise.ts";
import { stations, weatherAt } from "../../../lib/weather/simulator.ts";

export type SensorType = "voltage" | "current" | "power" | "frequency";

export interface Sensor {
  readonly id: string;
  readonly type: SensorType;
  readonly unit: "V" | "A" | "W" | "Hz";
  readonly substation: Substation;
  /** Where in its interval it reads, 0 to 1: sensors do not all read at once. */
  readonly phase: number;
}

export interface Substation {
  readonly id: string;
  readonly ordinal: number;
  readonly lat: number;
  readonly lon: number;
  /** Load on a mild weekday evening, W. */
  readonly ratedW: number;
  /** Of `stations`, the one whose weather it has. */
  readonly station: number;
  /** The older half writes time stamps without a zone, as the existing producers do. */
  readonly writesZone: boolean;
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const SUBSTATIONS = 50;
const POWER_FACTOR = 0.95;
const LINE_VOLTAGE = 400;
const units = { voltage: "V", current: "A", power: "W", frequency: "Hz" } as const;
const channel = { size: 11, lat: 12, lon: 13, phase: 14, grid: 20, feeder: 1_000 } as const;

/** Share of the rated load by hour of the day, working days; morning and evening peaks. */
const WORKDAY = [
  0.52, 0.47, 0.44, 0.43, 0.45, 0.53, 0.68, 0.83, 0.88, 0.84, 0.8, 0.79, 0.8, 0.78, 0.76, 0.78, 0.85, 0.95,
  1.04, 1.07, 1.02, 0.91, 0.76, 0.62,
];
const WEEKEND = [
  0.56, 0.5, 0.46, 0.44, 0.44, 0.47, 0.54, 0.63, 0.73, 0.79, 0.82, 0.84, 0.83, 0.79, 0.75, 0.75, 0.8, 0.89,
  0.98, 1.01, 0.97, 0.88, 0.76, 0.64,
];

/** Share of the rated load by hour and weekday, in Albania's standard time (UTC+1), smooth between the hours. */
export function loadShape(timeMs: number): number {
  const localHours = timeMs / HOUR_MS + 1;
  const weekday = (Math.floor(localHours / 24) + 4) % 7; // 1 January 1970 was a Thursday
  const shape = weekday === 0 || weekday === 6 ? WEEKEND : WORKDAY;
  const hour = Math.floor(localHours) % 24;
  const [now = 1, next = 1] = [shape[hour], shape[(hour + 1) % 24]];
  return now + (next - now) * (localHours % 1);
}

/** Factor for heating below 16 °C and cooling above 24 °C. */
export function temperatureFactor(celsius: number): number {
  return 1 + 0.022 * Math.max(0, 16 - celsius) + 0.028 * Math.max(0, celsius - 24);
}

const temperatures = new Map<string, number>();

/** Temperature at a station, to the ten minutes: sensors of a place ask for it over and over. */
export function temperatureAt(seed: number, station: number, timeMs: number): number {
  const slot = Math.floor(timeMs / (10 * MINUTE_MS));
  const key = `${seed}/${station}/${slot}`;
  let celsius = temperatures.get(key);
  if (celsius === undefined) {
    const place = stations[station % stations.length];
    celsius = place === undefined ? 15 : weatherAt(seed, place, slot * 10 * MINUTE_MS).temperatureCelsius;
    if (temperatures.size > 5_000) temperatures.clear();
    temperatures.set(key, celsius);
  }
  return celsius;
}

/** The 50 substations of a seed. */
export function substationsOf(seed: number): Substation[] {
  return Array.from({ length: SUBSTATIONS }, (_, i) => {
    const lat = 41 + uniform(seed, channel.lat, i);
    const lon = 19 + 2 * uniform(seed, channel.lon, i);
    const distance = (s: { lat: number; lon: number }) => (s.lat - lat) ** 2 + (s.lon - lon) ** 2;
    const nearest = stations.reduce(
      (best, s, k) => (distance(s) < distance(stations[best] ?? s) ? k : best),
      0,
    );
    return {
      id: `SS-${String(i + 1).padStart(3, "0")}`,
      ordinal: i,
      lat: Math.round(lat * 1e4) / 1e4,
      lon: Math.round(lon * 1e4) / 1e4,
      ratedW: Math.round(120_000 + 900_000 * uniform(seed, channel.size, i) ** 2),
      station: nearest,
      writesZone: i >= SUBSTATIONS / 2,
    };
  });
}

/** All sensors, in the order in which they read within an interval. */
export function sensorsOf(seed: number): Sensor[] {
  const types: readonly SensorType[] = ["voltage", "current", "power", "frequency"];
  return substationsOf(seed)
    .flatMap((substation) =>
      types.map((type, k) => ({
        id: `${substation.id}-${type}`,
        type,
        unit: units[type],
        substation,
        phase: uniform(seed, channel.phase, substation.ordinal * 4 + k),
      })),
    )
    .sort((a, b) => a.phase - b.phase);
}

/** Mains frequency, Hz: wanders around 50 and is drawn back, the same for the whole grid. */
export function gridFrequency(seed: number, timeMs: number): number {
  const walk =
    0.022 * noise(seed, channel.grid, timeMs, 5 * MINUTE_MS) +
    0.014 * noise(seed, channel.grid + 1, timeMs, MINUTE_MS) +
    0.007 * noise(seed, channel.grid + 2, timeMs, 15_000);
  return 50 + walk;
}

function powerW(seed: number, { ordinal, ratedW, station }: Substation, timeMs: number): number {
  const feeder = channel.feeder + ordinal * 10;
  const weather = temperatureFactor(temperatureAt(seed, station, timeMs));
  const wander =
    1 +
    0.06 * noise(seed, feeder, timeMs, 30 * MINUTE_MS) +
    0.03 * noise(seed, feeder + 1, timeMs, 2 * MINUTE_MS);
  return ratedW * loadShape(timeMs) * weather * wander;
}

/** What a sensor reads, in its unit, with the decimals of a real one. */
export function readingOf(seed: number, { type, substation }: Sensor, timeMs: number): number {
  if (type === "frequency") {
    const own = 0.001 * noise(seed, channel.feeder + substation.ordinal * 10 + 2, timeMs, 5_000);
    return Math.round((gridFrequency(seed, timeMs) + own) * 1e4) / 1e4;
  }
  const watts = powerW(seed, substation, timeMs);
  if (type === "power") return Math.round(watts * 10) / 10;
  if (type === "current")
    return Math.round((watts / (Math.sqrt(3) * LINE_VOLTAGE * POWER_FACTOR)) * 1e3) / 1e3;
  const supply = 2.5 * noise(seed, channel.feeder + substation.ordinal * 10 + 3, timeMs, 20 * MINUTE_MS);
  const sag = 8 * (watts / substation.ratedW);
  return Math.round((236 + supply - sag) * 1e3) / 1e3;
}
