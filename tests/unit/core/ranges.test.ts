import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  clip,
  difference,
  fromMultirange,
  holds,
  type OffsetRange,
  type OffsetRanges,
  size,
  toMultirange,
  union,
} from "../../../lib/core/ranges.ts";

const LIMIT = 30;
const range = fc
  .tuple(fc.nat(LIMIT - 1), fc.integer({ min: 1, max: 8 }))
  .map(([from, length]): OffsetRange => ({ from, to: Math.min(LIMIT, from + length) }));
const ranges = fc.array(range, { maxLength: 6 }).map((list) => union(list, []));

function members(set: OffsetRanges): number[] {
  return Array.from({ length: LIMIT }, (_, i) => i).filter((i) => holds(set, i));
}

function expectNormal(set: OffsetRanges): void {
  set.forEach((r, i) => {
    expect(r.from).toBeLessThan(r.to);
    const next = set[i + 1];
    if (next) expect(r.to).toBeLessThan(next.from);
  });
}

describe("offset ranges", () => {
  test("clipped are what of them lies between two offsets, in normal form", () => {
    fc.assert(
      fc.property(ranges, fc.nat(LIMIT), fc.nat(LIMIT), (a, from, to) => {
        expectNormal(clip(a, from, to));
        expect(members(clip(a, from, to))).toEqual(members(a).filter((i) => i >= from && i < to));
      }),
      { numRuns: 2_000 },
    );
  });

  test("union and difference are those of sets, in normal form", () => {
    fc.assert(
      fc.property(ranges, ranges, (a, b) => {
        expectNormal(union(a, b));
        expectNormal(difference(a, b));
        expect(members(union(a, b))).toEqual(members([...a, ...b]));
        expect(members(difference(a, b))).toEqual(members(a).filter((i) => !holds(b, i)));
        expect(size(a)).toBe(members(a).length);
      }),
      { numRuns: 2_000 },
    );
  });

  test("read what they write as a multirange, and nothing else", () => {
    fc.assert(
      fc.property(ranges, (a) => {
        expect(fromMultirange(toMultirange(a))).toEqual(a);
      }),
    );
    for (const text of ["", "{[1,2]}", "{[1,2),}", "{(1,2)}", "[1,2)", "{[1,2)} ", " {[1,2)}", "{[1,2)}{}"])
      expect(() => fromMultirange(text)).toThrow("not an int8multirange");
  });
});
