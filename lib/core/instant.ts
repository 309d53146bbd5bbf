// Instants: microseconds since the Unix epoch as whole numbers in doubles (exact for the years we take).
// The only reader of time stamps from outside; `new Date(text)` is never used on such data.

import { daysFromCivil } from "./calendar.ts";
import { instantsOf, readWrittenTime } from "./written-time.ts";
import { instantsOfLocal } from "./zone.ts";

const SECOND_US = 1_000_000;
const MINUTE_US = 60 * SECOND_US;
const DAY_US = 86_400 * SECOND_US;

/** Why a text names no instant: in words nobody reads, or a local time that is two instants, or none. */
export type TimeProblem = "unreadable" | "ambiguous" | "nonexistent";

function only(instants: readonly number[]): number | TimeProblem {
  return instants.length > 1 ? "ambiguous" : (instants[0] ?? "nonexistent");
}

/**
 * Reads a time stamp in any of the spellings of `readWrittenTime`.
 * @param zone of a time stamp without one: an IANA name or a fixed offset
 * @returns µs since the epoch, or why the text names no instant of the years 1700–2200
 */
export function parseInstant(text: string, zone = "UTC"): number | TimeProblem {
  const time = readWrittenTime(text);
  if (time === null) return "unreadable";
  const instant = only(instantsOf(time, zone));
  return time.leapSecond && instant === "nonexistent" ? "unreadable" : instant;
}

/** The number written by `count` digits from `at`, or −1 where one of them is no digit. */
function digits(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const digit = (bytes[i] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Offset from UTC in µs of `Z` or `±hh:mm` between `at` and `to`; NaN for anything else. */
function usualOffsetUs(bytes: Uint8Array, at: number, to: number): number {
  const sign = bytes[at];
  if (to - at === 1 && sign === 0x5a) return 0;
  if (to - at !== 6 || (sign !== 0x2b && sign !== 0x2d) || bytes[at + 3] !== 0x3a) return Number.NaN;
  const hours = digits(bytes, at + 1, 2);
  const minutes = digits(bytes, at + 4, 2);
  if (hours < 0 || hours > 18 || minutes < 0 || minutes > 59) return Number.NaN;
  return (sign === 0x2d ? -1 : 1) * (hours * 60 + minutes) * MINUTE_US;
}

/** `yyyy-mm-ddThh:mm:ss` */
const USUAL_LENGTH = 19;

/** `yyyy-mm-ddThh:mm:` of the time stamp before, and its instant as if it were UTC: many have the same. */
const MINUTE_LENGTH = 17;
const lastMinute = Buffer.alloc(MINUTE_LENGTH);
let lastMinuteUs = Number.NaN;

/**
 * As parseInstant, from bytes of ASCII. What nearly all producers write, `yyyy-mm-ddThh:mm:ss[.fraction]` with `Z`,
 * `±hh:mm` or no zone, is read without making a text.
 */
export function readInstant(bytes: Buffer, from: number, to: number, zone: string): number | TimeProblem {
  const usual = to - from < USUAL_LENGTH ? Number.NaN : readUsual(bytes, from, to, zone);
  return Number.isNaN(usual) ? parseInstant(bytes.toString("latin1", from, to), zone) : usual;
}

function isLastMinute(bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < MINUTE_LENGTH; i++) if (bytes[from + i] !== lastMinute[i]) return false;
  return true;
}

/** The local time up to the minute, as if it were UTC; NaN where it is not written as `yyyy-mm-ddThh:mm:`. */
function minuteUs(bytes: Buffer, from: number): number {
  if (isLastMinute(bytes, from)) return lastMinuteUs;
  const separator = bytes[from + 10];
  const isUsual =
    bytes[from + 4] === 0x2d &&
    bytes[from + 7] === 0x2d &&
    (separator === 0x54 || separator === 0x20) &&
    bytes[from + 13] === 0x3a &&
    bytes[from + 16] === 0x3a;
  const day = daysFromCivil(digits(bytes, from, 4), digits(bytes, from + 5, 2), digits(bytes, from + 8, 2));
  const hour = digits(bytes, from + 11, 2);
  const minute = digits(bytes, from + 14, 2);
  if (!isUsual || day === null || hour < 0 || hour > 23 || minute < 0 || minute > 59) return Number.NaN;
  bytes.copy(lastMinute, 0, from, from + MINUTE_LENGTH);
  lastMinuteUs = day * DAY_US + (hour * 60 + minute) * MINUTE_US;
  return lastMinuteUs;
}

/** @returns NaN for every other spelling, and for what names no instant or two */
function readUsual(bytes: Buffer, from: number, to: number, zone: string): number {
  const second = digits(bytes, from + MINUTE_LENGTH, 2);
  const minute = minuteUs(bytes, from);
  if (Number.isNaN(minute) || second < 0 || second > 59) return Number.NaN;
  let at = from + USUAL_LENGTH;
  let fractionUs = 0;
  if (at < to && bytes[at] === 0x2e) {
    const first = at + 1;
    let scale = 100_000;
    for (at = first; at < to; at++) {
      const digit = (bytes[at] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) break;
      fractionUs += digit * scale;
      scale = scale > 1 ? scale / 10 : 0;
    }
    if (at === first) return Number.NaN;
  }
  const localUs = minute + second * SECOND_US + fractionUs;
  if (at < to) return localUs - usualOffsetUs(bytes, at, to);
  if (zone === "UTC") return localUs;
  const instants = instantsOfLocal(localUs, zone);
  return instants.length === 1 ? (instants[0] ?? Number.NaN) : Number.NaN;
}

/** Writes an instant (whole µs since the epoch) as `yyyy-mm-ddThh:mm:ss.ffffffZ`. */
export function formatInstant(timeUs: number): string {
  const remainderUs = ((timeUs % 1000) + 1000) % 1000;
  const iso = new Date((timeUs - remainderUs) / 1000).toISOString();
  return `${iso.slice(0, -1)}${String(remainderUs).padStart(3, "0")}Z`;
}
