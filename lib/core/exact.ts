// Exact sums of decimal numbers, so that any order, cut and repetition of the same values gives the same bytes.
// Law: the digits that were sent are the digits that are summed (Exact).
// Values with at most 6 decimals are summed as whole numbers of millionths in doubles (exact below 2^53);
// everything else takes the path over BigInt.

/** A decimal number: `unscaled` × 10^−`scale`. The scale is the most decimals that any summand had. */
export interface Decimal {
  readonly unscaled: bigint;
  readonly scale: number;
}

/**
 * A number with the digits that were sent. A double where at most 15 of them are significant: then its shortest decimal
 * form is what was sent (15 digits are always told apart). In full where there are more.
 */
export type Exact = number | Decimal;

/** Of the significant digits that a double is sure to keep. */
const DOUBLE_DIGITS = 15;
const LONG = 1e15;
/** More digits, or more decimals, are no measurement: such a number is not taken. */
export const MOST_DIGITS = 38;
export const MOST_DECIMALS = 30;
/** Powers of ten that are exact in a double. */
const POWERS = Array.from({ length: 23 }, (_, n) => 10 ** n);

const ZERO = 0x30;
const POINT = 0x2e;
const MINUS = 0x2d;

/**
 * Reads a number of JSON from its bytes, all digits kept. Zeros before and after the significant digits do not count.
 * A quotient of two exact doubles is rounded once (IEEE 754), so it is the double next to the decimal.
 * @returns null where it has more than 38 digits or 30 decimals
 */
export function readExact(bytes: Uint8Array, from: number, to: number): Exact | null {
  const isNegative = bytes[from] === MINUS;
  let at = isNegative ? from + 1 : from;
  let whole = 0; // all digits, without the point
  for (; at < to; at++) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) break;
    whole = whole * 10 + digit;
  }
  let decimals = 0;
  if (at < to && bytes[at] === POINT) {
    const first = at + 1;
    for (at = first; at < to; at++) {
      const digit = (bytes[at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) break;
      whole = whole * 10 + digit;
    }
    decimals = at - first;
  }
  const hasExponent = at < to;
  if (hasExponent || whole >= LONG || decimals >= POWERS.length) return readLongExact(bytes, from, to);
  const size = decimals === 0 ? whole : whole / (POWERS[decimals] ?? 1);
  return isNegative && size !== 0 ? -size : size;
}

/** An exponent beyond it is beyond all limits, however many zeros stand before it. */
const LARGEST_EXPONENT = 1e9;

/** As readExact, of any length and with an exponent. In one pass: a record may hold a million zeros. */
function readLongExact(bytes: Uint8Array, from: number, to: number): Exact | null {
  let at = bytes[from] === MINUS ? from + 1 : from;
  let significant = ""; // up to the last digit that is not zero
  let zeros = 0; // after it
  let decimals = 0; // down to it
  let decimalsRead = 0;
  let hasPoint = false;
  for (; at < to; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === POINT) {
      hasPoint = true;
      continue;
    }
    const digit = byte - ZERO;
    if (digit < 0 || digit > 9) break;
    if (hasPoint) decimalsRead++;
    if (digit === 0) {
      if (significant !== "") zeros++;
      continue;
    }
    if (significant.length + zeros >= MOST_DIGITS) return null;
    significant += "0".repeat(zeros) + digit;
    zeros = 0;
    decimals = decimalsRead;
  }
  if (significant === "") return 0;
  // What is behind the last significant digit: zeros of the whole part only, for those of the fraction say nothing.
  const wholeZeros = Math.max(0, zeros - (decimalsRead - decimals));
  const scale = decimals - wholeZeros - exponentAt(bytes, at, to);
  if (scale > MOST_DECIMALS || significant.length + Math.max(0, -scale) > MOST_DIGITS) return null;
  const sign = bytes[from] === MINUS ? "-" : "";
  if (significant.length <= DOUBLE_DIGITS) return Number(`${sign}${significant}e${-scale}`);
  return decimalOfDigits(BigInt(sign + significant), scale);
}

/** The exponent whose `e` stands at `at`; 0 where none does. */
function exponentAt(bytes: Uint8Array, at: number, to: number): number {
  let exponent = 0;
  for (let i = at + 1; i < to; i++) {
    const digit = (bytes[i] ?? 0) - ZERO;
    if (digit >= 0 && digit <= 9) exponent = Math.min(exponent * 10 + digit, LARGEST_EXPONENT);
  }
  return bytes[at + 1] === MINUS ? -exponent : exponent;
}

/** `unscaled` × 10^−`scale`, of which the scale may be negative. */
function decimalOfDigits(unscaled: bigint, scale: number): Decimal {
  return scale >= 0 ? { unscaled, scale } : { unscaled: unscaled * 10n ** BigInt(-scale), scale: 0 };
}

const MICRO = 1_000_000;
const MICRO_SCALE = 6;
/** Above this a double no longer says which decimal with 6 places was meant (15 digits are always told apart). */
const MICRO_LIMIT = 1e15;
/** An accumulator beyond this is moved to BigInt; a summand of at most 1e15 more stays below 2^53. */
const SPILL = 2 ** 52;
/** Whole parts up to here have squares that a double accumulator can take. */
const SQUARE_LIMIT = 2 ** 26;

/** The whole number of millionths that a value is, or NaN where it has more decimals or is too large. */
export function microsOf(value: number): number {
  const micros = Math.round(value * MICRO);
  return micros / MICRO === value && Math.abs(micros) <= MICRO_LIMIT ? micros : Number.NaN;
}

/** The decimal that a finite double's shortest form writes, e.g. 1.5e-7 → 15 × 10^−8. */
function decimalOfDouble(value: number): Decimal {
  const [mantissa = "0", exponent = "0"] = String(value).split("e");
  const [whole = "0", fraction = ""] = mantissa.split(".");
  const scale = fraction.length - Number(exponent);
  return decimalOfDigits(BigInt(whole + fraction), scale);
}

/** A number as a decimal. */
export function decimalOf(value: Exact): Decimal {
  return typeof value === "number" ? decimalOfDouble(value) : value;
}

/** The double next to a number. */
export function doubleOf(value: Exact): number {
  return typeof value === "number" ? value : Number(formatDecimal(value));
}

/** A number in plain digits, or as JavaScript writes a double. */
export function writeExact(value: Exact): string {
  return typeof value === "number" ? String(value) : formatDecimal(value);
}

/** Below 0, 0, or above 0, as `a` is less than, equal to or greater than `b`. */
export function compareExact(a: Exact, b: Exact): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  const { unscaled } = addDecimals(decimalOf(a), negated(decimalOf(b)));
  return unscaled < 0n ? -1 : unscaled > 0n ? 1 : 0;
}

function negated({ unscaled, scale }: Decimal): Decimal {
  return { unscaled: -unscaled, scale };
}

/** A number × 10^`power` as `digits`e`exponent`: the same text for the same number, however it was written. */
export function canonicalDecimal(value: Exact, power = 0): string {
  const { unscaled, scale } = decimalOf(value);
  const digits = unscaled.toString();
  let end = digits.length;
  while (end > 1 && digits[end - 1] === "0") end--;
  return unscaled === 0n ? "0" : `${digits.slice(0, end)}e${digits.length - end - scale + power}`;
}

export function addDecimals(a: Decimal, b: Decimal): Decimal {
  if (a.scale === b.scale) return { unscaled: a.unscaled + b.unscaled, scale: a.scale };
  const [fine, coarse] = a.scale > b.scale ? [a, b] : [b, a];
  const factor = 10n ** BigInt(fine.scale - coarse.scale);
  return { unscaled: fine.unscaled + coarse.unscaled * factor, scale: fine.scale };
}

/** Plain digits with exactly `scale` decimals: PostgreSQL's numeric keeps both value and scale. */
export function formatDecimal({ unscaled, scale }: Decimal): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const fraction = scale > 0 ? `.${digits.slice(-scale)}` : "";
  return `${unscaled < 0n ? "-" : ""}${whole}${fraction}`;
}

/** How often `divisor` fits into a whole number below 2^53, and what is left: exact, though a quotient may be rounded up. */
function divide(whole: number, divisor: number): [quotient: number, remainder: number] {
  const quotient = Math.floor(whole / divisor);
  const remainder = whole - quotient * divisor;
  return remainder < 0 ? [quotient - 1, remainder + divisor] : [quotient, remainder];
}

/** Plain digits with a point as a decimal. */
function parseFixed(text: string): Decimal {
  const [whole = "", fraction = ""] = text.split(".");
  return { unscaled: BigInt(whole + fraction), scale: fraction.length };
}

/** A whole number below 10^6 with six digits. */
const sixDigits = (value: number) => String(MICRO + value).slice(1);

/** Adds to what the doubles of a row do not hold. */
function addTo(rests: Map<number, Decimal>, row: number, decimal: Decimal): void {
  const rest = rests.get(row);
  rests.set(row, rest === undefined ? decimal : addDecimals(rest, decimal));
}

/** Exact running sums, one for each row. */
export class ExactSums {
  readonly #micros: number[] = [];
  /** What millionths in a double do not hold. */
  readonly #rests = new Map<number, Decimal>();

  /** Begins the next row, with the sum 0. */
  begin(): void {
    this.#micros.push(0);
  }

  /** Adds a number × 10^`power`. */
  add(row: number, value: Exact, power = 0): void {
    const micros = power === 0 && typeof value === "number" ? microsOf(value) : Number.NaN;
    if (Number.isNaN(micros)) {
      const { unscaled, scale } = decimalOf(value);
      addTo(this.#rests, row, { unscaled, scale: scale - power }); // negative for many MWh
      return;
    }
    let sum = (this.#micros[row] ?? 0) + micros;
    if (sum > SPILL || sum < -SPILL) {
      addTo(this.#rests, row, { unscaled: BigInt(sum), scale: MICRO_SCALE });
      sum = 0;
    }
    this.#micros[row] = sum;
  }

  /** The sums in plain digits, with at least 6 decimals. */
  written(): string[] {
    return this.#micros.map((micros, row) => {
      const rest = this.#rests.get(row);
      if (rest !== undefined)
        return formatDecimal(addDecimals(rest, { unscaled: BigInt(micros), scale: MICRO_SCALE }));
      const [whole, fraction] = divide(Math.abs(micros), MICRO);
      return `${micros < 0 ? "-" : ""}${whole}.${sixDigits(fraction)}`;
    });
  }
}

/**
 * Exact running sums of squares, one for each row. A value of `whole` + `micros`·10^−6 has the square
 * whole² + 2·whole·micros·10^−6 + micros²·10^−12: three sums, each exact in a double until it spills.
 */
export class ExactSquareSums {
  readonly #wholes: number[] = [];
  readonly #mixed: number[] = [];
  readonly #micros: number[] = [];
  readonly #rests = new Map<number, Decimal>();

  /** Begins the next row, with the sum 0. */
  begin(): void {
    this.#wholes.push(0);
    this.#mixed.push(0);
    this.#micros.push(0);
  }

  /** Adds the square of a number. */
  add(row: number, value: Exact): void {
    const micros = typeof value === "number" ? microsOf(value) : Number.NaN;
    const whole = typeof value === "number" ? Math.trunc(value) : 0;
    if (Number.isNaN(micros) || Math.abs(whole) >= SQUARE_LIMIT) {
      const { unscaled, scale } = decimalOf(value);
      addTo(this.#rests, row, { unscaled: unscaled * unscaled, scale: 2 * scale });
      return;
    }
    const fraction = micros - whole * MICRO;
    const wholes = (this.#wholes[row] ?? 0) + whole * whole;
    const squares = (this.#micros[row] ?? 0) + fraction * fraction;
    this.#wholes[row] = wholes;
    this.#mixed[row] = (this.#mixed[row] ?? 0) + whole * fraction;
    this.#micros[row] = squares;
    // The mixed sum is at most the larger of the other two (Cauchy and Schwarz).
    if (wholes > SPILL || squares > SPILL) {
      addTo(this.#rests, row, parseFixed(this.#inDoubles(row)));
      this.#wholes[row] = 0;
      this.#mixed[row] = 0;
      this.#micros[row] = 0;
    }
  }

  /** What the doubles of a row hold, in plain digits with 12 decimals. */
  #inDoubles(row: number): string {
    const [mixedCarry, micros] = divide(this.#micros[row] ?? 0, MICRO);
    const [mixedWholes, mixedRest] = divide(this.#mixed[row] ?? 0, MICRO);
    const [carry, mixed] = divide(2 * mixedRest + mixedCarry, MICRO);
    const wholes = this.#wholes[row] ?? 0;
    const more = 2 * mixedWholes + carry;
    // Beyond 2^52 the sum may need more digits than a double has.
    const whole = wholes > SPILL ? BigInt(wholes) + BigInt(more) : wholes + more;
    return `${whole}.${sixDigits(mixed)}${sixDigits(micros)}`;
  }

  /** The sums of squares in plain digits, with at least 12 decimals. */
  written(): string[] {
    return this.#wholes.map((_, row) => {
      const sum = this.#inDoubles(row);
      const rest = this.#rests.get(row);
      return rest === undefined ? sum : formatDecimal(addDecimals(rest, parseFixed(sum)));
    });
  }
}
