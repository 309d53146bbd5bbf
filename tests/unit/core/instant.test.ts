import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatInstant, parseInstant, readInstant } from "../../../lib/core/instant.ts";
import { instantsOf, readWrittenTime } from "../../../lib/core/written-time.ts";
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
    expect(texts.filter((text) => (typeof parseInstant(text) === "number") !== isInstant(text))).toEqual([]);
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
    // Minutes without seconds, hours alone, 24:00, a comma, the basic form, names of UTC, hours alone as offset.
    ["2026-01-15T10:00Z", "2026-01-15T10:00:00.000000Z"],
    ["2026-01-15 10:00", "2026-01-15T10:00:00.000000Z"],
    ["2026-01-15T10:00+01:00", "2026-01-15T09:00:00.000000Z"],
    ["2026-01-15T10Z", "2026-01-15T10:00:00.000000Z"],
    ["2026-01-15T24:00Z", "2026-01-16T00:00:00.000000Z"],
    ["2026-02-28T24:00:00.000", "2026-03-01T00:00:00.000000Z"],
    ["2026-12-31T24:00:00+01:00", "2026-12-31T23:00:00.000000Z"],
    ["2026-01-15T10:30:00,123456Z", "2026-01-15T10:30:00.123456Z"],
    ["2026-01-15T10:30:00,5+01:00", "2026-01-15T09:30:00.500000Z"],
    ["20260115T103000Z", "2026-01-15T10:30:00.000000Z"],
    ["20260115T103000.5+0100", "2026-01-15T09:30:00.500000Z"],
    ["20260115T1030", "2026-01-15T10:30:00.000000Z"],
    ["20260115t10-05", "2026-01-15T15:00:00.000000Z"],
    ["2026-01-15T103000Z", "2026-01-15T10:30:00.000000Z"],
    ["2026-01-15 10:30:00 UTC", "2026-01-15T10:30:00.000000Z"],
    ["2026-01-15T10:30UTC", "2026-01-15T10:30:00.000000Z"],
    ["2026-01-15 10:30:00 gmt", "2026-01-15T10:30:00.000000Z"],
    ["2026-01-15T10:30:00 Z", "2026-01-15T10:30:00.000000Z"],
    ["2026-01-15 10:30:00 +0100", "2026-01-15T09:30:00.000000Z"],
    ["2026-01-15T10:30:00\u221205:00", "2026-01-15T15:30:00.000000Z"],
    ["2026-01-15T10:30:00[Europe/Paris]", "2026-01-15T09:30:00.000000Z"],
    ["2026-07-15T10:30[europe/paris]", "2026-07-15T08:30:00.000000Z"],
    ["2026-01-15T10:30:00+01:00[Europe/Paris]", "2026-01-15T09:30:00.000000Z"],
    ["2026-01-15T10:30:00Z[Europe/Paris]", "2026-01-15T10:30:00.000000Z"],
    ["2026-10-25T02:30:00+02:00[Europe/Paris]", "2026-10-25T00:30:00.000000Z"],
    ["2026-10-25T02:30:00+01:00[Europe/Paris][u-ca=iso8601]", "2026-10-25T01:30:00.000000Z"],
    ["2026-01-15T10:30:00[+05:45]", "2026-01-15T04:45:00.000000Z"],
    ["1969-12-31T23:59:59.999999", "1969-12-31T23:59:59.999999Z"],
  ])("reads %s", (text, expected) => {
    const parsed = parseInstant(text);
    expect(typeof parsed === "string" ? parsed : formatInstant(parsed)).toBe(expected);
  });

  test.each([
    "",
    "now",
    "2026-02-30T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-10T00:00:00Z",
    "2026-01-15T10:60:00Z",
    "2026-01-15T10:30:60Z",
    "2026-01-15T10:30:00.Z",
    "2026-01-15T24:00:01Z",
    "2026-01-15T24:00:00.000001Z",
    "2026-01-15T25:00Z",
    "2026-01-15T10:5Z",
    "2026-01-15T10,5Z",
    "2026-01-15T10:30,5Z",
    "2026-01-15T10:30:00,Z",
    "2026-01-15T1030:00Z",
    "202601-15T10:30:00Z",
    "20260230T103000Z",
    "2026-01-15",
    "20260115",
    "20260115Z",
    "2026-01",
    "2026-W03-4T10:30:00Z",
    "2026W034T103000Z",
    "2026-015T10:30:00Z",
    "2026015T103000Z",
    "+002026-01-15T10:30:00Z",
    "1768473000",
    "1768473000000",
    "1768473000000000",
    "1768473000000000000",
    "20260115103000",
    "2026-01-15T10:30:00 CET",
    "2026-01-15T10:30:00 PM",
    "2026-01-15T10:30:00  UTC",
    "2026-01-15T10:30:00UTC+1",
    "2026-01-15T10:30:00+19:00",
    "2026-01-15T10:30:00+1",
    "2026-01-15T10:30:00[Nowhere/Land]",
    "2026-01-15T10:30:00[]",
    "2026-01-15T10:30:00[Europe/Paris",
    " 2026-01-15T10:30:00Z",
    "2026-01-15T10:30:00Z\n",
    "15.01.2026 10:30",
    "2026/01/15 10:30:00",
    "Thu, 15 Jan 2026 10:30:00 GMT",
    "2026-1-15T10:30:00Z",
    "2026-01-15T10:30:00+25:00",
    "2026-01-15T10:30:00+01:0",
    "2026-01-15T10:30:00ZZ",
    "1699-12-31T00:00:00Z",
    "9999-12-31T00:00:00Z",
    "+2026-01-15T10:30:00Z",
    "２０２６-01-15T10:30:00Z",
  ])("refuses %j", (text) => {
    expect(parseInstant(text)).toBe("unreadable");
  });
});

describe("a zone that a stream or a file has", () => {
  const read = (text: string, zone: string) => {
    const parsed = parseInstant(text, zone);
    return typeof parsed === "string" ? parsed : formatInstant(parsed);
  };

  test.each([
    ["2026-01-15T10:30:00.5", "Europe/Tirane", "2026-01-15T09:30:00.500000Z"],
    ["2026-07-15 10:30", "Europe/Tirane", "2026-07-15T08:30:00.000000Z"],
    ["2026-01-15T10:30:00", "+05:45", "2026-01-15T04:45:00.000000Z"],
    ["20260115T24", "America/New_York", "2026-01-16T05:00:00.000000Z"],
    // What the text says of itself is stronger.
    ["2026-07-15T10:30:00Z", "Europe/Tirane", "2026-07-15T10:30:00.000000Z"],
    ["2026-07-15T10:30:00+00:00", "Europe/Tirane", "2026-07-15T10:30:00.000000Z"],
    ["2026-07-15T10:30:00[Asia/Tokyo]", "Europe/Tirane", "2026-07-15T01:30:00.000000Z"],
    // 25 October 2026, 03:00 summer time: clocks go back to 02:00.
    ["2026-10-25T01:59:59.999999", "Europe/Paris", "2026-10-24T23:59:59.999999Z"],
    ["2026-10-25T02:00:00", "Europe/Paris", "ambiguous"],
    ["2026-10-25T02:59:59.999999", "Europe/Paris", "ambiguous"],
    ["2026-10-25T03:00:00", "Europe/Paris", "2026-10-25T02:00:00.000000Z"],
    ["2026-10-25T02:30:00+02:00", "Europe/Paris", "2026-10-25T00:30:00.000000Z"],
    // 29 March 2026, 02:00: clocks go forward to 03:00.
    ["2026-03-29T01:59:59", "Europe/Paris", "2026-03-29T00:59:59.000000Z"],
    ["2026-03-29T02:30:00", "Europe/Paris", "nonexistent"],
    ["2026-03-29T03:00:00", "Europe/Paris", "2026-03-29T01:00:00.000000Z"],
    // Half an hour back; and a day that Samoa left out.
    ["2026-04-05T01:45:00", "Australia/Lord_Howe", "ambiguous"],
    ["2011-12-30T12:00:00", "Pacific/Apia", "nonexistent"],
    ["2016-12-31T23:59:60", "Europe/Paris", "unreadable"],
    ["2017-01-01T00:59:60", "Europe/Paris", "2016-12-31T23:59:59.999999Z"],
  ])("%s in %s", (text, zone, expected) => {
    expect(read(text, zone)).toBe(expected);
  });

  test("what a text says of its zone is told, with its fields", () => {
    const localUs = Date.UTC(2026, 9, 25, 2, 30) * 1000;
    const common = { localUs, leapSecond: false };
    const local = "2026-10-25T02:30";
    expect(readWrittenTime(local)).toEqual({ zone: "none", ...common });
    expect(readWrittenTime(`${local}+02`)).toEqual({ zone: "offset", offsetUs: 7_200_000_000, ...common });
    expect(readWrittenTime(`${local}[Europe/Paris]`)).toEqual({
      ...{ zone: "named", name: "Europe/Paris" },
      ...common,
    });
    const both = instantsOf({ zone: "none", ...common }, "Europe/Paris");
    expect(both.map(formatInstant)).toEqual(["2026-10-25T00:30:00.000000Z", "2026-10-25T01:30:00.000000Z"]);
  });
});

describe("a time stamp read from bytes", () => {
  const spelled = fc.nat({ max: 2 ** 31 }).map((seed) => timestampText(randomOf(seed)).slice(1, -1));
  const usual = fc
    .tuple(
      fc.stringMatching(/^20[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9]$/),
      fc.constantFrom("", ".5", ".", "Z", "+01:00", "x"),
    )
    .map((parts) => parts.join(""));

  test("is what its text says, in any zone, and what names no instant never throws", () => {
    fc.assert(
      fc.property(
        fc.oneof(spelled, usual),
        fc.constantFrom("UTC", "Europe/Tirane", "+05:30"),
        (text, zone) => {
          const ascii = text.replaceAll(/[^\0-\x7f]/g, "-");
          const bytes = Buffer.from(`"${ascii}"`);
          expect(readInstant(bytes, 1, bytes.length - 1, zone)).toBe(parseInstant(ascii, zone));
        },
      ),
      { numRuns: 20_000 },
    );
  });

  test.each(["2026-02-30T10:00:00", "2026-13-01T10:00:00.5", "2026-01-15T25:00:00", "abcd-01-15T10:00:00"])(
    "%s in a zone of its own names none",
    (text) => {
      const bytes = Buffer.from(text);
      expect(readInstant(bytes, 0, bytes.length, "Europe/Tirane")).toBe("unreadable");
    },
  );
});
