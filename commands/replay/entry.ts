// What is sorted by time: a measurement with its instant and its number, as plain text and numbers.

import { formatDecimal } from "../../lib/core/exact.ts";
import { UsageError } from "../../lib/core/usage-error.ts";
import { timesFraction } from "./decimal.ts";
import type { EnergyUnit, PowerUnit, Series } from "./layout.ts";
import type { Timed } from "./local-times.ts";

const HOUR_US = 3_600_000_000;

export interface Entry {
  /** Start of the interval, µs since the epoch; a standing's or a sensor's own stamp. */
  readonly timeUs: number;
  readonly line: number;
  readonly column: string;
  readonly series: Series;
  readonly what: "energy" | "standing" | "value";
  /** Plain digits. */
  readonly value: string;
  /** Empty for a sensor's value. */
  readonly unit: EnergyUnit | "";
}

const ENERGY_OF: Readonly<Record<PowerUnit, EnergyUnit>> = { W: "Wh", kW: "kWh", MW: "MWh" };

/** @throws Error where a stamp is an end and the interval's length is unknown */
export function entryOf({ timeUs, stamp, line, column, series, value, of }: Timed): Entry {
  const base = { line, column, series };
  if (of.quantity === "value")
    return { ...base, timeUs, what: "value", value: formatDecimal(value), unit: "" };
  if (of.quantity === "standing")
    return { ...base, timeUs, what: "standing", value: formatDecimal(value), unit: of.unit };
  if (stamp === "end" && of.lengthUs === null)
    throw new UsageError("stamps that are ends need the interval's length: say --interval, such as 15m");
  const startUs = stamp === "end" ? timeUs - (of.lengthUs ?? 0) : timeUs;
  if (of.quantity === "energy")
    return { ...base, timeUs: startUs, what: "energy", value: formatDecimal(value), unit: of.unit };
  const energy = timesFraction(value, of.lengthUs, HOUR_US);
  return { ...base, timeUs: startUs, what: "energy", value: formatDecimal(energy), unit: ENERGY_OF[of.unit] };
}

/** By time, then by the place in the file. */
export function compareEntries(a: Entry, b: Entry): number {
  return a.timeUs - b.timeUs || a.line - b.line;
}

/** As one line of text. */
export function writeEntry({ timeUs, line, column, series, what, value, unit }: Entry): string {
  const [kind, id, second] =
    series.kind === "meter"
      ? ["m", series.meterId, series.customerId]
      : ["s", series.sensorId, series.sensorType];
  return JSON.stringify([timeUs, line, column, kind, id, second, what, value, unit]);
}

export function readEntry(text: string): Entry {
  const [timeUs, line, column, kind, id, second, what, value, unit] = JSON.parse(text);
  const series: Series =
    kind === "m"
      ? { kind: "meter", meterId: id, customerId: second }
      : { kind: "sensor", sensorId: id, sensorType: second };
  return { timeUs, line, column, series, what, value, unit };
}
