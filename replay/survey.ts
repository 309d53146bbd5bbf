// One look at all readings before any is sent: sums by series and day, and what is doubted.

import { type Decimal, ExactSum, formatDecimal } from "../lib/core/exact.ts";
import { formatInstant } from "../lib/core/instant.ts";
import { difference, parseDecimal } from "./decimal.ts";
import type { Doubt, Measurement } from "./layout.ts";
import { keyOf, type Reading } from "./reading.ts";
import type { Outcome } from "./readings.ts";
import { Troubles } from "./troubles.ts";
import { inKilo } from "./units.ts";

export interface Total {
  count: number;
  /** Energy; 0 for sensors. */
  readonly sumKwh: ExactSum;
}

/** What the values of one series have shown, in the order of time. */
interface Course {
  readonly first: Decimal;
  last: Decimal;
  count: number;
  grows: boolean;
  readonly line: number;
  lastUs: number;
  /** Steps from one value to the next that are longer than an hour. */
  longSteps: number;
}

const HOUR_US = 3_600_000_000;
/** Energy that only grows is a standing where it has so many values, or fewer that change little. */
const GROWING_VALUES = 6;

function looksLikeStanding({ first, last, count, grows }: Course): boolean {
  const growth = difference(last, first).unscaled;
  if (!grows || growth === 0n || count < 3) return false;
  return count >= GROWING_VALUES || difference(difference(last, first), first).unscaled <= 0n;
}

/** An id that a spreadsheet has shortened: 7.22E+13, or more than 15 digits that end in zeros. */
function isShortened(id: string): boolean {
  return /^\d([.,]\d+)?E\+?\d+$/i.test(id) || /^\d{15}0+$/.test(id);
}

export class Survey {
  readonly skipped = new Troubles();
  readonly leftOut = new Troubles();
  readonly bySeries = new Map<string, Total>();
  readonly byDay = new Map<string, Total>();
  count = 0;
  first: Reading | null = null;
  last: Reading | null = null;
  readonly #courses = new Map<string, Course>();
  readonly #doubts: Doubt[] = [];
  #negative: { count: number; readonly line: number } | null = null;
  #conflicts: { count: number; readonly lines: string; readonly key: string } | null = null;
  #long: { count: number; readonly line: number } | null = null;
  #differences = 0;
  #longIntervals: { count: number; readonly line: number } | null = null;

  /** Takes an outcome, in the order of time; false where it is a reading that is not to be sent. */
  take(outcome: Outcome): void {
    if (outcome.kind === "skipped") this.skipped.add(outcome.reason, outcome.line);
    else if (outcome.kind === "leftOut") this.leftOut.add(outcome.reason, outcome.line);
    else this.#reading(outcome.reading, outcome.conflictsWith, outcome.lengthUs);
  }

  /** Looks at how long an interval is, where the file says it. */
  lookAtInterval({ of, line }: Measurement): void {
    if ((of.quantity === "energy" || of.quantity === "power") && (of.lengthUs ?? 0) > HOUR_US)
      this.#longIntervals = {
        line: this.#longIntervals?.line ?? line,
        count: (this.#longIntervals?.count ?? 0) + 1,
      };
  }

  addDoubt(doubt: Doubt): void {
    this.#doubts.push(doubt);
  }

  #reading(reading: Reading, conflictsWith: number | null, lengthUs: number | null): void {
    this.count++;
    this.first ??= reading;
    this.last = reading;
    const { line, series } = reading;
    const key = keyOf(series);
    const value = parseDecimal(reading.value);
    if (value === null) throw new Error(`line ${line}: "${reading.value}" is no number`);
    const energyKwh = reading.unit === "" ? null : inKilo(value, reading.unit);
    this.#add(this.bySeries, series.kind === "meter" ? key : `${key} (${series.sensorType})`, energyKwh);
    this.#add(this.byDay, formatInstant(reading.timeUs).slice(0, 10), energyKwh);
    if (conflictsWith !== null)
      this.#conflicts = {
        key: this.#conflicts?.key ?? key,
        lines: this.#conflicts?.lines ?? `${conflictsWith} and ${line}`,
        count: (this.#conflicts?.count ?? 0) + 1,
      };
    if (energyKwh === null) return;
    if (energyKwh.unscaled < 0n)
      this.#negative = { line: this.#negative?.line ?? line, count: (this.#negative?.count ?? 0) + 1 };
    if (lengthUs === null) this.#course(`${key}\0${reading.column}`, reading, energyKwh);
    else {
      this.#differences++;
      if (lengthUs > HOUR_US)
        this.#long = { line: this.#long?.line ?? line, count: (this.#long?.count ?? 0) + 1 };
    }
  }

  #add(totals: Map<string, Total>, key: string, energyKwh: Decimal | null): void {
    let total = totals.get(key);
    if (total === undefined) {
      total = { count: 0, sumKwh: new ExactSum() };
      totals.set(key, total);
    }
    total.count++;
    if (energyKwh !== null) total.sumKwh.addDecimal(energyKwh);
  }

  #course(key: string, { line, timeUs }: Reading, energyKwh: Decimal): void {
    const course = this.#courses.get(key);
    if (course === undefined) {
      this.#courses.set(key, {
        first: energyKwh,
        last: energyKwh,
        count: 1,
        grows: true,
        line,
        lastUs: timeUs,
        longSteps: 0,
      });
      return;
    }
    if (timeUs - course.lastUs > HOUR_US) course.longSteps++;
    course.lastUs = timeUs;
    course.grows &&= difference(energyKwh, course.last).unscaled >= 0n;
    course.last = energyKwh;
    course.count++;
  }

  /** After the last outcome. */
  doubts(): Doubt[] {
    const doubts = [...this.#doubts];
    const doubt = (name: Doubt["name"], text: string) => doubts.push({ kind: "doubt", name, text });
    const shortened = [...this.bySeries.keys()].filter((key) => isShortened(key));
    if (shortened.length > 0)
      doubt(
        "ids",
        `ids that a spreadsheet has shortened, such as ${shortened[0]}: several meters may have become one; export the file anew with ids as text`,
      );
    if (this.#negative !== null)
      doubt(
        "negative",
        `${this.#negative.count} readings are negative, the first in line ${this.#negative.line}; --negative export makes them readings of the meter METER-export, --negative skip leaves them out`,
      );
    const courses = [...this.#courses.values()].filter(({ count }) => count >= 3);
    const standing = courses.filter(looksLikeStanding);
    if (standing.length * 2 > courses.length)
      doubt(
        "standing",
        `the energy of ${standing.length} of ${courses.length} series only grows (${formatDecimal(standing[0]?.first ?? { unscaled: 0n, scale: 0 })} to ${formatDecimal(standing[0]?.last ?? { unscaled: 0n, scale: 0 })} kWh): standings of a register? Then say --standing`,
      );
    if (this.#conflicts !== null)
      doubt(
        "register",
        `${this.#conflicts.count} times a meter has two values for one time, first ${this.#conflicts.key} in lines ${this.#conflicts.lines}: several registers? Say register=COLUMN in --map, or choose rows by --where; accepted, the later value is a conflict`,
      );
    const sparse = courses.find(({ longSteps, count }) => longSteps * 2 >= count);
    const inItsFirstHour = "energy of a longer time would count in the hour in which it starts";
    if (this.#longIntervals !== null)
      doubt(
        "interval",
        `${this.#longIntervals.count} intervals are longer than an hour, the first in line ${this.#longIntervals.line}; ${inItsFirstHour}`,
      );
    else if (sparse !== undefined)
      doubt(
        "interval",
        `readings are more than an hour apart, from line ${sparse.line} on; ${inItsFirstHour}`,
      );
    if (this.#long !== null && this.#long.count * 2 > this.#differences)
      doubt(
        "interval",
        `${this.#long.count} of ${this.#differences} differences cover more than an hour, the first in line ${this.#long.line}; each would count in the hour in which it starts`,
      );
    return doubts;
  }
}
