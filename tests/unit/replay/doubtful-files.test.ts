// Files of suppliers whose numbers would be wrong: each is told, or read right.
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { parseMap } from "../../../commands/replay/map/parse.ts";
import { timeFormat } from "../../../commands/replay/time-format.ts";
import { layoutNamed, readText, tableOf } from "./reading-files.ts";

const MINUTE_US = 60_000_000;
const HOUR_US = 60 * MINUTE_US;
const table = tableOf("meter_id=m,timestamp=t,reading=kWh");

function hourly(values: readonly (number | string)[]): string {
  const rows = values.map((value, i) => `A,2026-01-01T${String(i).padStart(2, "0")}:00Z,${value}\n`);
  return `m,t,kWh\n${rows.join("")}`;
}

async function sumKwh(...parameters: Parameters<typeof readText>): Promise<number> {
  const { readings } = await readText(...parameters);
  return readings.reduce((sum, { value }) => sum + Number(value), 0);
}

describe("one value that cannot be read takes no other of its row with it", () => {
  test("of a wide row, and each is named", async () => {
    const wide = tableOf("meter_id='m',date=d,time=@step,reading=H0..H23", { intervalUs: HOUR_US });
    const names = Array.from({ length: 24 }, (_, i) => `H${i}`);
    const text = `d,${names.join(",")}\n2026-02-01,${names.map((_, i) => (i === 5 ? "err" : 1)).join(",")}\n`;
    const { lines, survey } = await readText(text, wide);
    expect(lines).toHaveLength(23);
    expect(survey.skipped.lines()).toEqual(['1 × H5 is no number, such as "err": line 2']);
  });

  test.each(["zone-loads", "shelly-pro", "nem12", "uk-half-hourly"])("%s", async (name) => {
    const cells = (count: number, bad: number) =>
      Array.from({ length: count }, (_, i) => (i === bad ? "err" : 1));
    const zones = Array.from({ length: 20 }, (_, i) => `zone_${i + 1}`);
    const halfHours = Array.from({ length: 48 }, (_, i) => `HH${i + 1}`);
    const texts: Record<string, [text: string, values: number]> = {
      "zone-loads": [`hour,${zones.join(",")}\n2026-02-01T00:00,${cells(20, 3).join(",")}\n`, 19],
      "shelly-pro": [
        "timestamp,a_total_act_energy,b_total_act_energy,c_total_act_energy\n1767225600,1,err,1\n",
        2,
      ],
      nem12: [
        `100,NEM12,202602020000,A,B\n200,NMI1,E1,1,E1,N1,S,KWH,30,\n300,20260201,${cells(48, 0).join(",")},A,,,,\n900\n`,
        47,
      ],
      "uk-half-hourly": [`MPAN,Date,${halfHours.join(",")}\n1,2026-02-01,${cells(48, 47).join(",")}\n`, 47],
    };
    const [text, values] = texts[name] ?? ["", 0];
    const { lines, skipped } = await readText(text, layoutNamed(name));
    expect([lines.length, Object.keys(skipped).length]).toEqual([values, 1]);
  });
});

describe("a column of its own for the hour that occurs twice (H3b)", () => {
  const names = Array.from({ length: 25 }, (_, i) => (i === 3 ? "H3b" : `H${i < 3 ? i + 1 : i}`));
  const wide = tableOf("meter_id='m',date=d,time=@step,reading=H1..H24", { intervalUs: HOUR_US });
  const read = (date: string, empty: readonly number[], value = (i: number) => String(i)) =>
    readText(
      `d,${names.join(",")}\n${date},${names.map((_, i) => (empty.includes(i) ? "" : value(i))).join(",")}\n`,
      wide,
      { layoutOptions: { meter: null, zone: "Europe/Tirane" } },
    );

  test.each([
    ["a usual day", "2026-02-01", [3], 24, "m 2026-02-01T22:00Z 24 kWh"],
    ["the day of 25 hours", "2026-10-25", [], 25, "m 2026-10-25T22:00Z 24 kWh"],
    ["the day of 23 hours", "2026-03-29", [2, 3], 23, "m 2026-03-29T21:00Z 24 kWh"],
  ])("%s", async (_, date, empty, count, last) => {
    const { lines, skipped } = await read(date, empty);
    expect([lines.length, lines.at(-1), skipped]).toEqual([count, last, {}]);
    expect(lines.find((line) => line.endsWith(" 4 kWh"))).toBe(
      date === "2026-03-29"
        ? "m 2026-03-29T01:00Z 4 kWh"
        : `m ${date}T0${date === "2026-10-25" ? "2" : "2"}:00Z 4 kWh`,
    );
  });

  test("with another value missing nobody knows which hours are meant: the row is skipped", async () => {
    const { lines, skipped } = await read("2026-02-01", [3, 9]);
    expect([lines, Object.values(skipped)]).toEqual([[], ["2"]]);
  });

  test("25 columns with the last one empty are hours in order", async () => {
    const { lines } = await read("2026-02-01", [24]);
    expect([lines.length, lines.at(-1)]).toEqual([24, "m 2026-02-01T22:00Z 23 kWh"]);
  });
});

describe("numbers that are doubted before anything is sent", () => {
  test.each([
    ["an exchange among standings", hourly([100, 100.5, 101, 101.5, 0, 0.5, 1, 1.5]), ["standing"]],
    ["a register that begins anew at its last digit", hourly([99_998, 99_999, 0.4, 1, 2, 3]), ["standing"]],
    ["a load that is switched off", hourly([10, 10.1, 10.2, 10.2, 0, 0, 0]), []],
    ["a day of sun", hourly([0, 0, 1, 3, 5, 4, 2, 0]), []],
    ["one peak", hourly([0, 0, 0, 5, 0, 0, 0, 0]), []],
    [
      "a row of sums",
      "m,t,kWh\nA,2026-01-01T00:00Z,1\nB,2026-01-01T00:00Z,2\nTotal,2026-01-01T00:00Z,3\n",
      ["ids"],
    ],
    [
      "a time that nobody can have measured",
      "m,t,kWh\nA,1926-01-01T00:00Z,1\nA,2026-01-01T00:00Z,1\n",
      ["time"],
    ],
    ["a time in the future", "m,t,kWh\nA,2126-01-01T00:00Z,1\nA,2026-01-01T00:00Z,1\n", ["time"]],
  ])("%s", async (_, text, doubts) => {
    expect((await readText(text, table)).doubts).toEqual(doubts);
  });

  test.each([
    ["2025-01-01T00:00Z", "2127-01-01T00:00Z", "2131-01-01T00:00Z", "2 of 3", "future", 3, "2127"],
    ["2131-01-01T00:00Z", "2025-01-01T00:00Z", "2127-01-01T00:00Z", "2 of 3", "future", 4, "2127"],
    ["2025-01-01T00:00Z", "2131-01-01T00:00Z", "2025-02-01T00:00Z", "1 of 3", "future", 3, "2131"],
    ["1931-01-01T00:00Z", "1927-01-01T00:00Z", "2025-01-01T00:00Z", "2 of 3", "1990", 3, "1927"],
  ])(
    "the first time that is doubted stands in the line that is named: %s, %s, %s",
    async (a, b, c, ...said) => {
      const { survey } = await readText(`m,t,kWh\nA,${a},1\nA,${b},1\nA,${c},1\n`, table);
      const [count, where, line, year] = said;
      const times = survey.doubts().filter(({ name }) => name === "time");
      expect(times.map(({ text }) => text)).toEqual([
        expect.stringMatching(`^${count} readings lies? .*${where}, the first in line ${line} \\(${year}-`),
      ]);
    },
  );

  test("a file that ends within a stamp that is read all the same, or within a number", async () => {
    const byStamp = tableOf("meter_id=m,timestamp=t,reading=kWh");
    const stamps = "m,kWh,t\nA,1,2026-01-01T00:00:00\nA,2,2026-01-01T01:00:00\nA,1,2026-01-01T02";
    const numbers = "m,t,kWh\nA,2026-01-01T00:00Z,1.250\nA,2026-01-01T01:00Z,0.125\nA,2026-01-01T02:00Z,1.2";
    expect((await readText(stamps, byStamp)).doubts).toEqual(["layout"]);
    expect((await readText(numbers, byStamp)).doubts).toEqual(["layout"]);
    expect((await readText(`${numbers}50`, byStamp)).doubts).toEqual([]);
    expect((await readText(`${numbers}\n`, byStamp)).doubts).toEqual([]);
  });

  test("seconds that are read as milliseconds", async () => {
    const millis = tableOf("meter_id=m,timestamp=t,reading=kWh", { times: timeFormat("epoch-ms") });
    expect((await readText("m,t,kWh\nA,1767225600,1\nA,1767229200,2\n", millis)).doubts).toEqual(["time"]);
  });

  test.each([
    [30, ["interval"]],
    [15, []],
    [5, ["interval"]],
  ])("power of quarters of an hour, taken as means of %i minutes", async (minutes, doubts) => {
    const quarters = Array.from(
      { length: 8 },
      (_, i) => `A,2026-01-01T0${i >> 2}:${["00", "15", "30", "45"][i % 4]}Z,${i % 3}\n`,
    );
    const power = tableOf("meter_id=m,timestamp=t,reading=p,unit='kW'", { intervalUs: minutes * MINUTE_US });
    expect((await readText(`m,t,p\n${quarters.join("")}`, power)).doubts).toEqual(doubts);
    const ends = tableOf("meter_id=m,timestamp=t,reading=p", {
      intervalUs: minutes * MINUTE_US,
      stamp: "end",
    });
    expect((await readText(`m,t,p\n${quarters.join("")}`, ends)).doubts).toEqual(doubts);
  });

  test.each([
    [24, 30, ["interval"]],
    [48, 15, ["interval"]],
    [48, 30, []],
    [25, 60, []],
  ])("%i columns of a day, each of %i minutes", async (count, minutes, doubts) => {
    const names = Array.from({ length: count }, (_, i) => `H${i}`);
    const wide = tableOf(`meter_id='m',date=d,time=@step,reading=H0..H${count - 1}`, {
      intervalUs: minutes * MINUTE_US,
    });
    const values = names.map((_, i) => (i * minutes < 1440 ? i % 5 : ""));
    const text = `d,${names.join(",")}\n2026-02-01,${values.join(",")}\n`;
    expect((await readText(text, wide)).doubts).toEqual(doubts);
  });

  test.each([
    ["meter_id=m,timestamp=t,reading=Import kWh|Export kWh", ["register"]],
    ["meter_id=m,timestamp=t,reading=Import kWh+Export kWh", ["register"]],
    ["meter_id=m+'-'+@column,timestamp=t,reading=Import kWh|Export kWh", []],
    ["meter_id=m,timestamp=t,reading=Export kWh", []],
  ])("energy fed in beside energy consumed: %s", async (map, doubts) => {
    const text = "m,t,Import kWh,Export kWh\nA,2026-01-01T00:00Z,1,0\nA,2026-01-01T01:00Z,0,3\n";
    expect((await readText(text, tableOf(map))).doubts).toEqual(doubts);
  });

  test("NEM12: quality V without the rows 400 that it announces", async () => {
    const text = (rows: string) =>
      `100,NEM12,202602020000,A,B\n200,NMI1,E1,1,E1,N1,S,KWH,30,\n300,20260201,${"1,".repeat(48)}V,,,,\n${rows}900\n`;
    const nem12 = layoutNamed("nem12");
    expect((await readText(text("400,1,20,A,,\n"), nem12)).doubts).toEqual(["layout"]);
    expect((await readText(text("400,1,20,A,,\n400,21,48,F14,76,\n"), nem12)).doubts).toEqual([]);
  });
});

test('="…" of spreadsheets is text, also with its quotes doubled', async () => {
  const text = 'm,t,kWh\n="00123",2026-01-01T00:00Z,"=""1.5"""\n"=""00123""",2026-01-01T01:00Z,2\n';
  const { lines } = await readText(text, table);
  expect(lines).toEqual(["00123 2026-01-01T00:00Z 1.5 kWh", "00123 2026-01-01T01:00Z 2 kWh"]);
});

test.each([
  ["1767225600", "epoch-s"],
  ["1767225600000", "epoch-ms"],
  ["46023.0", "spreadsheet's number of days"],
  ["01.02.2026 00:15", 'such as "dd.MM.yyyy HH:mm"'],
])("a time that is not read says what would be: %s", async (time, hint) => {
  const { skipped } = await readText(`m,t,kWh\nA,${time},1\n`, table);
  expect(Object.keys(skipped)[0]).toContain(hint);
});

test.each([
  ["bzip2", Buffer.from("BZh91AY&SY")],
  ["xz", Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0])],
  ["zstd", Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ["7-Zip", Buffer.from([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c])],
  ["by gzip twice", gzipSync(gzipSync(hourly([1])))],
  ["--encoding utf-16le", Buffer.from(hourly([1]).replace("A", "\u00e4"), "utf16le")],
  ["--encoding latin1", Buffer.from("m\u00fc,t,kWh\n", "latin1")],
])("bytes that are no text say what to do: %s", async (what, bytes) => {
  await expect(readText(bytes, table)).rejects.toThrow(what);
});

test("a sum of columns is of each row", async () => {
  expect(parseMap("meter_id=m,timestamp=t,reading=a+b").values).toHaveLength(1);
  const both = tableOf("meter_id=m,timestamp=t,reading=a+b");
  expect(await sumKwh("m,t,a,b\nA,2026-01-01T00:00Z,1,2\nA,2026-01-01T01:00Z,3,4\n", both)).toBe(10);
});
