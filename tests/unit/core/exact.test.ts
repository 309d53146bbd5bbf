import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addDecimals,
  type Decimal,
  decimalOf,
  ExactSquareSum,
  ExactSum,
  formatDecimal,
  microsOf,
} from "../../../lib/core/exact.ts";

/** Values as sensors send them, and such as only the slow path can take. */
const value = fc.oneof(
  fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }).map((n) => n / 1e6),
  fc.integer({ min: -9_000_000, max: 9_000_000 }).map((n) => 1e6 + n / 1e8),
  fc.double({ min: -9e15, max: 9e15, noNaN: true }).filter((v) => v === 0 || Math.abs(v) >= 1e-30),
  fc.integer({ min: -(10 ** 15), max: 10 ** 15 }),
  fc.constantFrom(0.1, 0.2, 0.3, 67_108_863.999999, 67_108_864.5, -67_108_863.999999, 1e-7, 123456789.123456),
);

/** Sums over BigInt alone: the definition that the fast path must meet. */
function plainSum(values: readonly number[], power: 1 | 2): Decimal {
  return values
    .map(decimalOf)
    .map((d) => (power === 1 ? d : { unscaled: d.unscaled * d.unscaled, scale: 2 * d.scale }))
    .reduce(addDecimals, { unscaled: 0n, scale: 6 * power });
}

function sumOf(values: readonly number[]): string {
  const sum = new ExactSum();
  for (const v of values) sum.add(v);
  return formatDecimal(sum.total());
}

function squareSumOf(values: readonly number[]): string {
  const sum = new ExactSquareSum();
  for (const v of values) sum.add(v);
  return formatDecimal(sum.total());
}

describe("exact sums", () => {
  test("equal the sum over BigInt", () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 40 }), (values) => {
        expect(sumOf(values)).toBe(formatDecimal(plainSum(values, 1)));
        expect(squareSumOf(values)).toBe(formatDecimal(plainSum(values, 2)));
      }),
      { numRuns: 2_000 },
    );
  });

  test("do not depend on the order or on the cut", () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 30 }), fc.nat(), (values, seed) => {
        const cut = seed % values.length;
        const shuffled = [...values.slice(cut).reverse(), ...values.slice(0, cut)];
        expect(sumOf(shuffled)).toBe(sumOf(values));
        expect(squareSumOf(shuffled)).toBe(squareSumOf(values));
        const [a, b] = [new ExactSquareSum(), new ExactSquareSum()];
        values.forEach((v, i) => {
          (i < cut ? a : b).add(v);
        });
        expect(formatDecimal(addDecimals(a.total(), b.total()))).toBe(squareSumOf(values));
      }),
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
