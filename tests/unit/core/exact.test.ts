import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addDecimals,
  canonicalDecimal,
  compareExact,
  type Decimal,
  decimalOf,
  doubleOf,
  type Exact,
  ExactSquareSums,
  ExactSums,
  formatDecimal,
  microsOf,
  readExact,
  writeExact,
} from "../../../lib/core/exact.ts";

/** Numbers of more digits than a double keeps. */
const long = fc
  .tuple(fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }), fc.integer({ min: 0, max: 30 }))
  .map(([unscaled, scale]): Exact => ({ unscaled, scale }));
/** Values as sensors send them, and such as only the slow path can take. */
const value = fc.oneof(
  fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }).map((n) => n / 1e6),
  fc.integer({ min: -9_000_000, max: 9_000_000 }).map((n) => 1e6 + n / 1e8),
  fc.double({ min: -9e15, max: 9e15, noNaN: true }).filter((v) => v === 0 || Math.abs(v) >= 1e-30),
  fc.integer({ min: -(10 ** 15), max: 10 ** 15 }),
  fc.constantFrom(0.1, 0.2, 0.3, 67_108_863.999999, 67_108_864.5, -67_108_863.999999, 1e-7, 123456789.123456),
);

/** Sums over BigInt alone: the definition that the fast path must meet. */
function plainSum(values: readonly Exact[], power: 1 | 2): Decimal {
  return values
    .map(decimalOf)
    .map((d) => (power === 1 ? d : { unscaled: d.unscaled * d.unscaled, scale: 2 * d.scale }))
    .reduce(addDecimals, { unscaled: 0n, scale: 6 * power });
}

/** A number in plain digits as a decimal. */
function digitsOf(text: string): Decimal {
  const [whole = "", fraction = ""] = text.split(".");
  return { unscaled: BigInt(whole + fraction), scale: fraction.length };
}

function sumOf(values: readonly Exact[]): string {
  const sums = new ExactSums();
  sums.begin();
  sums.begin();
  for (const v of values) sums.add(1, v);
  const [none, sum = ""] = sums.written();
  expect(none).toBe("0.000000");
  return sum;
}

function squareSumOf(values: readonly Exact[]): string {
  const sums = new ExactSquareSums();
  sums.begin();
  for (const v of values) sums.add(0, v);
  const [sum = ""] = sums.written();
  return sum;
}

describe("exact sums", () => {
  test("equal the sum over BigInt", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(value, long), { maxLength: 40 }), (values) => {
        expect(sumOf(values)).toBe(formatDecimal(plainSum(values, 1)));
        expect(squareSumOf(values)).toBe(formatDecimal(plainSum(values, 2)));
      }),
      { numRuns: 2_000 },
    );
  });

  test("do not depend on the order or on the cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(value, long), { minLength: 1, maxLength: 30 }),
        fc.nat(),
        (values, seed) => {
          const cut = seed % values.length;
          const shuffled = [...values.slice(cut).reverse(), ...values.slice(0, cut)];
          expect(sumOf(shuffled)).toBe(sumOf(values));
          expect(squareSumOf(shuffled)).toBe(squareSumOf(values));
          const parts = [values.slice(0, cut), values.slice(cut)].map((some) => digitsOf(squareSumOf(some)));
          const scale = { unscaled: 0n, scale: 12 };
          expect(formatDecimal(parts.reduce(addDecimals, scale))).toBe(squareSumOf(values));
        },
      ),
    );
  });

  test("stay exact where the accumulators in doubles run full", () => {
    const values = Array.from({ length: 20_000 }, (_, i) => 67_108_863 + (i % 7) / 7 + 1e-6 * (i % 3));
    const rounded = values.map((v) => Math.round(v * 1e6) / 1e6);
    expect(squareSumOf(rounded)).toBe(formatDecimal(plainSum(rounded, 2)));
    const large = Array.from({ length: 20_000 }, () => 999_999_999.999999);
    expect(sumOf(large)).toBe(formatDecimal(plainSum(large, 1)));
    const negative = large.map((v) => -v);
    expect(sumOf(negative)).toBe(formatDecimal(plainSum(negative, 1)));
    const small = Array.from({ length: 20_000 }, () => 0.999999);
    expect(squareSumOf(small)).toBe(formatDecimal(plainSum(small, 2)));
    const mixed = Array.from({ length: 20_000 }, (_, i) => (i % 2 === 0 ? 1 : -1) * 999_999.999999);
    expect(squareSumOf(mixed)).toBe(formatDecimal(plainSum(mixed, 2)));
  });

  test("go the quick way for whole millionths up to 1e15 of them, and for nothing else", () => {
    fc.assert(
      fc.property(fc.integer({ min: -(10 ** 15), max: 10 ** 15 }), (micros) => {
        expect(microsOf(micros / 1e6)).toBe(micros);
      }),
    );
    expect(microsOf(1e9)).toBe(1e15);
    expect(microsOf(-1e9)).toBe(-1e15);
    for (const value of [1e9 + 0.000001, -1e9 - 1, 1e-7, 0.1234567, 1e300]) expect(microsOf(value)).toBeNaN();
  });

  test("give the deviation of values near a million that doubles get wrong", () => {
    const values = [999_999.99, 1_000_000, 1_000_000.01];
    expect(sumOf(values)).toBe("3000000.000000");
    expect(squareSumOf(values)).toBe("3000000000000.000200000000");
  });

  test("take a double for the decimal that it was written as", () => {
    expect(formatDecimal(decimalOf(0.1))).toBe("0.1");
    expect(formatDecimal(decimalOf(1.5e-7))).toBe("0.00000015");
    expect(formatDecimal(decimalOf(-1e21))).toBe("-1000000000000000000000");
    expect(formatDecimal(decimalOf(0))).toBe("0");
    expect(formatDecimal({ unscaled: 0n, scale: 2 })).toBe("0.00");
    expect(formatDecimal(decimalOf(-0.000001))).toBe("-0.000001");
  });
});

/** A number of JSON by its digits, as it is written. */
const written = fc
  .record({
    sign: fc.constantFrom("", "-"),
    whole: fc.oneof(
      fc.constant("0"),
      fc.stringMatching(/^[1-9][0-9]{0,40}$/),
      fc.stringMatching(/^[1-9]0{0,40}$/),
    ),
    fraction: fc.oneof(
      fc.constant(""),
      fc.stringMatching(/^\.[0-9]{1,45}$/),
      fc.stringMatching(/^\.0{0,40}[0-9]{1,3}0{0,20}$/),
    ),
    exponent: fc.oneof(
      fc.constant(""),
      fc.stringMatching(/^[eE][+-]?[0-9]{1,2}$/),
      fc.constantFrom("e400", "E-400"),
    ),
  })
  .map(({ sign, whole, fraction, exponent }) => sign + whole + fraction + exponent);

/** What a text says, over BigInt: the number's significant digits and the power of ten of the last one. */
function meaningOf(text: string): { digits: string; power: number } {
  const [mantissa = "", exponent = "0"] = text.replace("-", text.startsWith("-") ? "" : "-").split(/e/i);
  const [whole = "", fraction = ""] = mantissa.split(".");
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  const power = Number(exponent) - fraction.length + digits.length - significant.length;
  return significant === "" ? { digits: "0", power: 0 } : { digits: significant, power };
}

const read = (text: string) => readExact(Buffer.from(`x${text},`), 1, 1 + text.length);

describe("a number is read with the digits that were sent", () => {
  test("up to 38 digits and 30 decimals, and not beyond", () => {
    fc.assert(
      fc.property(written, (text) => {
        const { digits, power } = meaningOf(text);
        const number = read(text);
        const isTaken = power >= -30 && digits.length + Math.max(0, power) <= 38;
        expect(number !== null).toBe(digits === "0" || isTaken);
        if (number === null) return;
        const sign = text.startsWith("-") && digits !== "0" ? "-" : "";
        expect(canonicalDecimal(number)).toBe(digits === "0" ? "0" : `${sign}${digits}e${power}`);
        expect(doubleOf(number)).toBe(Number(text) + 0);
        expect(typeof number).toBe(digits.length <= 15 ? "number" : "object");
      }),
      { numRuns: 20_000 },
    );
  });

  test.each([
    ["-0", "0"],
    ["0e999999999999", "0"],
    ["1e-30", "1e-30"],
    ["0.99999999999999999", "0.99999999999999999"],
    ["12345678901234567890123456789012345678", "12345678901234567890123456789012345678"],
    ["1e37", "1e+37"],
    [`0.${"0".repeat(50)}1e51`, "1"],
    [`1${"0".repeat(400)}e-400`, "1"],
    ["100000000000000000000000.50", "100000000000000000000000.5"],
  ])("%s as %s", (text, expected) => {
    const number = read(text);
    expect(number === null ? null : writeExact(number)).toBe(expected);
  });

  test.each([
    "1e38",
    "1e-31",
    "1.5e-30",
    "1e400",
    "-1e999999999999",
    "123456789012345678901234567890123456789",
  ])("%s is none that is taken", (text) => {
    expect(read(text)).toBeNull();
  });

  test("of a million zeros in no time", () => {
    const zeros = "0".repeat(1_000_000);
    expect(read(`0.${zeros}`)).toBe(0);
    expect(read(`1.${zeros}`)).toBe(1);
    expect(read(`1.${zeros}1`)).toBeNull();
    expect(read(`1${zeros}`)).toBeNull();
  });

  test("and compared by them", () => {
    const exact = fc.oneof(value, long);
    fc.assert(
      fc.property(exact, exact, (a, b) => {
        const difference = addDecimals(decimalOf(a), {
          ...decimalOf(b),
          unscaled: -decimalOf(b).unscaled,
        }).unscaled;
        expect(Math.sign(compareExact(a, b))).toBe(difference < 0n ? -1 : difference > 0n ? 1 : 0);
      }),
    );
  });
});
