// What the numbers of a table are: energy or power, standings, registers, directions, wide rows; with the file's digits.
import { describe, expect, test } from "vitest";
import { eventOf } from "../../../commands/replay/reading.ts";
import { timeFormat } from "../../../commands/replay/time-format.ts";
import { readText, tableOf } from "./reading-files.ts";

const MINUTE_US = 60_000_000;
const METERS = "meter_id=Meter,reading=Energy,timestamp=When";

/** A table with When, Meter, Energy; a row for each number, by the quarter hour. */
function quarterHours(...values: string[]): string {
  const rows = values.map((value, i) => `2026-01-01T00:${String(i * 15).padStart(2, "0")}Z,m,${value}`);
  return `When,Meter,Energy\n${rows.join("\n")}\n`;
}

describe("digits", () => {
  test.each([
    ["12.50", "12.50"],
    ["007.5", "7.5"],
    [".5", "0.5"],
    ["5.", "5"],
    ["+1.25", "1.25"],
    ["1e-3", "0.001"],
    ["0.1234567890123456789", "0.1234567890123456789"],
    ["90071992547409.93", "90071992547409.93"],
  ])("%s goes out as %s", async (text, sent) => {
    const { readings } = await readText(quarterHours(text), tableOf(METERS));
    expect(readings.map((reading) => eventOf(reading, 0))).toEqual([
      expect.stringContaining(`"reading":${sent}}`),
    ]);
  });
});

describe("power times the interval", () => {
  test.each([
    ["kW", "12", "3.00 kWh"],
    ["W", "350", "87.50 Wh"],
    ["MW", "0.1", "0.025 MWh"],
    ["kw", "1", "0.25 kWh"],
  ])("%s", async (unit, value, expected) => {
    const layout = tableOf(`${METERS},unit='${unit}'`, { intervalUs: 15 * MINUTE_US });
    const [line = ""] = (await readText(quarterHours(value), layout)).lines;
    const [, , number = "", energyUnit = ""] = line.split(" ");
    expect(`${Number(number)} ${energyUnit}`).toBe(`${Number(expected.split(" ")[0])} ${energyUnit}`);
    expect(expected.endsWith(energyUnit)).toBe(true);
  });

  test("a quotient that does not end has 12 decimals, and twelve of them are an hour", async () => {
    const layout = tableOf(`${METERS},unit='kW'`, { intervalUs: 5 * MINUTE_US });
    expect((await readText(quarterHours("1"), layout)).lines).toEqual([
      "m 2026-01-01T00:00Z 0.083333333333 kWh",
    ]);
  });

  test("without the interval it is refused", async () => {
    await expect(readText(quarterHours("1"), tableOf(`${METERS},unit='kW'`))).rejects.toThrow("--interval");
  });
});

describe("units", () => {
  test.each([
    ["m\u00b3", "volume"],
    ["m3", "volume"],
    ["therms", "volume"],
    ["kvarh", "reactive"],
    ["GJ", "convert it to kWh"],
    ["mWh", "is not Wh, kWh, MWh"],
    ["banana", "is not Wh, kWh, MWh"],
  ])("%s is refused by its name", async (unit, why) => {
    const read = await readText(quarterHours("1"), tableOf(`${METERS},unit='${unit}'`));
    expect(read.lines).toEqual([]);
    expect(Object.keys(read.skipped)).toEqual([expect.stringMatching(new RegExp(`"${unit}".*${why}`))]);
  });

  test("a row of gas among rows of energy is skipped with its line", async () => {
    const text =
      "When,Meter,Usage,Unit\n2026-01-01T00:00Z,m,1,kWh\n2026-01-01T00:00Z,g,7,m\u00b3\n2026-01-01T01:00Z,m,500,Wh\n";
    const read = await readText(text, tableOf("meter_id=Meter,reading=Usage,unit=Unit,timestamp=When"));
    expect(read.lines).toEqual(["m 2026-01-01T00:00Z 1 kWh", "m 2026-01-01T01:00Z 500 Wh"]);
    expect(Object.values(read.skipped)).toEqual(["3"]);
  });

  test.each([
    ["a column's name", "When,Meter,Gas (m\u00b3)\n2026-01-01T00:00Z,m,1\n", "Gas (m\u00b3)"],
    ["another energy unit in the name", "When,Meter,Usage Wh\n2026-01-01T00:00Z,m,1\n", "Usage Wh"],
    ["a column of units beside it", "When,Meter,Usage,Units\n2026-01-01T00:00Z,m,1,Wh\n", "Usage"],
  ])("%s that says otherwise is doubted", async (_, text, column) => {
    const read = await readText(text, tableOf(`meter_id=Meter,reading="${column}",timestamp=When`));
    expect(read.doubts).toEqual(["unit"]);
  });
});

describe("standings", () => {
  const standing = tableOf(METERS, { standing: true });

  test("their differences count, from one to the next", async () => {
    const read = await readText(quarterHours("275.69", "275.70", "275.71"), standing);
    expect(read.lines).toEqual(["m 2026-01-01T00:00Z 0.01 kWh", "m 2026-01-01T00:15Z 0.01 kWh"]);
    expect([read.doubts, read.leftOut]).toEqual([[], { "the first standing of a register": "2" }]);
  });

  test("an exchange, or a fall to 0, is told with its line and gives no number", async () => {
    const read = await readText(quarterHours("827.10", "827.12", "0.02", "0.05"), standing);
    expect(read.lines).toEqual(["m 2026-01-01T00:00Z 0.02 kWh", "m 2026-01-01T00:30Z 0.03 kWh"]);
    expect(Object.entries(read.skipped)).toEqual([[expect.stringContaining("has fallen"), "4"]]);
  });

  test("in any order of the rows, of several meters, with a row twice", async () => {
    const text =
      "When,Meter,Energy\n2026-01-01T01:00Z,a,5\n2026-01-01T00:00Z,b,1\n2026-01-01T00:00Z,a,3\n2026-01-01T00:30Z,b,2\n2026-01-01T00:30Z,b,2\n";
    const read = await readText(text, standing);
    expect(read.lines).toEqual(["b 2026-01-01T00:00Z 1 kWh", "a 2026-01-01T00:00Z 2 kWh"]);
    expect(read.leftOut).toMatchObject({ "a standing that is there twice": "6" });
  });

  test("two standings of one time contradict each other", async () => {
    const text = "When,Meter,Energy\n2026-01-01T00:00Z,a,5\n2026-01-01T00:00Z,a,6\n2026-01-01T01:00Z,a,7\n";
    expect(Object.values((await readText(text, standing)).skipped)).toEqual(["3"]);
  });

  test("a standing a day is doubted: it would count in one hour", async () => {
    const text = "When,Meter,Energy\n2026-01-01T00:00Z,a,5\n2026-01-02T00:00Z,a,6\n2026-01-03T00:00Z,a,7\n";
    expect((await readText(text, standing)).doubts).toEqual(["interval"]);
  });
});

describe("doubts", () => {
  test.each([
    ["a column that only grows", ["275.69", "275.70", "275.71"], "standing"],
    ["negative energy", ["1", "-0.5", "1"], "negative"],
  ])("%s", async (_, values, doubt) => {
    expect((await readText(quarterHours(...values), tableOf(METERS))).doubts).toEqual([doubt]);
  });

  test.each([
    ["1,2,3,1", ["1", "2", "3", "1"]],
    ["one value", ["1"]],
    ["a start in small steps", ["0.1", "0.3", "0.9"]],
    ["the same all night", ["0.2", "0.2", "0.2", "0.2"]],
    ["a point and three digits", ["1.234", "0.050", "1.200"]],
    ["whole numbers", ["1234", "12", "7"]],
  ])("none for %s", async (_, values) => {
    expect((await readText(quarterHours(...values), tableOf(METERS))).doubts).toEqual([]);
  });

  const quoted = (...values: string[]) => quarterHours(...values.map((value) => `"${value}"`));
  test.each([
    ["both marks", ["1.5", "1,5"], "kWh"],
    ["a comma", ["12,5", "7"], "kWh"],
    ["thousands in Wh", ["1.234", "2.001"], "Wh"],
    ["thousands beside small numbers", ["1.234", "987", "12.345"], "kWh"],
  ])("the decimal mark: %s", async (_, values, unit) => {
    const read = await readText(quoted(...values), tableOf(`${METERS},unit='${unit}'`));
    expect(read.doubts).toEqual(["decimal"]);
  });

  test("the decimal mark is no doubt where it is named", async () => {
    const comma = await readText(quoted("1.234,5", "0,25", "7"), tableOf(METERS, { decimal: "," }));
    expect(comma.lines.map((line) => line.split(" ")[2])).toEqual(["1234.5", "0.25", "7"]);
    const thousands = await readText(
      quoted("1.234", "987"),
      tableOf(`${METERS},unit='Wh'`, { decimal: "," }),
    );
    expect([thousands.lines.map((line) => line.split(" ")[2]), thousands.doubts]).toEqual([
      ["1234", "987"],
      [],
    ]);
    const point = await readText(quoted("1,234.5", "1'234.5"), tableOf(METERS, { decimal: "." }));
    expect(point.lines.map((line) => line.split(" ")[2])).toEqual(["1234.5", "1234.5"]);
  });

  test.each([["7.22E+13"], ["7,22E+13"], ["722000000000000000"]])(
    "the id %s, which a spreadsheet has shortened",
    async (id) => {
      const text = `When,Meter,Energy\n2026-01-01T00:00Z,"${id}",1\n`;
      expect((await readText(text, tableOf(METERS))).doubts).toEqual(["ids"]);
    },
  );

  test("two values of one meter and time: registers?", async () => {
    const text = "When,Meter,Register,Energy\n2026-01-01T00:00Z,m,T1,1\n2026-01-01T00:00Z,m,T2,2\n";
    expect((await readText(text, tableOf(METERS))).doubts).toEqual(["register"]);
    const named = await readText(text, tableOf(`${METERS},register=Register`));
    expect([named.lines.length, named.doubts]).toEqual([2, []]);
    expect(new Set(named.readings.map((reading) => JSON.parse(eventOf(reading, 0)).event_id)).size).toBe(2);
  });

  test("a row that repeats another one is skipped with its line", async () => {
    const text = "When,Meter,Energy\n2026-01-01T00:00Z,m,1.0\n2026-01-01T00:00Z,m,1\n";
    const read = await readText(text, tableOf(METERS));
    expect([read.lines.length, Object.values(read.skipped)]).toEqual([1, ["3"]]);
  });
});

describe("negative energy", () => {
  const text = quarterHours("1", "-0.5");
  test("as a series of its own, of a customer of its own", async () => {
    const read = await readText(text, tableOf(METERS), { negative: "export" });
    expect(read.lines).toEqual(["m 2026-01-01T00:00Z 1 kWh", "m-export 2026-01-01T00:15Z 0.5 kWh"]);
    expect(read.readings[1]?.series).toEqual({ kind: "meter", meterId: "m-export", customerId: "m-export" });
  });

  test("left out", async () => {
    const read = await readText(text, tableOf(METERS), { negative: "skip" });
    expect([read.lines.length, read.leftOut]).toEqual([1, { "negative energy": "3" }]);
  });
});

describe("the map", () => {
  test("rows are chosen, registers added, directions kept apart", async () => {
    const text =
      "Date;Time;Meter;Flow;Quality;T1;T2\n05/03/2026;0:15;m;import;A;1,25;0,5\n05/03/2026;0:15;m;export;A;3;0\n05/03/2026;0:30;m;import;E;9;9\n";
    const layout = tableOf(
      "date=Date,time=Time,meter_id=Meter+'-'+Flow,customer_id=Meter+'-'+Flow,reading=T1+T2",
      {
        delimiter: ";",
        decimal: ",",
        times: timeFormat("dd/MM/yyyy H:mm"),
        stamp: "end",
        intervalUs: 15 * MINUTE_US,
        where: [{ text: "Quality=A", column: "Quality", equal: true, values: ["A"] }],
      },
    );
    const read = await readText(text, layout);
    expect(read.lines).toEqual(["m-import 2026-03-05T00:00Z 1.75 kWh", "m-export 2026-03-05T00:00Z 3 kWh"]);
    expect(read.leftOut).toEqual({ "not of --where Quality=A": "4" });
  });

  test("several columns are values of their own", async () => {
    const read = await readText(
      "When,A,B\n2026-01-01T00:00Z,1,2\n2026-01-01T01:00Z,,3\n",
      tableOf("meter_id=@column,reading=A|B,timestamp=When"),
    );
    expect(read.lines).toEqual([
      "A 2026-01-01T00:00Z 1 kWh",
      "B 2026-01-01T00:00Z 2 kWh",
      "B 2026-01-01T01:00Z 3 kWh",
    ]);
    expect(read.leftOut).toEqual({ "empty columns": "3" });
  });

  test("columns of sensors", async () => {
    const layout = tableOf("sensor_id=Name,sensor_type=@column,value=voltage|current,timestamp=When");
    const read = await readText("When,Name,voltage,current\n2026-01-01T00:00Z,s,230.10,-1.5\n", layout);
    expect(read.lines).toEqual(["s/voltage 2026-01-01T00:00Z 230.10", "s/current 2026-01-01T00:00Z -1.5"]);
  });
});

describe("wide rows", () => {
  const header = Array.from({ length: 50 }, (_, i) => `H${i + 1}`);
  const wide = tableOf("meter_id=Meter,date=Date,time=@step,reading=H1..H50,zone=Europe/London", {
    intervalUs: 30 * MINUTE_US,
  });
  const day = (date: string, filled: number) =>
    `Meter,Date,${header.join(",")}\nm,${date},${header.map((_, i) => (i < filled ? i + 1 : "")).join(",")}\n`;

  test.each([
    ["a usual day", "2026-06-01", 48, "2026-05-31T23:00Z 1", "2026-06-01T22:30Z 48"],
    ["the day of 23 hours", "2026-03-29", 46, "2026-03-29T00:00Z 1", "2026-03-29T22:30Z 46"],
    ["the day of 25 hours", "2026-10-25", 50, "2026-10-24T23:00Z 1", "2026-10-25T23:30Z 50"],
  ])("%s", async (_, date, filled, first, last) => {
    const { lines, skipped } = await readText(day(date, filled), wide);
    expect([lines.length, lines[0], lines.at(-1)]).toEqual([filled, `m ${first} kWh`, `m ${last} kWh`]);
    expect(skipped).toEqual({});
  });

  test.each([
    ["one value", [7]],
    ["several", [0, 3, 4, 20]],
    ["the last one", [49]],
    ["one of the hour that occurs twice", [3]],
  ])("the day of 25 hours with %s missing: each other value keeps its place", async (_, missing) => {
    const whole = await readText(day("2026-10-25", 50), wide);
    const values = header.map((_, i) => (missing.includes(i) ? "" : i + 1));
    const { lines, skipped } = await readText(
      `Meter,Date,${header.join(",")}\nm,2026-10-25,${values.join(",")}\n`,
      wide,
    );
    expect(lines).toEqual(whole.lines.filter((_, i) => !missing.includes(i)));
    expect(skipped).toEqual({});
  });

  test("a value beyond the 25 hours of a day takes its row", async () => {
    const names = [...header, "H51"];
    const beyond = tableOf("meter_id='m',date=Date,time=@step,reading=H1..H51,zone=Europe/London", {
      intervalUs: 30 * MINUTE_US,
    });
    const values = names.map((_, i) => (i === 7 ? "" : 1));
    const text = `Date,${names.join(",")}\n2026-10-25,${values.join(",")}\n`;
    const { lines, skipped } = await readText(text, beyond);
    // 50 values with one gap: a column of its own for an hour that this day does not have.
    expect([lines.length, skipped]).toEqual([50, {}]);
    const two = values.map((value, i) => (i === 20 ? "" : value));
    const doubtful = await readText(`Date,${names.join(",")}\n2026-10-25,${two.join(",")}\n`, beyond);
    expect([doubtful.lines, Object.values(doubtful.skipped)]).toEqual([[], ["2"]]);
  });

  test("48 columns on the day of 25 hours: the hour that occurs twice is listed", async () => {
    const { lines, skipped } = await readText(day("2026-10-25", 48), wide);
    expect([lines.length, Object.values(skipped)]).toEqual([46, ["2"]]);
  });

  test("columns named by their times", async () => {
    const layout = tableOf("meter_id=Meter,date=Date,time=@column,reading=00:00..00:30");
    const read = await readText("Meter,Date,00:00,00:30\nm,2026-06-01,1,2\n", layout);
    expect(read.lines).toEqual(["m 2026-06-01T00:00Z 1 kWh", "m 2026-06-01T00:30Z 2 kWh"]);
  });
});
