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

/** The number written by `count` digits from `at`, or −1 where one of them is no digit. */
function digits(text: string, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Offset from UTC in µs of `Z` or `±hh:mm`, which is all that follows in `text`; NaN for anything else. */
function usualOffsetUs(text: string, at: number): number {
  const rest = text.length - at;
  const sign = text.charCodeAt(at);
  if (rest === 1 && sign === 0x5a) return 0;
  if (rest !== 6 || (sign !== 0x2b && sign !== 0x2d) || text.charCodeAt(at + 3) !== 0x3a) return Number.NaN;
  const hours = digits(text, at + 1, 2);
  const minutes = digits(text, at + 4, 2);
  if (hours < 0 || hours > 18 || minutes < 0 || minutes > 59) return Number.NaN;
  return (sign === 0x2d ? -1 : 1) * (hours * 60 + minutes) * MINUTE_US;
}

function only(instants: readonly number[]): number | TimeProblem {
  return instants.length > 1 ? "ambiguous" : (instants[0] ?? "nonexistent");
}

function inAnySpelling(text: string, zone: string): number | TimeProblem {
  const time = readWrittenTime(text);
  if (time === null) return "unreadable";
  const instant = only(instantsOf(time, zone));
  return time.leapSecond && instant === "nonexistent" ? "unreadable" : instant;
}

/**
 * Reads a time stamp in any of the spellings of `readWrittenTime`; `yyyy-mm-ddThh:mm:ss[.fraction]` with `Z`, `±hh:mm`
 * or no zone, which nearly all producers write, the fast way.
 * @param zone of a time stamp without one: an IANA name or a fixed offset
 * @returns µs since the epoch, or why the text names no instant of the years 1700–2200
 */
export function parseInstant(text: string, zone = "UTC"): number | TimeProblem {
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  const separator = text.charCodeAt(10);
  if (
    text.charCodeAt(4) !== 0x2d ||
    text.charCodeAt(7) !== 0x2d ||
    (separator !== 0x54 && separator !== 0x20) ||
    text.charCodeAt(13) !== 0x3a ||
    text.charCodeAt(16) !== 0x3a ||
    !(hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59 && second >= 0 && second <= 59)
  )
    return inAnySpelling(text, zone);
  const day = daysFromCivil(digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2));
  if (day === null) return "unreadable";

  let at = 19;
  let fractionUs = 0;
  if (text.charCodeAt(at) === 0x2e) {
    let scale = 100_000;
    for (at++; at < text.length; at++) {
      const digit = text.charCodeAt(at) - 48;
      if (!(digit >= 0 && digit <= 9)) break;
      fractionUs += digit * scale;
      scale = scale > 1 ? scale / 10 : 0;
    }
    if (at === 20) return "unreadable";
  }
  const localUs = day * DAY_US + (hour * 60 + minute) * MINUTE_US + second * SECOND_US + fractionUs;
  if (at === text.length) return zone === "UTC" ? localUs : only(instantsOfLocal(localUs, zone));
  const offsetUs = usualOffsetUs(text, at);
  return Number.isNaN(offsetUs) ? inAnySpelling(text, zone) : localUs - offsetUs;
}

/** Writes an instant (whole µs since the epoch) as `yyyy-mm-ddThh:mm:ss.ffffffZ`. */
export function formatInstant(timeUs: number): string {
  const remainderUs = ((timeUs % 1000) + 1000) % 1000;
  const iso = new Date((timeUs - remainderUs) / 1000).toISOString();
  return `${iso.slice(0, -1)}${String(remainderUs).padStart(3, "0")}Z`;
}
