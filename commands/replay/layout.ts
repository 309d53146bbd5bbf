// Between a file's layout and the engine: plain data. A layout says what stands in the file, and nothing more; the engine
// converts units, settles local times, takes differences, sorts, doubts, and sends.
//
// How to write a layout
// 1. One file in replay/layouts/, exporting a `Layout`; add it to the list in commands/replay/layouts/index.ts.
// 2. A table (any delimiter, a header row): `tableLayout({ … })` of commands/replay/table.ts. You get each row by column names, and
//    return one `Measurement` for each number. Anything else (XML, JSON, records of several kinds): write `read` yourself
//    over the text, with `linesOf` or `rowsOf` of commands/replay/lines.ts and commands/replay/rows.ts where they help.
// 3. Give what the file says, as it says it: `energy` of an interval, mean `power` of an interval, a register's `standing`,
//    or a sensor's `value`; its unit; whether the stamp is the interval's start or end, and the interval's length. Do not
//    convert, subtract, sum or sort. Registers of one meter are measurements with different `column`s (they add up);
//    directions and registers that shall not add up are different meters (`meter-export`).
// 4. `at`: an instant (`{ timeUs }`) only where the file names a zone or an offset. Otherwise `{ localUs, zone }`: the engine
//    tells apart the hour that occurs twice. Helpers: commands/replay/times.ts.
// 5. `column` is a part of the event's identity, together with the meter and the instant: name the column, the register or
//    the OBIS code; never a row number, so that two downloads that overlap give the same identities.
// 6. What gives no number: throw `SkippedRow` for the whole row; of a row with several values, read each by `eachOf`. What is left out on
//    purpose (another register, an empty column of a short day, a quality that says "no value"): yield `leftOut`. What may
//    be wrong: yield a `doubt`; nothing is sent then until the user accepts it by its name. Gas and other quantities are
//    no energy: `unitIn` of commands/replay/units.ts refuses them by name.
// 7. `recognises` looks at the start of the text and must not be true for another layout's files.
// 8. `about` is what `--format auto` shows before anything is sent: whose it is, zone, stamps, interval, unit.

import type { Decimal } from "../../lib/core/exact.ts";

/** What measures. A meter's readings go to the consumption stream, a sensor's values to the sensor stream. */
export type Series =
  | { readonly kind: "meter"; readonly meterId: string; readonly customerId: string }
  | { readonly kind: "sensor"; readonly sensorId: string; readonly sensorType: string };

/** When, as the file says it: an instant (µs since the epoch), or a local time (its fields as if they were UTC). */
export type FileTime = { readonly timeUs: number } | { readonly localUs: number; readonly zone: string };

export type EnergyUnit = "Wh" | "kWh" | "MWh";
export type PowerUnit = "W" | "kW" | "MW";

/** A number and what it is. The interval's length belongs to a power (its energy) and to a stamp that is an end. */
export type Quantity =
  | { readonly quantity: "energy"; readonly unit: EnergyUnit; readonly lengthUs: number | null }
  | { readonly quantity: "power"; readonly unit: PowerUnit; readonly lengthUs: number }
  /** What a register shows at the stamp; the energy is the difference to the one before. */
  | { readonly quantity: "standing"; readonly unit: EnergyUnit }
  | { readonly quantity: "value" };

export interface Measurement {
  readonly kind: "measurement";
  /** The line of the file, from 1. */
  readonly line: number;
  /** Column, register or OBIS code; a part of the identity. */
  readonly column: string;
  readonly series: Series;
  readonly at: FileTime;
  /** What `at` is of the interval. A standing and a sensor's value have no interval: `start`. */
  readonly stamp: "start" | "end";
  readonly value: Decimal;
  readonly of: Quantity;
}

/** A row, or a part of one, that gives no reading although it should. */
export interface Skipped {
  readonly kind: "skipped";
  readonly line: number;
  readonly reason: string;
}

/** Left out on purpose; told, and no reason to fail. */
export interface LeftOut {
  readonly kind: "leftOut";
  readonly line: number;
  readonly reason: string;
}

/** The names by which the user accepts doubts: `--accept decimal,ids`. */
export const doubtNames = [
  "decimal",
  "standing",
  "negative",
  "ids",
  "register",
  "interval",
  "time",
  "unit",
  "layout",
] as const;

/** What may be wrong in all the numbers. Nothing is sent while one stands. */
export interface Doubt {
  readonly kind: "doubt";
  readonly name: (typeof doubtNames)[number];
  /** What was seen, with a line, and which option answers it. */
  readonly text: string;
}

export type Found = Measurement | Skipped | LeftOut | Doubt;

/** What the user can tell any layout. */
export interface LayoutOptions {
  /** Name of the meter, for files that name none (`--meter`). */
  readonly meter: string | null;
  /** Zone of local times, in place of the layout's own (`--zone`). */
  readonly zone: string | null;
}

export interface Layout {
  readonly name: string;
  readonly about: string;
  /** The zone in which times that name none are read, to be shown; null or absent where `about` says it. */
  readonly zoneOfLocalTimes?: string | null;
  /** @param head the text's first 64 KB, without a byte order mark */
  recognises(head: string): boolean;
  /** @throws Error where the text is not of this layout at all */
  read(text: AsyncIterable<string>, options: LayoutOptions): AsyncIterable<Found>;
}

/** The values of a row, each on its own: one that cannot be read is skipped, and takes none of the others with it. */
export function* eachOf<T>(values: readonly T[], line: number, find: (value: T) => Found): Iterable<Found> {
  for (const value of values) {
    try {
      yield find(value);
    } catch (error) {
      if (!(error instanceof SkippedRow)) throw error;
      yield { kind: "skipped", line, reason: error.message };
    }
  }
}

/** Why a row, or a value in it, gives no reading. */
export class SkippedRow extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "SkippedRow";
  }
}
