// Plain tables by --map: every row gives what it says, or is listed with its line.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseMap } from "../../../commands/replay/map/parse.ts";
import { eventOf } from "../../../commands/replay/reading.ts";
import { fileOf, readPath, readText, tableOf } from "./reading-files.ts";

const meters = tableOf("meter_id=Meter,reading=Energy,unit='Wh',timestamp=When,zone=Europe/Tirane");

test("by a map of columns, with constants, a zone, quotes, Windows line ends and a byte order mark", async () => {
  const { lines, readings } = await readText(
    '\ufeffWhen,Meter,Energy\r\n2026-03-29T01:30:00,"a, ""b""",12.5\r\n2026-07-01T12:00:00+00:00,c,1\r\n',
    meters,
  );
  expect(lines).toEqual(['a, "b" 2026-03-29T00:30Z 12.5 Wh', "c 2026-07-01T12:00Z 1 Wh"]);
  const [first] = readings;
  if (first === undefined) throw new Error("no reading");
  expect(JSON.parse(eventOf(first, 86_400_000_000))).toEqual({
    event_id: 'a, "b"@2026-03-29T00:30:00.000000Z/Energy',
    meter_id: 'a, "b"',
    customer_id: 'a, "b"',
    reading: 12.5,
    unit: "Wh",
    timestamp: "2026-03-30T00:30:00.000000Z",
  });
});

test("what is no reading is skipped by reason and line", async () => {
  const { lines, skipped } = await readText(
    "When,Meter,Energy\n2026-03-29T02:30:00,a,1\n2026-02-30T00:00:00,a,1\nyesterday,a,1\n2026-01-01T00:00:00,a,\n" +
      "2026-01-01T00:00:00,a,x\n2026-01-01T00:00:00,,1\n2026-01-01T00:00:00,a,1e3\n2026-01-01T00:00\n",
    meters,
  );
  expect(lines).toEqual(["a 2025-12-31T23:00Z 1000 Wh"]);
  expect(skipped).toEqual({
    "the local time does not exist in Europe/Tirane (clocks go forward)": "2",
    'timestamp cannot be read, such as "2026-02-30T00:00:00": say --date-pattern, such as "dd.MM.yyyy HH:mm"':
      "3-4",
    "Energy is missing": "5",
    'Energy is no number, such as "x"': "6",
    "meter_id is missing": "7",
    "the row has fewer fields than the header: 1 of 3": "9",
  });
});

test("an unknown column is refused at once, with those that there are", async () => {
  await expect(readText("When,Meter\n1,2\n", meters)).rejects.toThrow("no column Energy; it has When, Meter");
});

test("a file that is not there is an error that names it", async () => {
  await expect(readPath(join("nowhere", "missing.csv"), meters)).rejects.toThrow("missing.csv");
});

describe("the map", () => {
  test.each([
    ["meter=x", 'no such field "meter"'],
    ["meter_id=a,reading=b", "missing timestamp"],
    ["meter_id", 'expected field=column, got "meter_id"'],
    ["sensor_id=a,value=b,timestamp=c", "missing sensor_type"],
    ["meter_id=a,reading=b,timestamp=c,reading=d", "reading is given twice"],
    ["meter_id=a,reading=b,timestamp=c,date=d", "timestamp, or date and time"],
    ['meter_id="a,reading=b', "is a quote not closed"],
    ["meter_id=@row,reading=b,timestamp=c", "@column and @step"],
    ["meter_id=a|b,reading=b,timestamp=c", "are for reading and value"],
    ["meter_id=a+,reading=b,timestamp=c", "ends too early"],
  ])("%j is refused", (map, message) => {
    expect(() => parseMap(map)).toThrow(message);
  });
});

test("a file of several kinds of names is a table all the same", async () => {
  const path = fileOf('"Meter, old",Energy (kWh),When\nm,1.5,2026-01-01T00:00Z\n');
  const { lines } = await readPath(
    path,
    tableOf('meter_id="Meter, old",customer_id="Meter, old",reading=Energy (kWh),timestamp=When'),
  );
  expect(lines).toEqual(["m 2026-01-01T00:00Z 1.5 kWh"]);
});
