// Green Button (NAESB REQ.21, ESPI): an Atom feed of usage points, meter readings, their types, and blocks of intervals,
// which refer to each other by links. Times are seconds since 1970. Codes: UnitSymbolKind, AccumulationKind and
// FlowDirectionKind of its schema, as public readers of such files have them.

import { byPowerOfTen, parseDecimal } from "../../../lib/core/decimal.ts";
import type { Found, Layout, LayoutOptions, Quantity } from "../layout.ts";
import { type EspiEntry, entriesOf, type IntervalReading } from "./espi-entries.ts";
import { type Direction, meter } from "./meters.ts";

/** What a ReadingType says; codes of ESPI's schema. */
interface ReadingType {
  readonly unit: number;
  readonly powerOfTen: number;
  readonly flow: number;
  readonly accumulation: number;
  readonly lengthUs: number | null;
}

const WATT = 38;
const WATT_HOUR = 72;
const OTHER_UNITS: Readonly<Record<number, string>> = {
  42: "m\u00b3",
  61: "VA",
  63: "var",
  71: "VAh",
  73: "varh",
  119: "ft\u00b3",
  128: "US gallons",
  132: "BTU",
  134: "litres",
  169: "therms",
};
const FORWARD = 1;
/** Import less export: negative where more is fed in, and then doubted. */
const NET = 4;
const REVERSE = 19;
const DIRECTIONS: ReadonlyMap<number, Direction> = new Map([
  [0, "import"],
  [FORWARD, "import"],
  [NET, "import"],
  [REVERSE, "export"],
]);
/** Readings that are a register's standing: bulk quantity, continuous cumulative, cumulative. */
const STANDINGS = new Set([1, 2, 3]);

/** An IntervalReading whose MeterReading and ReadingType may stand further down. */
interface Pending {
  readonly meterReading: string;
  readonly reading: IntervalReading;
}

function lastOf(href: string): string {
  return (
    href
      .split("/")
      .filter((part) => part !== "")
      .at(-1) ?? ""
  );
}

class Feed {
  readonly #options: LayoutOptions;
  readonly #types = new Map<string, ReadingType>();
  /** Type and usage point of each MeterReading, by its link. */
  readonly #readings = new Map<string, { readonly type: string; readonly usagePoint: string }>();
  #pending: Pending[] = [];
  /** The types that each meter's energy in one direction has come by. */
  readonly #typesOf = new Map<string, Set<string>>();

  constructor(options: LayoutOptions) {
    this.#options = options;
  }

  *take(entry: EspiEntry): Iterable<Found> {
    if (entry.kind === "ReadingType") this.#types.set(entry.self, typeOf(entry.fields));
    if (entry.kind === "MeterReading")
      this.#readings.set(entry.self, {
        type: entry.related.find((href) => href.includes("/ReadingType/")) ?? "",
        usagePoint: entry.up.replace(/\/MeterReading\/?$/, ""),
      });
    if (entry.kind !== "IntervalBlock") return;
    const meterReading = entry.up.replace(/\/IntervalBlock\/?$/, "");
    for (const reading of entry.readings)
      if (this.#typeFor(meterReading) === undefined) this.#pending.push({ meterReading, reading });
      else yield this.#found(meterReading, reading);
  }

  *end(): Iterable<Found> {
    const pending = this.#pending;
    this.#pending = [];
    for (const { meterReading, reading } of pending) yield this.#found(meterReading, reading);
    for (const [name, types] of this.#typesOf)
      if (types.size > 1)
        yield {
          kind: "doubt",
          name: "register",
          text: `${name} has energy by ${types.size} kinds of reading (${[...types].join(", ")}), which may be the same energy twice; --accept register adds them up`,
        };
  }

  /** The type of a MeterReading; the only one there is where links do not say. */
  #typeFor(meterReading: string): { type: ReadingType; usagePoint: string } | undefined {
    const known = this.#readings.get(meterReading);
    const type = known === undefined ? undefined : this.#types.get(known.type);
    return known === undefined || type === undefined ? undefined : { type, usagePoint: known.usagePoint };
  }

  #found(meterReading: string, { line, startSeconds, durationSeconds, value }: IntervalReading): Found {
    const skipped = (reason: string): Found => ({ kind: "skipped", line, reason });
    const [onlyType, ...otherTypes] = this.#types.values();
    const known =
      this.#typeFor(meterReading) ??
      (onlyType !== undefined && otherTypes.length === 0
        ? { type: onlyType, usagePoint: this.#readings.get(meterReading)?.usagePoint ?? meterReading }
        : undefined);
    if (known === undefined) return skipped("no ReadingType says what the interval's value is");
    const { type, usagePoint } = known;
    if (type.unit !== WATT && type.unit !== WATT_HOUR)
      return skipped(
        `the unit ${OTHER_UNITS[type.unit] ?? `with code ${type.unit}`} is no active electric energy`,
      );
    const direction = DIRECTIONS.get(type.flow);
    if (direction === undefined)
      return skipped(`the flow direction ${type.flow} is neither forward, reverse nor net`);
    const start = Number(startSeconds);
    const number = parseDecimal(value);
    if (startSeconds === "" || !Number.isInteger(start) || number === null)
      return skipped("the interval has no start or no value");
    const lengthUs = durationSeconds === "" ? type.lengthUs : Number(durationSeconds) * 1_000_000;
    const of = quantityOf(type, lengthUs);
    if (of === null) return skipped("a power needs the interval's duration");
    const name = this.#options.meter ?? (lastOf(usagePoint) || "green-button");
    const series = meter(name, direction);
    const column = `${type.unit === WATT ? "W" : "Wh"}/${STANDINGS.has(type.accumulation) ? "standing" : (type.lengthUs ?? lengthUs ?? 0) / 1_000_000}`;
    const key = direction === "export" ? `${name}-export` : name;
    this.#typesOf.set(key, (this.#typesOf.get(key) ?? new Set()).add(column));
    return {
      kind: "measurement",
      line,
      column,
      series,
      at: { timeUs: start * 1_000_000 },
      stamp: "start",
      value: byPowerOfTen(number, type.powerOfTen),
      of,
    };
  }
}

function quantityOf(type: ReadingType, lengthUs: number | null): Quantity | null {
  if (type.unit === WATT)
    return lengthUs === null || !(lengthUs > 0) ? null : { quantity: "power", unit: "W", lengthUs };
  return STANDINGS.has(type.accumulation)
    ? { quantity: "standing", unit: "Wh" }
    : { quantity: "energy", unit: "Wh", lengthUs };
}

function typeOf(fields: ReadonlyMap<string, string>): ReadingType {
  const code = (name: string) => Number(fields.get(name) ?? 0);
  const seconds = code("intervalLength");
  return {
    unit: code("uom"),
    powerOfTen: code("powerOfTenMultiplier"),
    flow: code("flowDirection"),
    accumulation: code("accumulationBehaviour"),
    lengthUs: seconds > 0 ? seconds * 1_000_000 : null,
  };
}

async function* read(text: AsyncIterable<string>, options: LayoutOptions): AsyncIterable<Found> {
  const feed = new Feed(options);
  for await (const entry of entriesOf(text)) yield* feed.take(entry);
  yield* feed.end();
}

export const greenButton: Layout = {
  name: "green-button",
  about:
    "Green Button (ESPI, XML): Wh or W of intervals, stamps are starts in seconds since 1970; reverse flow is METER-export, gas and water are refused",
  recognises: (head) => /<[\w:]*feed[\s>]/.test(head) && head.includes("http://naesb.org/espi"),
  read,
};
