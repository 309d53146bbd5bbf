// Numbers that count from 1970. They are refused as time stamps, because nothing in them says their unit; the refusal says
// what each would be.

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
