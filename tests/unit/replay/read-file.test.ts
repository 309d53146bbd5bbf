// Real files are read as they are documented; defects are skipped, counted and named, never invented around.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type Format, formats } from "../../../replay/formats.ts";
import { mappedFormat } from "../../../replay/mapped-csv.ts";
import { readDataFile, shiftToNow } from "../../../replay/read-file.ts";
import { messageOf } from "../../../replay/reading.ts";

const folder = mkdtempSync(join(tmpdir(), "smartgrid-replay-"));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(text: string): string {
  const path = join(folder, `${Math.random()}.csv`);
  writeFileSync(path, text);
  return path;
}

function format(name: string): Format {
  const found = formats[name];
  if (found === undefined) throw new Error(`no format ${name}`);
  return found;
}

describe("real files", () => {
  test("the household: two minutes missing, the last line cut off", async () => {
    const { rows, readings, skipped } = await readDataFile(
      "../shared/data/household-power.txt.gz",
      format("uci-household"),
      "all",
    );
    expect(rows).toBe(19_447);
    expect([...skipped]).toEqual([
      ["Global_active_power is missing", { count: 2, lines: [6_841, 6_842] }],
      ["the row is cut off", { count: 1, lines: [19_448] }],
    ]);
    expect(readings).toHaveLength(4 * 19_444);
    expect(readings.slice(0, 4)).toEqual([
      {
        kind: "sensor",
        timeMs: Date.UTC(2006, 11, 16, 16, 24),
        sensorId: "household-voltage",
        sensorType: "voltage",
        value: 234.84,
      },
      {
        kind: "sensor",
        timeMs: Date.UTC(2006, 11, 16, 16, 24),
        sensorId: "household-current",
        sensorType: "current",
        value: 18.4,
      },
      {
        kind: "sensor",
        timeMs: Date.UTC(2006, 11, 16, 16, 24),
        sensorId: "household-power",
        sensorType: "power",
        value: 4216,
      },
      {
        kind: "meter",
        timeMs: Date.UTC(2006, 11, 16, 16, 24),
        meterId: "household",
        customerId: "household",
        reading: 0.070267,
        unit: "kWh",
      },
    ]);
  });

  test("ten households' meters: every row, in the order of time, with the sums of the documentation", async () => {
    const { rows, readings, skipped } = await readDataFile(
      "../shared/data/half-hourly-meters.csv.gz",
      format("half-hourly"),
      "all",
    );
    expect([rows, readings.length, skipped.size]).toEqual([293_874, 293_874, 0]);
    const milliKwh = new Map<string, number>();
    expect(readings.every((reading, i) => reading.timeMs >= (readings[i - 1]?.timeMs ?? 0))).toBe(true);
    for (const reading of readings) {
      if (reading.kind === "meter")
        milliKwh.set(
          reading.customerId,
          (milliKwh.get(reading.customerId) ?? 0) + Math.round(reading.reading * 1000),
        );
    }
    expect(Object.fromEntries([...milliKwh].map(([id, sum]) => [id, sum / 1000]))).toEqual({
      10006414: 6696.114,
      10006486: 2198.622,
      10006704: 14177.947,
      10017554: 3744.059,
      10017562: 6003.154,
      10017936: 10875.274,
      10017994: 3233.75,
      10018060: 5098.303,
      10018064: 2170.586,
      10018250: 6990.887,
    });
  });

  test.each([
    ["victoria-demand", "victoria-demand.csv.gz", 52_608, 52_608, 0],
    ["zone-loads", "zone-loads.csv.gz", 22_038, 440_760, 0],
    ["zones-forecast", "zones-with-forecast-weather.csv.gz", 35_064, 100_800, 1_464],
  ])("%s", async (name, file, rows, events, skippedRows) => {
    const contents = await readDataFile(`../shared/data/${file}`, format(name), "all");
    const skipped = [...contents.skipped.values()].reduce((sum, { count }) => sum + count, 0);
    expect([contents.rows, contents.readings.length, skipped]).toEqual([rows, events, skippedRows]);
  });

  test("a selection takes the first meters or the named ones", async () => {
    const file = "../shared/data/zone-loads.csv.gz";
    const first = await readDataFile(file, format("zone-loads"), 2);
    expect(new Set(first.readings.map((r) => r.kind === "meter" && r.meterId))).toEqual(
      new Set(["zone_1", "zone_2"]),
    );
    const named = await readDataFile(file, format("zone-loads"), ["zone_7"]);
    expect(named.readings).toHaveLength(22_038);
  });
});

describe("plain CSV", () => {
  const meters = "meter_id=Meter,reading=Energy,unit='Wh',timestamp=When,zone=Europe/Tirane";

  test("by a map of columns, with constants, a zone, quotes, Windows line ends and a byte order mark", async () => {
    const path = fileOf(
      '\ufeffWhen,Meter,Energy\r\n2026-03-29T01:30:00,"a, ""b""",12.5\r\n2026-07-01T12:00:00+00:00,c,1\r\n',
    );
    const { readings } = await readDataFile(path, mappedFormat(meters, ","), "all");
    expect(
      readings.map((r) => [r.timeMs, r.kind === "meter" && r.meterId, r.kind === "meter" && r.reading]),
    ).toEqual([
      [Date.UTC(2026, 2, 29, 0, 30), 'a, "b"', 12.5],
      [Date.UTC(2026, 6, 1, 12), "c", 1],
    ]);
    const first = readings[0];
    if (first === undefined) throw new Error("no reading");
    expect(JSON.parse(messageOf(first, 86_400_000))).toMatchObject({
      customer_id: 'a, "b"',
      unit: "Wh",
      timestamp: "2026-03-30T00:30:00.000000Z",
    });
  });

  test("skips what is no reading, by reason and line", async () => {
    const path = fileOf(
      "When,Meter,Energy\n2026-03-29T02:30:00,a,1\n2026-02-30T00:00:00,a,1\nyesterday,a,1\n2026-01-01T00:00:00,a,\n" +
        "2026-01-01T00:00:00,a,NaN\n2026-01-01T00:00:00,,1\n2026-01-01T00:00:00,a,1e3\n2026-01-01T00:00\n",
    );
    const { rows, readings, skipped } = await readDataFile(path, mappedFormat(meters, ","), "all");
    expect([rows, readings.length]).toEqual([8, 1]);
    expect(Object.fromEntries([...skipped].map(([reason, { lines }]) => [reason, lines]))).toEqual({
      "timestamp does not exist in its zone": [2],
      "timestamp is no ISO 8601 time": [3, 4],
      "reading is missing": [5],
      "reading is no number": [6],
      "meter_id is missing": [7],
      "the row is cut off": [9],
    });
  });

  test("an hour that occurs twice is the first of the two", async () => {
    const path = fileOf("When,Meter,Energy\n2026-10-25T02:30:00,a,1\n");
    const { readings } = await readDataFile(path, mappedFormat(meters, ","), "all");
    expect(readings[0]?.timeMs).toBe(Date.UTC(2026, 9, 25, 0, 30));
  });

  test("an unknown column is refused at once, with those that there are", async () => {
    const path = fileOf("When,Meter\n1,2\n");
    await expect(readDataFile(path, mappedFormat(meters, ","), "all")).rejects.toThrow(
      "no column Energy; it has When, Meter",
    );
  });

  test.each([
    ["meter=x", 'no such field "meter"'],
    ["meter_id=a,reading=b", "missing timestamp"],
    ["meter_id", 'expected field=column, got "meter_id"'],
    ["sensor_id=a,value=b,timestamp=c", "missing sensor_type"],
    ["meter_id=a,reading=b,timestamp=c,zone=Mars/Olympus", "Mars/Olympus"],
  ])("the map %j is refused", (map, message) => {
    expect(() => mappedFormat(map, ",")).toThrow(message);
  });

  test("a file that is not there is an error that names it", async () => {
    await expect(readDataFile(join(folder, "missing.csv"), mappedFormat(meters, ","), "all")).rejects.toThrow(
      "missing.csv",
    );
  });
});

test("a shift to now moves by whole days, and leaves the last reading before now", () => {
  const readings = [0, 5].map(
    (hours) =>
      ({
        kind: "meter",
        timeMs: hours * 3_600_000,
        meterId: "m",
        customerId: "c",
        reading: 1,
        unit: "kWh",
      }) as const,
  );
  const nowMs = Date.UTC(2026, 0, 1, 4);
  const shiftMs = shiftToNow(readings, nowMs);
  expect(shiftMs % 86_400_000).toBe(0);
  expect(nowMs - (5 * 3_600_000 + shiftMs)).toBeGreaterThanOrEqual(0);
  expect(nowMs - (5 * 3_600_000 + shiftMs)).toBeLessThan(86_400_000);
});
