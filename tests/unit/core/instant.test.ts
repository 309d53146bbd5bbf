import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatInstant, parseInstant } from "../../../lib/core/instant.ts";
import { randomOf, timestampText } from "../streams/mutated-records.ts";
import { isInstant } from "../streams/schema-rules.ts";

const timeUs = fc.integer({ min: Date.UTC(1700, 0, 2) * 1000, max: Date.UTC(2200, 11, 30) * 1000 });

describe("instants", () => {
  test("are read as they are written, microseconds included", () => {
    fc.assert(
      fc.property(timeUs, (t) => {
        expect(parseInstant(formatInstant(t))).toBe(t);
      }),
      { numRuns: 5_000 },
    );
  });

  test("are read where the published format allows them, and nowhere else", () => {
    const random = randomOf(1);
    const signs = "0123456789-:+TtZz .,_/;";
    const texts = Array.from({ length: 30_000 }, () => {
      const text = timestampText(random).slice(1, -1);
      if (random(2) === 0) return text;
      const at = random(text.length + 1);
      return text.slice(0, at) + signs.charAt(random(signs.length)) + text.slice(at + random(2));
    });
    expect(texts.filter((text) => (parseInstant(text) !== null) !== isInstant(text))).toEqual([]);
    expect(texts.filter(isInstant).length).toBeGreaterThan(3_000);
  });

  test("agree with Date on whole milliseconds", () => {
    fc.assert(
      fc.property(timeUs, (t) => {
        const iso = new Date(Math.floor(t / 1000)).toISOString();
        expect(parseInstant(iso)).toBe(Date.parse(iso) * 1000);
      }),
    );
  });

  test.each([
    ["2026-01-15T10:30:00.123456", "2026-01-15T10:30:00.123456Z"],
    ["2026-01-15T10:30:00", "2026-01-15T10:30:00.000000Z"],
    ["2026-01-15 10:30:00.5Z", "2026-01-15T10:30:00.500000Z"],
    ["2026-01-15T10:30:00+01:00", "2026-01-15T09:30:00.000000Z"],
    ["2026-01-15T10:30:00-0530", "2026-01-15T16:00:00.000000Z"],
    ["2026-01-15T10:30:00+02", "2026-01-15T08:30:00.000000Z"],
    ["2026-01-15T10:30:00.123456789Z", "2026-01-15T10:30:00.123456Z"],
    ["2000-02-29t00:00:00z", "2000-02-29T00:00:00.000000Z"],
    ["2026-01-15T10:30:00-18:59", "2026-01-16T05:29:00.000000Z"],
    ["2026-01-15T10:30:00+0059", "2026-01-15T09:31:00.000000Z"],
    ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z"],
    ["2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999999Z"],
    ["2017-01-01T00:59:60.5+01:00", "2016-12-31T23:59:59.999999Z"],
    ["1969-12-31T23:59:59.999999", "1969-12-31T23:59:59.999999Z"],
  ])("reads %s", (text, expected) => {
    const parsed = parseInstant(text);
    expect(parsed === null ? null : formatInstant(parsed)).toBe(expected);
  });

  test.each([
    "",
    "now",
    "2026-02-30T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-10T00:00:00Z",
    "2026-01-15T24:00:00Z",
    "2026-01-15T10:60:00Z",
    "2026-01-15T10:30:60Z",
    "2026-01-15T10:30:00.Z",
    "2026-01-15T10:30Z",
    "2026-01-15",
    "2026-1-15T10:30:00Z",
    "2026-01-15T10:30:00 Z",
    "2026-01-15T10:30:00+25:00",
    "2026-01-15T10:30:00+01:0",
    "2026-01-15T10:30:00ZZ",
    "20260115T103000Z",
    "1699-12-31T00:00:00Z",
    "9999-12-31T00:00:00Z",
    "+2026-01-15T10:30:00Z",
    "２０２６-01-15T10:30:00Z",
  ])("refuses %j", (text) => {
    expect(parseInstant(text)).toBeNull();
  });
});
