// Decimal numbers as text, with all their digits: never through a double.

import type { Decimal } from "./exact.ts";

/** Beyond it a number is no measurement, and its digits would fill a page. */
const LARGEST_EXPONENT = 30;
const NUMBER = /^([+\-\u2212]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;

/** Reads a plain decimal number with a point; null where the text is none, or its exponent is beyond ±30. */
export function parseDecimal(text: string): Decimal | null {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = NUMBER.exec(text) ?? [];
  if (whole === "" && fraction === "") return null;
  if (Math.abs(Number(exponent)) > LARGEST_EXPONENT || fraction.length > 2 * LARGEST_EXPONENT) return null;
  const unscaled = BigInt(whole + fraction) * (sign === "-" || sign === "\u2212" ? -1n : 1n);
  return byPowerOfTen({ unscaled, scale: fraction.length }, Number(exponent));
}

/** The number × 10^`power`: the point moves, the digits stay. */
export function byPowerOfTen({ unscaled, scale }: Decimal, power: number): Decimal {
  const moved = scale - power;
  return moved >= 0 ? { unscaled, scale: moved } : { unscaled: unscaled * 10n ** BigInt(-moved), scale: 0 };
}
