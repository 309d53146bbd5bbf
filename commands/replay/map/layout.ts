// A table by --map and the options that say what the file is.

import { addDecimals, type Decimal } from "../../../lib/core/exact.ts";
import { UsageError } from "../../../lib/core/usage-error.ts";
import {
  eachOf,
  type FileTime,
  type Found,
  type Layout,
  type LayoutOptions,
  type Quantity,
  type Series,
  SkippedRow,
} from "../layout.ts";
import { type DecimalMark, isMissing, NumberReader } from "../numbers.ts";
import { type Row, type RowReader, tableLayout } from "../table.ts";
import type { TimeFormat } from "../time-format.ts";
import { elapsedInDay, HOUR_US, MINUTE_US, patternHint, type TimeReader } from "../times.ts";
import { isPowerUnit, unitIn } from "../units.ts";
import { elapsedTimes } from "./day-columns.ts";
import type { ColumnMap, Sum } from "./parse.ts";
import { UnitWatch } from "./unit-watch.ts";
import { namedColumns, type ValueColumn, valueColumns } from "./value-columns.ts";

/** Rows to take: those in which the column has (or has not) one of the texts. */
export interface RowFilter {
  readonly text: string;
  readonly column: string;
  readonly equal: boolean;
  readonly values: readonly string[];
}

export interface TableOptions {
  readonly delimiter: string;
  readonly header: boolean;
  readonly skipLines: number;
  readonly decimal: DecimalMark | null;
  readonly times: TimeFormat;
  readonly stamp: "start" | "end";
  readonly intervalUs: number | null;
  readonly standing: boolean;
  readonly where: readonly RowFilter[];
}

function clock(timeUs: number): string {
  const minutes = Math.floor(timeUs / MINUTE_US);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

function isEmpty(row: Row, columns: readonly string[]): boolean {
  return columns.every((column) => row.text(column) === "");
}

/** Names of columns of energy that is given to the grid. */
const FED_IN =
  /export|feed.?in|fed.?in|generat|returned|inject|einspeis|rück|teruglever|injectie|surplus|sold/i;

/** Whether fields (null: any) use the name or the time of the value's column. */
function usesHere(map: ColumnMap, what: "column" | "step", fields: readonly string[] | null = null): boolean {
  return [...map.texts]
    .filter(([field]) => fields === null || fields.includes(field))
    .some(([, sum]) => sum.some((term) => term.is === "here" && term.what === what));
}

/** Reads the rows of one file by a map. */
class MappedRows implements RowReader {
  readonly #map: ColumnMap;
  readonly #options: TableOptions;
  readonly #meter: string | null;
  readonly #timeOf: TimeReader;
  readonly #numbers: NumberReader;
  readonly #values: readonly ValueColumn[];
  readonly #units: UnitWatch;
  readonly #steps: boolean;
  /** The first time stamp that could not be read: it tells the pattern that is needed. */
  #unreadable: string | null = null;

  constructor(
    map: ColumnMap,
    options: TableOptions,
    { zone, meter }: LayoutOptions,
    header: readonly string[],
  ) {
    this.#map = map;
    this.#options = options;
    this.#meter = meter;
    this.#timeOf = options.times.readerFor(zone ?? map.zone ?? UNSAID_ZONE);
    this.#numbers = new NumberReader(options.decimal);
    this.#values = valueColumns(map, header);
    this.#units = new UnitWatch(header, map.texts.has("unit"));
    this.#steps = usesHere(map, "step");
  }

  *row(row: Row): Iterable<Found> {
    const filter = this.#options.where.find(
      ({ column, equal, values }) => values.includes(row.text(column)) !== equal,
    );
    if (filter !== undefined) {
      yield { kind: "leftOut", line: row.line, reason: `not of --where ${filter.text}` };
      return;
    }
    const elapsed = this.#elapsedTimes(row);
    yield* eachOf(this.#values, row.line, (value): Found => {
      if (this.#values.length > 1 && value.columns.every((column) => isMissing(row.text(column))))
        return { kind: "leftOut", line: row.line, reason: "empty columns" };
      return {
        kind: "measurement",
        line: row.line,
        column: this.#columnName(row, value),
        series: this.#seriesOf(row, value),
        at: elapsed?.(value) ?? this.#timeIn(row, value),
        stamp: this.#options.stamp,
        of: this.#quantityOf(row, value),
        value: this.#numberIn(row, value),
      };
    });
  }

  *end(): Iterable<Found> {
    yield* this.#numbers.doubts(() => this.#units.isWhole);
    yield* this.#units.doubts();
    yield* this.#columnDoubts();
  }

  /** What the columns' names and number make doubtful. */
  *#columnDoubts(): Iterable<Found> {
    const names = this.#values.flatMap(({ columns }) => columns);
    const fed = names.find((name) => FED_IN.test(name));
    if (fed !== undefined && names.length > 1 && !usesHere(this.#map, "column", ["meter_id", "sensor_id"]))
      yield {
        kind: "doubt",
        name: "register",
        text: `"${fed}" is energy fed in by its name, and would be added to "${names.find((name) => !FED_IN.test(name)) ?? names[0]}" of the same meter: make them meters of their own, by meter_id=…+'-'+@column in --map`,
      };
    const hours = (this.#values.length * (this.#options.intervalUs ?? 0)) / HOUR_US;
    if (this.#steps && (hours < 23 || hours > 25))
      yield {
        kind: "doubt",
        name: "interval",
        text: `${this.#values.length} columns of a day make ${hours} hours: correct --interval or the columns`,
      };
  }

  #textOf(row: Row, sum: Sum, value: ValueColumn, field: string): string {
    const parts = sum.map((term) => {
      if (term.is === "constant") return term.text;
      if (term.is === "column") return row.text(term.name);
      return term.what === "column" ? value.name : clock(value.step * (this.#options.intervalUs ?? 0));
    });
    if (parts.some((part) => part === "")) throw new SkippedRow(`${field} is missing`);
    return parts.join("");
  }

  /** The register, or the column; of columns that differ in their time of day only, the time says enough. */
  #columnName(row: Row, value: ValueColumn): string {
    const register = this.#map.texts.get("register");
    const names = register === undefined ? [] : [this.#textOf(row, register, value, "register")];
    if (!this.#steps && (this.#values.length > 1 || register === undefined)) names.push(value.name);
    return names.join("/");
  }

  #seriesOf(row: Row, value: ValueColumn): Series {
    const text = (field: "meter_id" | "customer_id" | "sensor_id" | "sensor_type", other: string | null) => {
      const sum = this.#map.texts.get(field);
      if (sum !== undefined) return this.#textOf(row, sum, value, field);
      if (other === null)
        throw new UsageError(
          `--map: missing ${field}${field === "meter_id" ? " (or name the meter by --meter)" : ""}`,
        );
      return other;
    };
    if (this.#map.kind === "sensor")
      return { kind: "sensor", sensorId: text("sensor_id", null), sensorType: text("sensor_type", null) };
    const meterId = text("meter_id", this.#meter);
    return { kind: "meter", meterId, customerId: text("customer_id", meterId) };
  }

  #timeIn(row: Row, value: ValueColumn): FileTime {
    const period = this.#map.texts.get("period");
    if (period !== undefined) return this.#timeOfPeriod(row, this.#textOf(row, period, value, "period"));
    const parts = (["timestamp", "date", "time"] as const).flatMap((field) => {
      const sum = this.#map.texts.get(field);
      return sum === undefined ? [] : [this.#textOf(row, sum, value, field)];
    });
    return this.#read(parts.join(" "));
  }

  #read(text: string): FileTime {
    const at = this.#timeOf(text);
    if (at !== null) return at;
    this.#unreadable ??= text.slice(0, 60);
    throw new SkippedRow(
      `timestamp cannot be read, such as "${this.#unreadable}": ${patternHint(this.#unreadable)}`,
    );
  }

  /** Of the intervals of a local day, which are counted from 1 on: 23 to 25 hours. */
  #timeOfPeriod(row: Row, period: string): FileTime {
    const date = (this.#map.texts.get("date") ?? [])
      .map((term) => (term.is === "column" ? row.text(term.name) : term.is === "constant" ? term.text : ""))
      .join("");
    const midnight = this.#timeOf(date) ?? this.#read(`${date} 00:00`);
    const lengthUs = this.#options.intervalUs ?? 0;
    const at =
      /^\d{1,4}$/.test(period) && Number(period) > 0
        ? elapsedInDay(midnight, (Number(period) - 1) * lengthUs, lengthUs)
        : null;
    if (at === null) throw new SkippedRow("the period is none of its day's, which count from 1 on");
    return at;
  }

  /** Times since midnight, where the row's columns are no times of day. @throws SkippedRow where one lies beyond the day */
  #elapsedTimes(row: Row): ((value: ValueColumn) => FileTime) | null {
    const { intervalUs } = this.#options;
    const [first] = this.#values;
    if (!this.#steps || intervalUs === null || first === undefined) return null;
    const filled = this.#values.filter(({ columns }) => !isEmpty(row, columns)).map(({ step }) => step);
    const timeOf = elapsedTimes(filled, this.#timeIn(row, first), intervalUs);
    return timeOf === null ? null : ({ step }) => ({ timeUs: timeOf(step) });
  }

  #quantityOf(row: Row, value: ValueColumn): Quantity {
    if (this.#map.kind === "sensor") return { quantity: "value" };
    const { intervalUs, standing } = this.#options;
    const sum = this.#map.texts.get("unit");
    const unit = unitIn(sum === undefined ? "kWh" : this.#textOf(row, sum, value, "unit"));
    this.#units.look(row, value.columns, unit);
    if (!isPowerUnit(unit))
      return standing ? { quantity: "standing", unit } : { quantity: "energy", unit, lengthUs: intervalUs };
    if (standing) throw new UsageError(`--standing is for energy, not for ${unit}`);
    if (intervalUs === null)
      throw new UsageError(
        `power (${unit} in line ${row.line}) needs the interval's length: say --interval, such as 15m`,
      );
    return { quantity: "power", unit, lengthUs: intervalUs };
  }

  #numberIn(row: Row, value: ValueColumn): Decimal {
    return value.columns
      .map((column) => this.#numbers.read(row.text(column), column, row.line))
      .reduce(addDecimals);
  }
}

/** Of times that name none, where nobody says another one. */
const UNSAID_ZONE = "UTC";

/** The layout of a table by a map of its columns. @throws UsageError where map and options do not fit together */
export function mappedLayout(map: ColumnMap, options: TableOptions): Layout {
  if (usesHere(map, "step") && options.intervalUs === null)
    throw new UsageError("@step needs the interval's length: say --interval, such as 30m");
  if (map.texts.has("period") && (options.intervalUs === null || options.stamp === "end"))
    throw new UsageError(
      "period needs the interval's length (say --interval, such as 1h), and no --stamp end",
    );
  if (options.stamp === "end" && options.intervalUs === null)
    throw new UsageError("--stamp end needs the interval's length: say --interval, such as 15m");
  if (options.standing && options.stamp === "end")
    throw new UsageError("--standing: a standing has no interval, leave --stamp end out");
  if (map.kind === "sensor" && (options.standing || options.stamp === "end"))
    throw new UsageError("--standing and --stamp end are for meters");
  return tableLayout({
    name: "csv",
    about: `a table by --map${options.stamp === "end" ? "; stamps are ends" : ""}`,
    zoneOfLocalTimes: options.times.needsZone ? (map.zone ?? UNSAID_ZONE) : null,
    delimiter: options.delimiter,
    columns: [...new Set([...namedColumns(map), ...options.where.map(({ column }) => column)])].filter(
      (name) => !/^#\d+$/.test(name),
    ),
    header: options.header,
    skipLines: options.skipLines,
    open: (layoutOptions, header) => new MappedRows(map, options, layoutOptions, header),
  });
}
