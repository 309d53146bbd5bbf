// Instants: microseconds since the Unix epoch as whole numbers in doubles (exact for the years we take).
// The only reader of time stamps from outside; `new Date(text)` is never used on such data.

/** First and last year (UTC) that a time stamp may name; all of it is exact in µs below 2^53. */
const FIRST_YEAR = 1700;
const LAST_YEAR = 2200;

const SECOND_US = 1_000_000;
const MINUTE_US = 60 * SECOND_US;
const DAY_US = 86_400 * SECOND_US;

const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Days from 1970-01-01 to a date of the proleptic Gregorian calendar, `month` and `day` from 1.
 * Formula: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
 */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function isLeapYear(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

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

/** Offset from UTC in µs of `Z`, `+hh`, `+hhmm`, `+hh:mm` or nothing (UTC) at the end of `text`, or null. */
function zoneOffsetUs(text: string, at: number): number | null {
  const rest = text.length - at;
  if (rest === 0) return 0;
  const sign = text[at];
  if (sign === "Z" || sign === "z") return rest === 1 ? 0 : null;
  if (sign !== "+" && sign !== "-") return null;
  const colon = text[at + 3] === ":";
  if (rest !== 3 && rest !== (colon ? 6 : 5)) return null;
  const hours = digits(text, at + 1, 2);
  const minutes = rest === 3 ? 0 : digits(text, at + (colon ? 4 : 3), 2);
  if (hours < 0 || hours > 18 || minutes < 0 || minutes > 59) return null;
  return (sign === "-" ? -1 : 1) * (hours * 60 + minutes) * MINUTE_US;
}

/**
 * Reads an ISO 8601 time stamp `yyyy-mm-ddThh:mm:ss[.fraction][zone]`, strictly.
 * No zone means UTC; a space may stand for the `T`; digits of the fraction beyond the sixth are cut off.
 * The leap second `23:59:60` (UTC) counts as the last microsecond of its minute, so that it stays in its window.
 * @returns µs since the epoch, or null where the text is no such time stamp or outside the years 1700–2200
 */
export function parseInstant(text: string): number | null {
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  const separator = text[10];
  if (
    text[4] !== "-" ||
    text[7] !== "-" ||
    (separator !== "T" && separator !== " " && separator !== "t") ||
    text[13] !== ":" ||
    text[16] !== ":"
  )
    return null;
  if (year < FIRST_YEAR || year > LAST_YEAR || month < 1 || month > 12 || day < 1) return null;
  const monthDays = month === 2 && isLeapYear(year) ? 29 : (DAYS_IN_MONTH[month - 1] ?? 0);
  if (day > monthDays || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
    return null;

  let at = 19;
  let fractionUs = 0;
  if (text[at] === ".") {
    const from = ++at;
    let scale = 100_000;
    for (; at < text.length; at++) {
      const digit = text.charCodeAt(at) - 48;
      if (!(digit >= 0 && digit <= 9)) break;
      fractionUs += digit * scale;
      scale = scale > 1 ? scale / 10 : 0;
    }
    if (at === from) return null;
  }
  const offsetUs = zoneOffsetUs(text, at);
  if (offsetUs === null) return null;

  const minuteUs = daysFromCivil(year, month, day) * DAY_US + (hour * 60 + minute) * MINUTE_US - offsetUs;
  if (second < 60) return minuteUs + second * SECOND_US + fractionUs;
  const endsUtcDay = (minuteUs + MINUTE_US) % DAY_US === 0;
  return endsUtcDay ? minuteUs + MINUTE_US - 1 : null;
}

/** Writes an instant (whole µs since the epoch) as `yyyy-mm-ddThh:mm:ss.ffffffZ`. */
export function formatInstant(timeUs: number): string {
  const remainderUs = ((timeUs % 1000) + 1000) % 1000;
  const iso = new Date((timeUs - remainderUs) / 1000).toISOString();
  return `${iso.slice(0, -1)}${String(remainderUs).padStart(3, "0")}Z`;
}
