// Entries in the order of time as readings: differences of standings, and what occurs twice.

import { parseDecimal } from "../../lib/core/decimal.ts";
import { type Decimal, formatDecimal } from "../../lib/core/exact.ts";
import { difference } from "./decimal.ts";
import type { Entry } from "./entry.ts";
import type { EnergyUnit, LeftOut, Skipped } from "./layout.ts";
import { seriesKey } from "./local-times.ts";
import type { Reading } from "./reading.ts";
import { inKilo } from "./units.ts";

/** A reading; or one whose meter has, at the same time and in the same column, another value in an earlier row. */
export type Outcome =
  | {
      readonly kind: "reading";
      readonly reading: Reading;
      readonly conflictsWith: number | null;
      readonly lengthUs: number | null;
    }
  | Skipped
  | LeftOut;

interface Standing {
  readonly timeUs: number;
  readonly line: number;
  readonly value: Decimal;
  readonly unit: EnergyUnit | "";
}

function decimalOf(entry: Entry): Decimal {
  const value = parseDecimal(entry.value);
  if (value === null) throw new Error(`line ${entry.line}: "${entry.value}" is no number`);
  return value;
}

/** The energy between two standings, in the later one's unit. */
function energyBetween(before: Standing, now: Standing): { value: Decimal; unit: EnergyUnit | "" } {
  if (before.unit === now.unit || now.unit === "" || before.unit === "")
    return { value: difference(now.value, before.value), unit: now.unit };
  return { value: difference(inKilo(now.value, now.unit), inKilo(before.value, before.unit)), unit: "kWh" };
}

class Standings {
  readonly #last = new Map<string, Standing>();

  /** The reading from the standing before to this one; it starts where that one was read. */
  take(entry: Entry): Outcome {
    const now: Standing = {
      timeUs: entry.timeUs,
      line: entry.line,
      value: decimalOf(entry),
      unit: entry.unit,
    };
    const key = seriesKey(entry);
    const before = this.#last.get(key);
    if (before === undefined) {
      this.#last.set(key, now);
      return { kind: "leftOut", line: entry.line, reason: "the first standing of a register" };
    }
    const { value, unit } = energyBetween(before, now);
    if (before.timeUs === now.timeUs)
      return value.unscaled === 0n
        ? { kind: "leftOut", line: entry.line, reason: "a standing that is there twice" }
        : { kind: "skipped", line: entry.line, reason: "another standing of the same register and time" };
    this.#last.set(key, now);
    if (value.unscaled < 0n)
      return {
        kind: "skipped",
        line: entry.line,
        reason:
          "the register has fallen (exchanged, or set to 0): what it counted since the row before is unknown",
      };
    const { line, column, series } = entry;
    const reading = { timeUs: before.timeUs, line, column, series, value: formatDecimal(value), unit };
    return { kind: "reading", reading, conflictsWith: null, lengthUs: now.timeUs - before.timeUs };
  }
}

function isEqual(a: Entry, b: Entry): boolean {
  return difference(decimalOf(a), decimalOf(b)).unscaled === 0n && a.unit === b.unit;
}

/** @param entries in the order of their times */
export async function* readingsOf(entries: AsyncIterable<Entry>): AsyncIterable<Outcome> {
  const standings = new Standings();
  let timeUs = Number.NaN;
  const atThisTime = new Map<string, Entry>();
  for await (const entry of entries) {
    if (entry.what === "standing") {
      yield standings.take(entry);
      continue;
    }
    if (entry.timeUs !== timeUs) atThisTime.clear();
    timeUs = entry.timeUs;
    const key = seriesKey(entry);
    const other = atThisTime.get(key);
    if (other === undefined) atThisTime.set(key, entry);
    if (other !== undefined && isEqual(other, entry)) {
      yield {
        kind: "skipped",
        line: entry.line,
        reason: "repeats an earlier row (meter, time, column and value)",
      };
      continue;
    }
    yield { kind: "reading", reading: entry, conflictsWith: other?.line ?? null, lengthUs: null };
  }
}
