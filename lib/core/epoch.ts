// Numbers that count from 1970. They are read where somebody names their unit. As time stamps of events they are refused,
// because nothing in them says their unit; the refusal says what each would be.

import { formatInstant } from "./instant.ts";

const units = [
  { unit: "seconds", digits: [9, 10], us: 1_000_000 },
  { unit: "milliseconds", digits: [12, 13], us: 1_000 },
  { unit: "microseconds", digits: [15, 16], us: 1 },
  { unit: "nanoseconds", digits: [18, 19], us: 1e-3 },
] as const;

/**
 * What a number of 1973 to 2286 would be, by its length: `1768473000 would be 2026-01-15T10:30:00.000000Z if it counts
 * seconds since 1970`; null for everything else.
 */
export function epochInWords(value: unknown): string | null {
  const text = typeof value === "number" || typeof value === "string" ? String(value) : "";
  const whole = /^(\d+)(\.\d+)?$/.exec(text)?.[1] ?? "";
  const found = units.find(({ digits }) => digits.some((length) => length === whole.length));
  if (found === undefined) return null;
  const time = formatInstant(Math.floor(Number(text) * found.us));
  return `${text} would be ${time} if it counts ${found.unit} since 1970`;
}

const NANOSECONDS = { s: 1_000_000_000n, ms: 1_000_000n, us: 1_000n, ns: 1n } as const;

export type EpochUnit = keyof typeof NANOSECONDS;

export function isEpochUnit(text: string): text is EpochUnit {
  return Object.hasOwn(NANOSECONDS, text);
}

/** Beyond it, after 2223, a number is of another unit. */
const FURTHEST_US = 8e15;
const FRACTION_DIGITS = 9;

/**
 * A number of seconds, ms, µs or ns as µs; what is below a microsecond is cut off.
 * @returns null where the text is none; a negative one is a placeholder
 */
export function epochUs(text: string, unit: EpochUnit): number | null {
  const [, whole, fraction = ""] = /^(\d{1,19})(?:[.,](\d+))?$/.exec(text) ?? [];
  if (whole === undefined) return null;
  const digits = BigInt(whole + fraction.padEnd(FRACTION_DIGITS, "0").slice(0, FRACTION_DIGITS));
  const timeUs = Number((digits * NANOSECONDS[unit]) / 10n ** BigInt(FRACTION_DIGITS) / 1000n);
  return timeUs < FURTHEST_US ? timeUs : null;
}
