// The demo's meters: the energy of each quarter of an hour, as a function of seed, meter and time.

import { noise, uniform } from "../../../lib/weather/noise.ts";
import { loadShape, temperatureAt, temperatureFactor } from "./grid.ts";

export interface Meter {
  readonly id: string;
  readonly customerId: string;
  readonly ordinal: number;
  readonly unit: "kWh" | "Wh" | "MWh";
  /** Mean energy of a quarter of an hour on a mild evening, kWh. */
  readonly scaleKwh: number;
  readonly station: number;
  /** How long after the quarter of an hour it reports, ms. */
  readonly reportsAfterMs: number;
}

export const INTERVAL_MS = 15 * 60_000;

const METERS = 200;
const CUSTOMERS = 120;
const channel = { size: 31, unit: 32, station: 33, report: 34, use: 5_000 } as const;

function unitOf(seed: number, i: number): Meter["unit"] {
  if (i === 0) return "MWh";
  return uniform(seed, channel.unit, i) < 0.05 ? "Wh" : "kWh";
}

/** The 200 meters of a seed, in the order in which they report; the first customers have several. */
export function metersOf(seed: number): Meter[] {
  return Array.from({ length: METERS }, (_, i) => ({
    id: `MTR-${String(i + 1).padStart(4, "0")}`,
    customerId: `CUST-${String((i % CUSTOMERS) + 1).padStart(4, "0")}`,
    ordinal: i,
    unit: unitOf(seed, i),
    scaleKwh: i === 0 ? 40 : 0.08 + 0.5 * uniform(seed, channel.size, i) ** 3,
    station: Math.floor(uniform(seed, channel.station, i) * 6),
    reportsAfterMs: Math.floor(uniform(seed, channel.report, i) * (INTERVAL_MS - 1_000)),
  })).sort((a, b) => a.reportsAfterMs - b.reportsAfterMs);
}

const decimals = { kWh: 4, Wh: 1, MWh: 7 } as const;
const perKwh = { kWh: 1, Wh: 1_000, MWh: 0.001 } as const;

/** Energy of the quarter of an hour that ends at `endMs`, in the meter's unit, with the decimals of a real one. */
export function meterReading(seed: number, meter: Meter, endMs: number): number {
  const middleMs = endMs - INTERVAL_MS / 2;
  const weather = temperatureFactor(temperatureAt(seed, meter.station, middleMs));
  const use = channel.use + meter.ordinal;
  const habit =
    1 +
    0.5 * noise(seed, use, middleMs, 2 * 3_600_000) +
    0.3 * noise(seed, use + METERS, middleMs, INTERVAL_MS);
  const kwh = meter.scaleKwh * loadShape(middleMs) * weather * Math.max(0.05, habit);
  const factor = 10 ** decimals[meter.unit];
  return Math.round(kwh * perKwh[meter.unit] * factor) / factor;
}
