// A row is the header's: each case gave a wrong number, or ended the file, before rows were counted.
import { describe, expect, test } from "vitest";
import { readText, tableOf } from "./reading-files.ts";

const meters = tableOf("meter_id=Meter,reading=Energy,timestamp=When");
const READ = ["m 2026-01-01T00:00Z 1.5 kWh", "m 2026-01-01T01:00Z 2.5 kWh"];

test.each([
  ["LF", "\n"],
  ["CRLF", "\r\n"],
  ["CR", "\r"],
])("%s ends a row", async (_, end) => {
  const rows = ["When,Meter,Energy", "2026-01-01T00:00Z,m,1.5", "2026-01-01T01:00Z,m,2.5", ""];
  expect((await readText(rows.join(end), meters)).lines).toEqual(READ);
});

test.each([
  ["a CRLF header over LF rows", "When,Meter,Energy\r\n2026-01-01T00:00Z,m,1.5\n2026-01-01T01:00Z,m,2.5\n"],
  [
    "an LF header over CRLF rows",
    "When,Meter,Energy\n2026-01-01T00:00Z,m,1.5\r\n2026-01-01T01:00Z,m,2.5\r\n",
  ],
  ["CR and LF in turns", "When,Meter,Energy\r2026-01-01T00:00Z,m,1.5\n2026-01-01T01:00Z,m,2.5"],
  ["empty lines", "\n\r\nWhen,Meter,Energy\r\n\r\n2026-01-01T00:00Z,m,1.5\n\n2026-01-01T01:00Z,m,2.5\n\n"],
  ["a surplus that is empty", "When,Meter,Energy\n2026-01-01T00:00Z,m,1.5,,\n2026-01-01T01:00Z,m,2.5,\n"],
  [
    "a header with empty names at its end",
    "When,Meter,Energy,,\n2026-01-01T00:00Z,m,1.5,,\n2026-01-01T01:00Z,m,2.5\n",
  ],
  ["text of spreadsheets", 'When,Meter,Energy\n2026-01-01T00:00Z,="m",="1.5"\n2026-01-01T01:00Z,m,2.5\n'],
  [
    "lines before the header",
    "Export of 3 January;x\nPeriod: 2026,,\nWhen,Meter,Energy\n2026-01-01T00:00Z,m,1.5\n2026-01-01T01:00Z,m,2.5\n",
  ],
  [
    "UTF-16 with its mark",
    Buffer.from("\ufeffWhen,Meter,Energy\n2026-01-01T00:00Z,m,1.5\n2026-01-01T01:00Z,m,2.5\n", "utf16le"),
  ],
])("%s", async (_, text) => {
  const read = await readText(text, meters);
  expect([read.lines, read.skipped, read.doubts]).toEqual([READ, {}, []]);
});

describe("an unreadable row is one row, with its line", () => {
  test.each([
    ["a quote inside", '2026-01-01T00:30Z,m "old",9', "the row has a stray quote"],
    ["a quote that is not closed", '2026-01-01T00:30Z,"m,9', "the row has a stray quote"],
    ["text after a closing quote", '2026-01-01T00:30Z,"m"x,9', "the row has a stray quote"],
    ["too few fields", "2026-01-01T00:30Z,m", "the row has fewer fields than the header: 2 of 3"],
    [
      "too many fields",
      "2026-01-01T00:30Z,m,9,x",
      "the row has more fields than the header: 4, not 3 (a decimal comma without quotes?)",
    ],
  ])("%s", async (_, row, reason) => {
    const text = `When,Meter,Energy\n2026-01-01T00:00Z,m,1.5\n${row}\n2026-01-01T01:00Z,m,2.5\n`;
    const read = await readText(text, meters);
    expect([read.lines, read.skipped]).toEqual([READ, { [reason]: "3" }]);
  });

  test("a quote that is not closed, at the very end and over many lines", async () => {
    const rows = Array.from({ length: 50 }, (_, i) => `2026-01-01T01:${String(i).padStart(2, "0")}Z,m,2.5`);
    const read = await readText(
      `When,Meter,Energy\n2026-01-01T00:00Z,"m,1\n${rows.join("\n")}\nx,"y`,
      meters,
    );
    expect([read.lines.length, read.skipped]).toEqual([50, { "the row has a stray quote": "2,53" }]);
  });

  test("a cell in quotes may go over two lines, where the row then has the header's width", async () => {
    const read = await readText('When,Meter,Energy\n2026-01-01T00:00Z,"m\n2",1.5\n', meters);
    expect(read.lines).toEqual(["m\n2 2026-01-01T00:00Z 1.5 kWh"]);
  });
});

test("decimal commas without quotes are doubted, and no number comes of them", async () => {
  const read = await readText(
    "When,Meter,Energy\n2026-01-01T00:00Z,m,12,5\n2026-01-01T01:00Z,m,0,9\n",
    meters,
  );
  expect([read.lines, read.doubts]).toEqual([[], ["decimal"]]);
  expect(Object.values(read.skipped)).toEqual(["2-3"]);
});

test("a column that occurs twice is refused where it is used, and may be named by its number", async () => {
  const text = "When,Meter,Usage,Units,Usage,Units\n2026-01-01T00:00Z,m,1.5,kWh,7,m3\n";
  await expect(readText(text, tableOf("meter_id=Meter,reading=Usage,timestamp=When"))).rejects.toThrow(
    "the column Usage occurs twice",
  );
  const read = await readText(text, tableOf("meter_id=Meter,reading=#3,unit=#4,timestamp=When"));
  expect(read.lines).toEqual(["m 2026-01-01T00:00Z 1.5 kWh"]);
});

test("one column may serve several fields", async () => {
  const layout = tableOf("meter_id=Meter,customer_id=Meter,reading=Energy,timestamp=When");
  const read = await readText(
    "When,Meter,Energy\n2026-01-01T00:00Z,m,1.5\n2026-01-01T01:00Z,m,2.5\n",
    layout,
  );
  expect([read.lines, read.skipped]).toEqual([READ, {}]);
});

test.each([
  ["tab", "\t"],
  ["semicolon", ";"],
  ["pipe", "|"],
])("%s between fields", async (_, delimiter) => {
  const text = "When,Meter,Energy\n2026-01-01T00:00Z,m,1.5\n2026-01-01T01:00Z,m,2.5\n".replaceAll(
    ",",
    delimiter,
  );
  const layout = tableOf("meter_id=Meter,reading=Energy,timestamp=When", { delimiter });
  expect((await readText(text, layout)).lines).toEqual(READ);
});

test("no header: columns by number", async () => {
  const layout = tableOf("meter_id=#2,reading=#3,timestamp=#1", { header: false });
  const read = await readText(
    "2026-01-01T00:00Z,m,1.5\n2026-01-01T01:00Z,m,2.5\n2026-01-01T02:00Z,m\n",
    layout,
  );
  expect([read.lines, Object.values(read.skipped)]).toEqual([READ, ["3"]]);
});

describe("bytes", () => {
  test("latin-1 is refused with its line, and read where it is named", async () => {
    const bytes = Buffer.from("When,Meter,Energy\n2026-01-01T00:00Z,M\u00fcller,1.5\n", "latin1");
    await expect(readText(bytes, meters)).rejects.toThrow(
      "not utf-8 in or after line 1: say --encoding latin1",
    );
    const read = await readText(bytes, meters, { encoding: "latin1" });
    expect(read.lines).toEqual(["M\u00fcller 2026-01-01T00:00Z 1.5 kWh"]);
  });

  test("UTF-16 without a mark, and a spreadsheet's archive, are refused by name", async () => {
    await expect(readText(Buffer.from("When,Meter\n", "utf16le"), meters)).rejects.toThrow(
      "--encoding utf-16le",
    );
    await expect(readText(Buffer.from("PK\u0003\u0004"), meters)).rejects.toThrow(
      "zip archive or a spreadsheet",
    );
  });

  test("an empty file is said to be one", async () => {
    await expect(readText("", meters)).rejects.toThrow(/is empty: is the download/);
  });
});
