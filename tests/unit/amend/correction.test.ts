// What a correction makes of a record.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { correctValue, decimalIn } from "../../../lib/amend/entry.ts";

const corrected = (value: object, multiply: string): Record<string, unknown> =>
  JSON.parse(correctValue(Buffer.from(JSON.stringify(value)), { multiply }, "value").toString());

describe("a factor", () => {
  test("is applied exactly, where doubles are not", () => {
    expect(corrected({ value: 0.1, id: "s" }, "3")).toEqual({ value: 0.3, id: "s" });
    expect(corrected({ value: 1.1 }, "1.1")).toEqual({ value: 1.21 });
    expect(corrected({ value: 4.35 }, "100")).toEqual({ value: 435 });
    expect(corrected({ value: -2.5e-7 }, "-0.5")).toEqual({ value: 1.25e-7 });
  });

  test("on whole millionths gives what whole numbers give", () => {
    const millionths = fc.integer({ min: -1e9, max: 1e9 });
    fc.assert(
      fc.property(millionths, fc.integer({ min: -9999, max: 9999 }), (micros, thousandths) => {
        const product = Number(`${micros * thousandths}e-9`);
        expect(corrected({ value: Number(`${micros}e-6`) }, (thousandths / 1000).toFixed(3)).value).toBe(
          product + 0,
        );
      }),
    );
  });

  test.each(["", "1e31", "0x10", ".", "NaN", "--1", "1,5"])("is not %j", (text) => {
    expect(() => decimalIn(text)).toThrow("expected a decimal number");
  });
});

test("a unit is replaced or added, and nothing else", () => {
  const bytes = Buffer.from('{"reading":1.50,"__proto__":1}');
  expect(correctValue(bytes, { unit: "Wh" }, "reading").toString()).toBe(
    '{"reading":1.50,"__proto__":1,"unit":"Wh"}',
  );
});
