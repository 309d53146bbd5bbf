// An hour that occurs twice is told apart by the order of the rows, or listed; never merged.
import { describe, expect, test } from "vitest";
import { readText, tableOf } from "./reading-files.ts";

const meters = tableOf("meter_id=Meter,reading=Energy,timestamp=When,zone=Europe/Paris");
const AMBIGUOUS =
  "the local time occurs twice (clocks go back), and the order of the rows does not say which is meant";

/** Rows of meter m with values 1, 2, …; `meter/time` for another one. */
function fileOf(times: readonly string[]): string {
  const rows = times.map((time, i) => {
    const [clock = "", meter = "m"] = time.split("/").reverse();
    return `2025-10-26T${clock},${meter},${i + 1}`;
  });
  return `When,Meter,Energy\n${rows.join("\n")}\n`;
}

async function read(times: readonly string[]) {
  const { lines, skipped } = await readText(fileOf(times), meters);
  return { lines: lines.map((line) => line.replace("2025-10-2", "").replace(" kWh", "")), skipped };
}

test("four readings between 2:00 and 3:00 stay four", async () => {
  const { lines, skipped } = await read(["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]);
  expect(lines).toEqual([
    "m 5T23:30Z 1",
    "m 6T00:00Z 2",
    "m 6T00:30Z 3",
    "m 6T01:00Z 4",
    "m 6T01:30Z 5",
    "m 6T02:00Z 6",
  ]);
  expect(skipped).toEqual({});
});

describe("certain", () => {
  test.each([
    [
      "by the hour",
      ["01:00", "02:00", "02:00", "03:00"],
      ["5T23:00Z 1", "6T00:00Z 2", "6T01:00Z 3", "6T02:00Z 4"],
    ],
    [
      "the newest first",
      ["03:00", "02:30", "02:00", "02:30", "02:00", "01:30"],
      ["5T23:30Z 6", "6T00:00Z 5", "6T00:30Z 4", "6T01:00Z 3", "6T01:30Z 2", "6T02:00Z 1"],
    ],
    [
      "no rows around",
      ["02:00", "02:30", "02:00", "02:30"],
      ["6T00:00Z 1", "6T00:30Z 2", "6T01:00Z 3", "6T01:30Z 4"],
    ],
    [
      "a gap in the first hour",
      ["01:30", "02:30", "02:00", "02:30"],
      ["5T23:30Z 1", "6T00:30Z 2", "6T01:00Z 3", "6T01:30Z 4"],
    ],
  ])("%s", async (_, times, expected) => {
    const { lines, skipped } = await read(times);
    expect([lines, skipped]).toEqual([expected.map((line) => `m ${line}`), {}]);
  });

  test("meters in turns, each by its own rows", async () => {
    const { lines } = await read([
      "a/02:00",
      "b/02:00",
      "a/02:30",
      "b/02:30",
      "a/02:00",
      "b/02:00",
      "a/02:30",
      "b/02:30",
    ]);
    expect(lines.filter((line) => line.startsWith("b"))).toEqual([
      "b 6T00:00Z 2",
      "b 6T00:30Z 4",
      "b 6T01:00Z 6",
      "b 6T01:30Z 8",
    ]);
  });
});

describe("not certain: all are listed", () => {
  test.each([
    ["one hour of two", ["01:30", "02:00", "02:30", "03:00"], "3-4"],
    ["sorted by text", ["01:30", "02:00", "02:00", "02:30", "02:30", "03:00"], "3-6"],
    ["two rows and nothing else", ["02:00", "02:00"], "2-3"],
    ["one row", ["02:30"], "2"],
    ["three times", ["01:00", "02:00", "02:00", "02:00", "03:00"], "3-5"],
  ])("%s", async (_, times, lines) => {
    expect((await read(times)).skipped).toEqual({ [AMBIGUOUS]: lines });
  });
});

test("an offset beside the time says which is meant", async () => {
  const { lines, skipped } = await read(["02:30+02:00", "02:30+01:00"]);
  expect([lines, skipped]).toEqual([["m 6T00:30Z 1", "m 6T01:30Z 2"], {}]);
});

test("a time that does not exist is skipped with its line", async () => {
  const { lines, skipped } = await readText(
    "When,Meter,Energy\n2026-03-29T01:59,m,1\n2026-03-29T02:00,m,2\n2026-03-29T03:00,m,3\n",
    meters,
  );
  expect(lines).toEqual(["m 2026-03-29T00:59Z 1 kWh", "m 2026-03-29T01:00Z 3 kWh"]);
  expect(skipped).toEqual({ "the local time does not exist in Europe/Paris (clocks go forward)": "3" });
});
