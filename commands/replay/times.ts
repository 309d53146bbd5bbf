// Times as files write them.

import { daysFromCivil } from "../../lib/core/calendar.ts";
import { type EpochUnit, epochUs } from "../../lib/core/epoch.ts";
import { formatInstant } from "../../lib/core/instant.ts";
import { readWrittenTime } from "../../lib/core/written-time.ts";
import { instantsOfLocal } from "../../lib/core/zone.ts";
import type { FileTime } from "./layout.ts";

const SECOND_US = 1_000_000;
export const MINUTE_US = 60 * SECOND_US;
export const HOUR_US = 60 * MINUTE_US;
export const DAY_US = 24 * HOUR_US;

/** An instant in UTC, without a fraction or seconds that are 0. */
export function shortInstant(timeUs: number): string {
  return formatInstant(timeUs).replace(/(:00)?\.000000Z$/, "Z");
}

/** Reads a time; null where the text is none. */
export type TimeReader = (text: string) => FileTime | null;

/** A local time of a zone; an instant where the zone is a fixed offset. */
function local(zone: string): (localUs: number) => FileTime {
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(zone) ?? [];
  if (sign === undefined) return zone === "UTC" ? (timeUs) => ({ timeUs }) : (localUs) => ({ localUs, zone });
  const offset = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * MINUTE_US;
  return (localUs) => ({ timeUs: localUs - offset });
}

/** ISO 8601 and its neighbours (lib/core/written-time.ts). `zone` is that of times that name none. */
export function isoTime(zone: string): TimeReader {
  const inZone = local(zone);
  return (text) => {
    const time = readWrittenTime(text);
    if (time === null) return null;
    if (time.zone === "offset") return { timeUs: time.localUs - time.offsetUs };
    return time.zone === "named" ? { localUs: time.localUs, zone: time.name } : inZone(time.localUs);
  };
}

/** Times as numbers since 1970. */
export function epochTime(unit: EpochUnit): TimeReader {
  return (text) => {
    const timeUs = epochUs(text, unit);
    return timeUs === null ? null : { timeUs };
  };
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const TOKENS: Readonly<Record<string, string>> = {
  yyyy: "(?<year>\\d{4})",
  yy: "(?<year>\\d\\d)",
  MMMM: "(?<month>[A-Za-z]{3,9})",
  MMM: "(?<month>[A-Za-z]{3})\\.?",
  MM: "(?<month>\\d\\d)",
  M: "(?<month>\\d\\d?)",
  dd: "(?<day>\\d\\d)",
  d: "(?<day>\\d\\d?)",
  HH: "(?<hour>\\d\\d)",
  H: "(?<hour>\\d\\d?)",
  hh: "(?<hour>\\d\\d)",
  h: "(?<hour>\\d\\d?)",
  mm: "(?<minute>\\d\\d)",
  ss: "(?<second>\\d\\d)",
  S: "(?<fraction>\\d{1,9})",
  a: "(?<half>[ap])\\.?m\\.?",
  X: "(?<offset>Z|[+-]\\d\\d:?\\d\\d|[A-Z]{3,4})",
};
const TOKEN = /yyyy|yy|M{1,4}|dd?|HH?|hh?|mm|ss|S+|a|X+|'[^']*'|[A-Za-z]+|\s+|[^A-Za-z\s]/g;

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

function hourOf(hour: number, half: string | undefined): number | null {
  if (half === undefined) return hour <= 24 ? hour : null;
  if (hour < 1 || hour > 12) return null;
  return (hour % 12) + (half.toLowerCase() === "p" ? 12 : 0);
}

/** Hours of the names of offsets that mean one thing only; EST, CST, IST and BST do not. */
const NAMED_OFFSETS: Readonly<Record<string, number>> = {
  Z: 0,
  UTC: 0,
  GMT: 0,
  WET: 0,
  WEST: 1,
  CET: 1,
  MEZ: 1,
  CEST: 2,
  MESZ: 2,
  EET: 2,
  EEST: 3,
};

/** null for a name that is not known. */
function offsetUs(text: string): number | null {
  if (/^[A-Z]/.test(text)) {
    const hours = NAMED_OFFSETS[text];
    return hours === undefined ? null : hours * HOUR_US;
  }
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(-2));
  return (text.startsWith("-") ? -1 : 1) * minutes * MINUTE_US;
}

/**
 * Times of a pattern such as `dd/MM/yyyy HH:mm`, in the letters of Unicode's CLDR: yyyy yy, M MM MMM (English), d dd, H HH,
 * h hh with a (AM, PM), mm, ss, S (a fraction of any length), X (an offset), 'text'. 24:00 is the end of the day.
 * @throws Error where the pattern has other letters
 */
export function patternTime(pattern: string, zone: string): TimeReader {
  const source = (pattern.match(TOKEN) ?? []).map((token) => {
    if (/^\s+$/.test(token)) return "\\s+";
    if (token.startsWith("'")) return escaped(token.slice(1, -1));
    const known = TOKENS[token] ?? TOKENS[token.replace(/^(S|X)+$/, "$1")];
    if (known !== undefined) return known;
    if (token === "T") return "T";
    if (/[A-Za-z]/.test(token))
      throw new Error(
        `the date pattern "${pattern}" has "${token}"; known are yyyy yy M MM MMM d dd H HH h hh mm ss S a X 'text'`,
      );
    return escaped(token);
  });
  const inZone = local(zone);
  const expression = new RegExp(`^${source.join("")}$`, "i");
  return (text) => {
    const part = expression.exec(text)?.groups;
    if (part === undefined) return null;
    const { year = "", month = "" } = part;
    const named = MONTHS.indexOf(month.slice(0, 3).toLowerCase()) + 1;
    const day = daysFromCivil(
      year.length === 2 ? 2000 + Number(year) : Number(year),
      named > 0 ? named : Number(month),
      Number(part.day ?? "1"),
    );
    const hour = hourOf(Number(part.hour ?? "0"), part.half);
    const [minute, second] = [Number(part.minute ?? "0"), Number(part.second ?? "0")];
    const fractionUs = Number((part.fraction ?? "").padEnd(6, "0").slice(0, 6));
    if (day === null || hour === null || minute > 59 || second > 59) return null;
    if (hour === 24 && (minute > 0 || second > 0)) return null;
    const localUs = day * DAY_US + (hour * 60 + minute) * MINUTE_US + second * SECOND_US + fractionUs;
    if (part.offset === undefined) return inZone(localUs);
    const offset = offsetUs(part.offset.toUpperCase());
    return offset === null ? null : { timeUs: localUs - offset };
  };
}

const EPOCH_DIGITS: Readonly<Record<number, EpochUnit>> = { 10: "s", 13: "ms", 16: "us", 19: "ns" };

/** What to say for a time that was not read. */
export function patternHint(text: string): string {
  const whole = /^(\d+)(?:[.,]\d+)?$/.exec(text)?.[1];
  const unit = EPOCH_DIGITS[whole?.length ?? 0];
  if (unit !== undefined) return `say --date-pattern epoch-${unit}`;
  if (whole?.length === 5)
    return "a spreadsheet's number of days is not read, save the column as date and time";
  return 'say --date-pattern, such as "dd.MM.yyyy HH:mm"';
}

/** The same local time, or instant, so much later. */
export function later(at: FileTime, byUs: number): FileTime {
  return "timeUs" in at ? { timeUs: at.timeUs + byUs } : { localUs: at.localUs + byUs, zone: at.zone };
}

/**
 * The instant at which so much of a local day has passed since midnight, whatever the clocks do; null where the day, which
 * has 23 to 25 hours, ends before the interval does.
 */
export function elapsedInDay(midnight: FileTime, us: number, lengthUs: number): FileTime | null {
  if ("timeUs" in midnight) return us + lengthUs <= DAY_US ? { timeUs: midnight.timeUs + us } : null;
  const [start] = instantsOfLocal(midnight.localUs, midnight.zone);
  const [end] = instantsOfLocal(midnight.localUs + DAY_US, midnight.zone);
  return start === undefined || end === undefined || start + us + lengthUs > end
    ? null
    : { timeUs: start + us };
}

const LENGTH_US = { s: SECOND_US, m: MINUTE_US, h: HOUR_US, d: DAY_US } as const;

/** A length such as `15m`, `30min`, `1h`, `900s`, `PT15M` in µs; null where the text is none. */
export function lengthIn(text: string): number | null {
  const [, number, unit] = /^(?:P?T?)(\d{1,6})\s*(s|sec|m|min|h|d)$/i.exec(text.trim()) ?? [];
  if (number === undefined || unit === undefined || Number(number) === 0) return null;
  const letter = unit.slice(0, 1).toLowerCase();
  return letter === "s" || letter === "m" || letter === "h" || letter === "d"
    ? Number(number) * LENGTH_US[letter]
    : null;
}
