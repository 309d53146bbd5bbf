import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { windowStartUs } from "../../../lib/core/window.ts";

const FIVE_MINUTES_US = 300_000_000;

describe("tumbling windows", () => {
  test("hold their instant, also before 1970 and a microsecond from a boundary", () => {
    const size = fc.constantFrom(FIVE_MINUTES_US, 3_600_000_000, 1);
    const boundary = fc.integer({ min: -25_000_000, max: 25_000_000 });
    fc.assert(
      fc.property(size, boundary, fc.constantFrom(-1, 0, 1), (sizeUs, k, step) => {
        const timeUs = k * FIVE_MINUTES_US + step;
        const start = windowStartUs(timeUs, sizeUs);
        expect(start <= timeUs && timeUs < start + sizeUs).toBe(true);
        expect(Math.abs(start % sizeUs)).toBe(0);
      }),
      { numRuns: 5_000 },
    );
  });

  test("are aligned to the epoch", () => {
    expect(windowStartUs(-1, FIVE_MINUTES_US)).toBe(-FIVE_MINUTES_US);
    expect(windowStartUs(0, FIVE_MINUTES_US)).toBe(0);
    expect(windowStartUs(FIVE_MINUTES_US - 1, FIVE_MINUTES_US)).toBe(0);
  });
});
