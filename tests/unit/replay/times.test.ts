// Times by pattern and by number.
import { describe, expect, test } from "vitest";
import { epochTime, isoTime, lengthIn, patternTime } from "../../../commands/replay/times.ts";

const utc = (text: string) => Date.parse(text) * 1000;

test.each([
  ["dd/MM/yyyy HH:mm", "05/03/2026 14:30", "2026-03-05T14:30Z"],
  ["M/d/yyyy h:mm a", "3/5/2026 2:30 PM", "2026-03-05T14:30Z"],
  ["M/d/yyyy h:mm a", "3/5/2026 12:30 am", "2026-03-05T00:30Z"],
  ["M/d/yyyy h:mm a", "3/5/2026 12:00 p.m.", "2026-03-05T12:00Z"],
  ["dd.MM.yyyy HH:mm:ss", "05.03.2026 24:00:00", "2026-03-06T00:00Z"],
  ["d-MMM-yy HH:mm", "5-Mar-26 14:30", "2026-03-05T14:30Z"],
  ["yyyyMMddHHmmss", "20260305143000", "2026-03-05T14:30Z"],
  ["yyyy-MM-dd'T'HH:mm:ss.SSS", "2026-03-05T14:30:00.250", "2026-03-05T14:30:00.250Z"],
  ["dd MMMM yyyy HH:mm X", "05 March 2026 14:30 +02:00", "2026-03-05T12:30Z"],
  ["yyyy-MM-dd", "2026-03-05", "2026-03-05T00:00Z"],
])("%s reads %s", (pattern, text, expected) => {
  expect(patternTime(pattern, "UTC")(text)).toEqual({ timeUs: utc(expected) });
});

test.each([
  ["dd/MM/yyyy HH:mm", "31/02/2026 10:00"],
  ["dd/MM/yyyy HH:mm", "03/13/2026 10:00"],
  ["dd/MM/yyyy HH:mm", "05/03/2026 24:30"],
  ["dd/MM/yyyy HH:mm", "05/03/2026 10:60"],
  ["M/d/yyyy h:mm a", "3/5/2026 13:30 PM"],
  ["M/d/yyyy h:mm a", "3/5/2026 0:30 AM"],
  ["dd/MM/yyyy", "5/3/2026"],
])("%s does not read %s", (pattern, text) => {
  expect(patternTime(pattern, "UTC")(text)).toBeNull();
});

test("a pattern with other letters is refused", () => {
  expect(() => patternTime("DD/MM/YYYY", "UTC")).toThrow('has "DD"');
});

describe("numbers since 1970", () => {
  test.each([
    ["s", "1772721000"],
    ["s", "1772721000.000"],
    ["ms", "1772721000000"],
    ["us", "1772721000000000"],
    ["ns", "1772721000000000999"],
  ] as const)("%s: %s", (unit, text) => {
    expect(epochTime(unit)(text)).toEqual({ timeUs: utc("2026-03-05T14:30Z") });
  });

  test("an empty text, or another one, is no time", () => {
    expect(["", "soon", "1e9", "99999999999999999999"].map(epochTime("s"))).toEqual([null, null, null, null]);
  });
});

test("ISO times say of their zone what they say", () => {
  const read = isoTime("Europe/Paris");
  expect(read("2026-03-05T14:30")).toEqual({ localUs: utc("2026-03-05T14:30Z"), zone: "Europe/Paris" });
  expect(read("2026-03-05T14:30[America/New_York]")).toMatchObject({ zone: "America/New_York" });
  expect(read("2026-03-05T14:30Z")).toEqual({ timeUs: utc("2026-03-05T14:30Z") });
  expect(isoTime("+10:00")("2026-03-05T14:30")).toEqual({ timeUs: utc("2026-03-05T04:30Z") });
});

test.each([
  ["15m", 900],
  ["30min", 1800],
  ["1h", 3600],
  ["900s", 900],
  ["PT15M", 900],
  ["0m", null],
  ["15", null],
])("the length %s", (text, seconds) => {
  expect(lengthIn(text)).toBe(seconds === null ? null : seconds * 1_000_000);
});
