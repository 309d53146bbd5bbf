// Which interval a row means: periods counted within a day, wide rows with a gap, named offsets, intervals too long.
import { describe, expect, test } from "vitest";
import { findLayout } from "../../../commands/replay/find-layout.ts";
import { parseMap } from "../../../commands/replay/map/parse.ts";
import { timeFormat } from "../../../commands/replay/time-format.ts";
import { Troubles } from "../../../commands/replay/troubles.ts";
import { fileOf, readPath, readText, tableOf } from "./reading-files.ts";

describe("periods of a day, counted from 1", () => {
  const table = tableOf("meter_id='m',date=Day,period=P,reading=kWh", {
    intervalUs: 3_600_000_000,
    times: timeFormat("dd/MM/yyyy"),
  });
  const read25 = (day: string, count: number) =>
    readText(
      `Day,P,kWh\n${Array.from({ length: count }, (_, i) => `${day},${i + 1},${(i % 3) + 1}\n`).join("")}`,
      table,
      { layoutOptions: { meter: null, zone: "Europe/Madrid" } },
    );

  test("25 of them where the clocks go back, 23 where they go forward", async () => {
    const long = await read25("25/10/2026", 25);
    expect(long.lines).toHaveLength(25);
    expect(long.lines[0]).toBe("m 2026-10-24T22:00Z 1 kWh");
    expect(long.lines.at(-1)).toBe("m 2026-10-25T22:00Z 1 kWh");
    const short = await read25("29/03/2026", 24);
    expect(short.lines.at(-1)).toBe("m 2026-03-29T21:00Z 2 kWh");
    expect(Object.values(short.skipped)).toEqual(["25"]);
  });

  test("the interval must be known, and a time beside it is refused", () => {
    expect(() => tableOf("meter_id='m',date=Day,period=P,reading=kWh")).toThrow("--interval");
    expect(() => parseMap("meter_id='m',date=Day,time=T,period=P,reading=kWh")).toThrow("date and period");
  });
});

test("a wide row with a gap in the hour that the clocks leave out has times of day", async () => {
  const hours = Array.from({ length: 24 }, (_, i) => `H${i}`);
  const { lines } = await readText(
    `Day,${hours.join(",")}\n2026-03-29,${hours.map((_, i) => (i === 2 ? "" : "1")).join(",")}\n`,
    tableOf("meter_id='m',date=Day,time=@step,reading=H0..H23", { intervalUs: 3_600_000_000 }),
    { layoutOptions: { meter: null, zone: "Europe/Rome" } },
  );
  expect(lines).toHaveLength(23);
  expect([lines[1], lines[2], lines[22]]).toEqual([
    "m 2026-03-29T00:00Z 1 kWh",
    "m 2026-03-29T01:00Z 1 kWh",
    "m 2026-03-29T21:00Z 1 kWh",
  ]);
});

test("readings a day apart are doubted: each would count in one hour", async () => {
  const { doubts } = await readText(
    "t,v\n2026-02-01T00:00Z,5\n2026-02-02T00:00Z,3\n2026-02-03T00:00Z,4\n",
    tableOf("meter_id='m',timestamp=t,reading=v"),
  );
  expect(doubts).toEqual(["interval"]);
});

test("MESZ and MEZ tell the hour that occurs twice; a name of several meanings is not read", async () => {
  const table = tableOf("meter_id='m',timestamp=t,reading=v", {
    times: timeFormat("dd.MM.yyyy HH:mm X"),
  });
  const { lines, skipped } = await readText(
    "t,v\n25.10.2026 02:00 MESZ,2\n25.10.2026 02:00 MEZ,1\n25.10.2026 03:00 EST,1\n",
    table,
  );
  expect(lines).toEqual(["m 2026-10-25T00:00Z 2 kWh", "m 2026-10-25T01:00Z 1 kWh"]);
  expect(Object.values(skipped)).toEqual(["4"]);
});

test.each([
  ['{"data":[]}', "is JSON"],
  ["<!DOCTYPE html><html></html>", "is an HTML page"],
  ["100,NEM13,202601010000,A,B", "is NEM13"],
  [Buffer.from("d0cf11e0a1b11ae1", "hex"), "is a spreadsheet (xls)"],
])("%j is refused by what it is", async (contents, what) => {
  await expect(findLayout(fileOf(contents), null)).rejects.toThrow(what);
});

test("another delimiter is named; a directory is said to be one", async () => {
  const table = tableOf("meter_id=Meter,timestamp=When,reading=kWh");
  await expect(readText("Meter;When;kWh\nA;2026-02-01T00:00Z;1\n", table)).rejects.toThrow('--delimiter ";"');
  await expect(readPath(import.meta.dirname, table)).rejects.toThrow("is a directory");
});

test("lines that come mixed are shown in order, neighbours in one", () => {
  const troubles = new Troubles();
  for (const line of [5, 2, 4, 9, 3]) troubles.add("late", line);
  expect(troubles.lines()).toEqual(["5 × late: line 2-5, 9"]);
});
