// An amendment as an entry: which events, of which time, and what becomes of them. Pure.

import { parseDecimal } from "../core/decimal.ts";
import { type Decimal, decimalOf, formatDecimal, readExact } from "../core/exact.ts";
import { ABSENT, JsonMembers, NUMBER, PLAIN_STRING, STRING } from "../core/json-bytes.ts";
import { holds, type OffsetRanges } from "../core/ranges.ts";
import type { EnergyUnit } from "../streams/streams.ts";

/** Whose events. */
export type Selector =
  | { readonly sensor: string; readonly type: string | null }
  | { readonly meter: string; readonly eventId?: string }
  | { readonly customer: string };

/**
 * What makes a wrong value right: an exact factor, the unit that was meant, the value that replaces one reading's, or the
 * record that was sent for it again, which may be of another hour or customer.
 */
export type Correction =
  | { readonly multiply: string }
  | { readonly unit: string }
  | { readonly replace: { readonly reading: string; readonly unit: EnergyUnit } }
  | { readonly record: string; readonly conflict: string };

/** Where a counted record stands: in a topic, or, with the replays' source, in quarantine. */
export interface LogPosition {
  readonly source: string;
  readonly partition: number;
  readonly incarnation: number;
  readonly offset: number;
}

/** What becomes of which events. */
export interface Amendment {
  readonly selector: Selector;
  /** Null where the events do not count at all. */
  readonly correction: Correction | null;
  /** Event time, half-open, µs. */
  readonly fromUs: number;
  readonly toUs: number;
}

export interface Entry extends Amendment {
  /** What the ledger had applied when it was made, by log; null for one that is being made. */
  readonly scope: ReadonlyMap<string, OffsetRanges> | null;
  /** The rows that it changed, by window and group; null for one that is being made. */
  readonly rows: ReadonlySet<string> | null;
}

export function logKey({ source, partition, incarnation }: Omit<LogPosition, "offset">): string {
  return `${source}\0${partition}\0${incarnation}`;
}

export function rowKey(windowStartUs: number, group: string): string {
  return `${windowStartUs}\0${group}`;
}

/** Whether an entry could see an event: what came later, or stands in a row that it left alone, it does not touch. */
export function reaches(entry: Entry, at: LogPosition, row: string): boolean {
  if (entry.scope === null || entry.rows === null) return true;
  return entry.rows.has(row) && holds(entry.scope.get(logKey(at)) ?? [], at.offset);
}

/** @throws Error where the text is no decimal number */
export function decimalIn(text: string): Decimal {
  const decimal = parseDecimal(text);
  if (decimal === null) throw new Error(`${text}: expected a decimal number such as 0.001`);
  return decimal;
}

/** The record with one member set to a JSON text; every other byte stays as it came. */
function withMember(value: Buffer, name: string, json: string): Buffer {
  const members = new JsonMembers([name]);
  if (members.scan(value) !== null) throw new Error("a record that was counted is not a JSON object");
  const kind = members.kinds[0];
  if (kind === ABSENT) {
    const close = value.lastIndexOf("}");
    const member = Buffer.from(`,${JSON.stringify(name)}:${json}`);
    return Buffer.concat([value.subarray(0, close), member, value.subarray(close)]);
  }
  const quote = kind === STRING || kind === PLAIN_STRING ? 1 : 0;
  const [from, to] = [(members.starts[0] ?? 0) - quote, (members.ends[0] ?? 0) + quote];
  return Buffer.concat([value.subarray(0, from), Buffer.from(json), value.subarray(to)]);
}

/** A number of a record times a factor, exact. */
function product(value: Buffer, name: string, factor: Decimal): string {
  const members = new JsonMembers([name]);
  members.scan(value);
  const number =
    members.kinds[0] === NUMBER ? readExact(value, members.starts[0] ?? 0, members.ends[0] ?? 0) : null;
  if (number === null) throw new Error(`a record that was counted has no number ${name}`);
  const { unscaled, scale } = decimalOf(number);
  return formatDecimal({ unscaled: unscaled * factor.unscaled, scale: scale + factor.scale });
}

/**
 * The record as it should have been.
 * @param value of a record that the stream accepts
 * @param field the field that holds the measured value
 */
export function correctValue(value: Buffer, correction: Correction, field: string): Buffer {
  if ("record" in correction) return Buffer.from(correction.record);
  if ("unit" in correction) return withMember(value, "unit", JSON.stringify(correction.unit));
  if ("replace" in correction) {
    const { reading, unit } = correction.replace;
    return withMember(
      withMember(value, field, formatDecimal(decimalIn(reading))),
      "unit",
      JSON.stringify(unit),
    );
  }
  return withMember(value, field, product(value, field, decimalIn(correction.multiply)));
}
