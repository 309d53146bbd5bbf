// Exact sums of decimal numbers, so that any order, cut and repetition of the same values gives the same bytes.
// Law: the decimal that `add` takes from a double is its shortest decimal form, the one JSON carried.
// Values with at most 6 decimals are summed as whole numbers of millionths in doubles (exact below 2^53);
// everything else takes the path over BigInt.

/** A decimal number: `unscaled` × 10^−`scale`. The scale is the most decimals that any summand had. */
export interface Decimal {
  readonly unscaled: bigint;
  readonly scale: number;
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
export function decimalOf(value: number): Decimal {
  const [mantissa = "0", exponent = "0"] = String(value).split("e");
  const [whole = "0", fraction = ""] = mantissa.split(".");
  const scale = fraction.length - Number(exponent);
  const unscaled = BigInt(whole + fraction);
  return scale >= 0 ? { unscaled, scale } : { unscaled: unscaled * 10n ** BigInt(-scale), scale: 0 };
}

/**
 * A finite double × 10^`power` as `digits`e`exponent`: the same text for the same number, however it was written.
 */
export function canonicalDecimal(value: number, power = 0): string {
  const [mantissa = "0", exponent = "0"] = String(value).split("e");
  const [whole = "0", fraction = ""] = mantissa.split(".");
  const digits = whole + fraction;
  const significant = digits.replace(/0+$/, "");
  const zeros = digits.length - significant.length;
  const shown = significant.replace(/^(-?)0+/, "$1");
  return shown === "" || shown === "-"
    ? "0"
    : `${shown}e${Number(exponent) - fraction.length + zeros + power}`;
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

/** An exact running sum. */
export class ExactSum {
  #micros = 0;
  #rest: Decimal = { unscaled: 0n, scale: MICRO_SCALE };

  /** Adds a finite number × 10^`power` as the decimal it stands for. */
  add(value: number, power = 0): void {
    const micros = power === 0 ? microsOf(value) : Number.NaN;
    if (Number.isNaN(micros)) {
      const { unscaled, scale } = decimalOf(value);
      this.addDecimal({ unscaled, scale: scale - power }); // negative for many MWh
    } else this.addMicros(micros);
  }

  /** Adds `micros` × 10^−6; whole, at most 1e15 in size. */
  addMicros(micros: number): void {
    this.#micros += micros;
    if (this.#micros > SPILL || this.#micros < -SPILL) {
      this.addDecimal({ unscaled: BigInt(this.#micros), scale: MICRO_SCALE });
      this.#micros = 0;
    }
  }

  addDecimal(decimal: Decimal): void {
    this.#rest = addDecimals(this.#rest, decimal);
  }

  /** The sum, with at least 6 decimals. */
  total(): Decimal {
    return addDecimals(this.#rest, { unscaled: BigInt(this.#micros), scale: MICRO_SCALE });
  }

  /** The sum in plain digits. */
  written(): string {
    return formatDecimal(this.total());
  }
}

/**
 * An exact running sum of squares. A value of `whole` + `micros`·10^−6 has the square
 * whole² + 2·whole·micros·10^−6 + micros²·10^−12: three sums, each exact in a double until it spills.
 */
export class ExactSquareSum {
  #wholes = 0;
  #mixed = 0;
  #micros = 0;
  #rest: Decimal = { unscaled: 0n, scale: 2 * MICRO_SCALE };

  /** Adds the square of a finite number, taken as the decimal it stands for. */
  add(value: number): void {
    const micros = microsOf(value);
    const whole = Math.trunc(value);
    if (Number.isNaN(micros) || Math.abs(whole) >= SQUARE_LIMIT) {
      const { unscaled, scale } = decimalOf(value);
      this.#rest = addDecimals(this.#rest, { unscaled: unscaled * unscaled, scale: 2 * scale });
      return;
    }
    const fraction = micros - whole * MICRO;
    this.#wholes += whole * whole;
    this.#mixed += whole * fraction;
    this.#micros += fraction * fraction;
    // The mixed sum is at most the larger of the other two (Cauchy and Schwarz).
    if (this.#wholes > SPILL || this.#micros > SPILL) this.#spill();
  }

  #spill(): void {
    const unscaled =
      BigInt(this.#wholes) * 10n ** 12n + 2n * BigInt(this.#mixed) * 10n ** 6n + BigInt(this.#micros);
    this.#rest = addDecimals(this.#rest, { unscaled, scale: 2 * MICRO_SCALE });
    this.#wholes = 0;
    this.#mixed = 0;
    this.#micros = 0;
  }

  /** The sum of squares, with at least 12 decimals. */
  total(): Decimal {
    this.#spill();
    return this.#rest;
  }

  /** The sum of squares in plain digits. */
  written(): string {
    return formatDecimal(this.total());
  }
}
