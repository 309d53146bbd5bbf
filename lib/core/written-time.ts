// The grammar of time stamps: every spelling that is read, and what it says of its zone.

import { daysFromCivil } from "./calendar.ts";
import { instantsOfLocal, isZone } from "./zone.ts";

const MINUTE_US = 60_000_000;
const DAY_US = 1440 * MINUTE_US;
const LARGEST_OFFSET_HOURS = 18;

/** For messages: what would be taken. */
export const readableTimes =
  'ISO 8601 with date and time, such as "2026-01-15T10:00Z", "2026-01-15T10:00:00.5+01:00", "20260115T100000Z" or "2026-01-15T10:00[Europe/Paris]"';

/** A time stamp as it is written: its fields as if they were UTC, and what it says of its zone. */
interface Written {
  /** µs since the epoch. */
  readonly localUs: number;
  /** Written as second 60: `localUs` is the last microsecond of its minute, so that it stays in its window. */
  readonly leapSecond: boolean;
}
export type WrittenTime =
  | (Written & { readonly zone: "offset"; readonly offsetUs: number })
  | (Written & { readonly zone: "named"; readonly name: string })
  | (Written & { readonly zone: "none" });

const DATE = "(?<year>\\d{4})(?<dash>-?)(?<month>\\d\\d)\\k<dash>(?<day>\\d\\d)";
const TIME =
  "(?<hour>\\d\\d)(?:(?<colon>:?)(?<minute>\\d\\d)(?:\\k<colon>(?<second>\\d\\d)(?:[.,](?<fraction>\\d+))?)?)?";
const OFFSET = " ?(?:(?<utc>z|utc|gmt)|(?<sign>[+\\-\u2212])(?<zoneHour>\\d\\d)(?::?(?<zoneMinute>\\d\\d))?)";
// RFC 9557: a zone in brackets, then tags (calendar and the like) that do not change the instant.
const BRACKETS = "(?:\\[!?(?<name>[\\w.+/:-]+)\\])?(?:\\[[\\w-]+=[\\w-]+\\])*";
const WRITTEN_TIME = new RegExp(`^${DATE}[t ]${TIME}(?:${OFFSET})?${BRACKETS}$`, "i");

/**
 * Reads the spellings of ISO 8601 and of what stands around it: extended and basic form, `T`, `t` or a space, hours
 * alone, minutes without seconds, `24:00`, point or comma before the fraction (digits beyond the sixth are cut off),
 * second 60, and then `Z`, `UTC`, `GMT`, `±hh`, `±hhmm`, `±hh:mm`, `[Zone]` (which an offset before it overrules), or
 * nothing. Not read, because two readers could read two times: dates alone, weeks and ordinal dates, fractions of hours
 * and minutes, names such as CET, numbers of seconds.
 * @returns null where the text is none of these, or names a date, a time or a zone that does not exist
 */
export function readWrittenTime(text: string): WrittenTime | null {
  const part = WRITTEN_TIME.exec(text)?.groups;
  if (part === undefined) return null;
  const day = daysFromCivil(Number(part.year), Number(part.month), Number(part.day));
  const [hour, minute, second] = [Number(part.hour), Number(part.minute ?? 0), Number(part.second ?? 0)];
  const fractionUs = Number((part.fraction ?? "").slice(0, 6).padEnd(6, "0"));
  if (day === null || hour > 24 || minute > 59 || second > 60) return null;
  if (hour === 24 && (minute > 0 || second > 0 || /[1-9]/.test(part.fraction ?? ""))) return null;

  const leapSecond = second === 60;
  const inMinuteUs = leapSecond ? MINUTE_US - 1 : second * 1_000_000 + fractionUs;
  const localUs = day * DAY_US + (hour * 60 + minute) * MINUTE_US + inMinuteUs;

  if (part.utc !== undefined) return { zone: "offset", localUs, leapSecond, offsetUs: 0 };
  if (part.sign !== undefined) {
    const [hours, minutes] = [Number(part.zoneHour), Number(part.zoneMinute ?? 0)];
    if (hours > LARGEST_OFFSET_HOURS || minutes > 59) return null;
    const offsetUs = (part.sign === "+" ? 1 : -1) * (hours * 60 + minutes) * MINUTE_US;
    return { zone: "offset", localUs, leapSecond, offsetUs };
  }
  if (part.name === undefined) return { zone: "none", localUs, leapSecond };
  return isZone(part.name) ? { zone: "named", localUs, leapSecond, name: part.name } : null;
}

/**
 * The instants that a time stamp may mean, µs since the epoch, the earlier first: one; two where the zone's clocks go
 * back; none where they go forward, or where a second 60 does not end a day of UTC.
 * @param zone an IANA name or a fixed offset, for a time without a zone of its own
 */
export function instantsOf(time: WrittenTime, zone: string): readonly number[] {
  const instants =
    time.zone === "offset"
      ? [time.localUs - time.offsetUs]
      : instantsOfLocal(time.localUs, time.zone === "named" ? time.name : zone);
  return time.leapSecond ? instants.filter((timeUs) => (timeUs + 1) % DAY_US === 0) : instants;
}
