// Computing with the digits of the file.

import { addDecimals, type Decimal } from "../../lib/core/exact.ts";

export function negated({ unscaled, scale }: Decimal): Decimal {
  return { unscaled: -unscaled, scale };
}

export function difference(a: Decimal, b: Decimal): Decimal {
  return addDecimals(a, negated(b));
}

/** A quotient that does not end is rounded so that a reading has so many digits, which a double still tells apart. */
const MOST_DIGITS = 15;
const MOST_DECIMALS = 12;

/**
 * The number × `numerator` / `denominator` (whole, above 0): exact where the quotient ends, otherwise with 12 decimals or
 * 15 digits, whichever is less, half to even.
 */
export function timesFraction(value: Decimal, numerator: number, denominator: number): Decimal {
  const product = value.unscaled * BigInt(numerator);
  const divisor = BigInt(denominator);
  const digits = (product / divisor).toString().replace("-", "").length - value.scale;
  const decimals = Math.max(value.scale, Math.min(MOST_DECIMALS, MOST_DIGITS - Math.max(digits, 0)));
  for (let scale = value.scale; scale <= decimals; scale++) {
    const scaled = product * 10n ** BigInt(scale - value.scale);
    if (scaled % divisor === 0n) return { unscaled: scaled / divisor, scale };
  }
  const scaled = product * 10n ** BigInt(decimals - value.scale);
  const quotient = scaled / divisor;
  const remainder = scaled < 0n ? -(scaled % divisor) : scaled % divisor;
  const up = remainder * 2n > divisor || (remainder * 2n === divisor && quotient % 2n !== 0n);
  return { unscaled: up ? quotient + (scaled < 0n ? -1n : 1n) : quotient, scale: decimals };
}
