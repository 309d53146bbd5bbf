// One look at all readings before any is sent: sums by series and day, and what is doubted.

import { countOf } from "../../lib/core/count.ts";
import { parseDecimal } from "../../lib/core/decimal.ts";
import { addDecimals, type Decimal, formatDecimal } from "../../lib/core/exact.ts";
import { formatInstant } from "../../lib/core/instant.ts";
import { Course } from "./course.ts";
import type { Doubt, Measurement } from "./layout.ts";
import { seriesKey } from "./local-times.ts";
import { keyOf, type Reading } from "./reading.ts";
import type { Outcome } from "./readings.ts";
import { DAY_US, HOUR_US } from "./times.ts";
import { Troubles } from "./troubles.ts";
import { inKilo } from "./units.ts";

export interface Total {
  count: number;
  /** Energy; 0 for sensors. */
  sumKwh: Decimal;
}

/** An id that a spreadsheet has shortened: 7.22E+13, or more than 15 digits that end in zeros. */
function isShortened(id: string): boolean {
  return /^\d([.,]\d+)?E\+?\d+$/i.test(id) || /^\d{15}0+$/.test(id);
}

/** A row of sums, taken for a meter. */
const SUMS = /^((grand |sub)?total|sum|summe|somme|suma|gesamt|totaal|totale)s?:?$/i;

/** Before it nobody has stored readings: a number of seconds that was read as one of milliseconds. */
const EARLIEST_US = Date.UTC(1990, 0) * 1000;

/** The first one, and how many. */
interface Occurrences<T> {
  readonly first: T;
  readonly count: number;
}

function oneMore<T>(before: Occurrences<T> | null, one: T): Occurrences<T> {
  return { first: before?.first ?? one, count: (before?.count ?? 0) + 1 };
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
  /** Of each series whose values depend on it: the interval's length, or null where it has several. */
  readonly #lengths = new Map<string, number | null>();
  readonly #latestUs: number;
  #negative: Occurrences<Reading> | null = null;
  #conflicts: { count: number; readonly lines: string; readonly key: string } | null = null;
  #long: Occurrences<Reading> | null = null;
  #differences = 0;
  #longIntervals: Occurrences<Measurement> | null = null;
  #early: Occurrences<Reading> | null = null;
  #future: Occurrences<Reading> | null = null;

  /** @param nowUs no reading is of a later time */
  constructor(nowUs: number) {
    this.#latestUs = nowUs + DAY_US;
  }

  /** Takes an outcome, in the order of time; false where it is a reading that is not to be sent. */
  take(outcome: Outcome): void {
    if (outcome.kind === "skipped") this.skipped.add(outcome.reason, outcome.line);
    else if (outcome.kind === "leftOut") this.leftOut.add(outcome.reason, outcome.line);
    else this.#reading(outcome.reading, outcome.conflictsWith, outcome.lengthUs);
  }

  /** Looks at how long an interval is, where the file or the user says it. */
  lookAtInterval(measurement: Measurement): void {
    const { of, stamp } = measurement;
    if (of.quantity !== "energy" && of.quantity !== "power") return;
    if ((of.lengthUs ?? 0) > HOUR_US) this.#longIntervals = oneMore(this.#longIntervals, measurement);
    if (of.quantity !== "power" && stamp !== "end") return;
    const key = seriesKey(measurement);
    const known = this.#lengths.get(key);
    this.#lengths.set(key, known === undefined || known === of.lengthUs ? of.lengthUs : null);
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
    if (reading.timeUs < EARLIEST_US) this.#early = oneMore(this.#early, reading);
    if (reading.timeUs > this.#latestUs) this.#future = oneMore(this.#future, reading);
    if (energyKwh === null) return;
    if (energyKwh.unscaled < 0n) this.#negative = oneMore(this.#negative, reading);
    if (lengthUs === null) this.#course(reading, energyKwh);
    else {
      this.#differences++;
      if (lengthUs > HOUR_US) this.#long = oneMore(this.#long, reading);
    }
  }

  #add(totals: Map<string, Total>, key: string, energyKwh: Decimal | null): void {
    let total = totals.get(key);
    if (total === undefined) {
      total = { count: 0, sumKwh: { unscaled: 0n, scale: 6 } };
      totals.set(key, total);
    }
    total.count++;
    if (energyKwh !== null) total.sumKwh = addDecimals(total.sumKwh, energyKwh);
  }

  #course(reading: Reading, energyKwh: Decimal): void {
    const key = seriesKey(reading);
    const course = this.#courses.get(key);
    if (course === undefined) this.#courses.set(key, new Course(reading.line, reading.timeUs, energyKwh));
    else course.add(reading.timeUs, energyKwh, this.#lengths.get(key) ?? null);
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
    const sums = [...this.bySeries.keys()].find((key) => SUMS.test(key));
    if (sums !== undefined && this.bySeries.size > 1)
      doubt("ids", `a meter is called "${sums}": a row of sums? Leave it out by --where "COLUMN!=${sums}"`);
    for (const [occurrences, where] of [
      [this.#early, "before 1990"],
      [this.#future, "in the future"],
    ] as const)
      if (occurrences !== null)
        doubt(
          "time",
          `${occurrences.count} of ${this.count} readings ${occurrences.count === 1 ? "lies" : "lie"} ${where}, the first in line ${occurrences.first.line} (${formatInstant(occurrences.first.timeUs)}): correct the file or --date-pattern`,
        );
    if (this.#negative !== null)
      doubt(
        "negative",
        `${countOf(this.#negative.count, "reading is", "readings are")} negative, the first in line ${this.#negative.first.line}; --negative export makes them readings of the meter METER-export, --negative skip leaves them out`,
      );
    const courses = [...this.#courses.values()].filter(({ count }) => count >= 3);
    const standing = courses.filter(({ looksLikeStanding }) => looksLikeStanding);
    if (standing.length * 2 > courses.length)
      doubt(
        "standing",
        `the energy of ${standing.length} of ${courses.length} series grows nearly always (${formatDecimal(standing[0]?.first ?? { unscaled: 0n, scale: 0 })} to ${formatDecimal(standing[0]?.last ?? { unscaled: 0n, scale: 0 })} kWh): standings of a register? Then say --standing`,
      );
    if (this.#conflicts !== null)
      doubt(
        "register",
        `${countOf(this.#conflicts.count, "time")} a meter has two values for one time, first ${this.#conflicts.key} in lines ${this.#conflicts.lines}: several registers? Say register=COLUMN in --map, or choose rows by --where; accepted, the later value is a conflict`,
      );
    const sparse = courses.find(({ isSparse }) => isSparse);
    const misfit = [...this.#courses.values()].find(({ misfit: found }) => found !== null);
    const inItsFirstHour = "energy of a longer time would count in the hour in which it starts";
    if (this.#longIntervals !== null)
      doubt(
        "interval",
        `${countOf(this.#longIntervals.count, "interval is", "intervals are")} longer than an hour, the first in line ${this.#longIntervals.first.line}; ${inItsFirstHour}`,
      );
    else if (sparse !== undefined)
      doubt(
        "interval",
        `readings are more than an hour apart, from line ${sparse.line} on; ${inItsFirstHour}`,
      );
    if (misfit !== undefined)
      doubt(
        "interval",
        `from line ${misfit.line} on, most rows are ${misfit.misfit === "shorter" ? "nearer to each other" : "further apart"} than their interval is long, by which power becomes energy and ends become starts; correct --interval`,
      );
    if (this.#long !== null && this.#long.count * 2 > this.#differences)
      doubt(
        "interval",
        `${this.#long.count} of ${this.#differences} differences cover more than an hour, the first in line ${this.#long.first.line}; each would count in the hour in which it starts`,
      );
    return doubts;
  }
}
