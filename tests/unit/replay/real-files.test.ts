// Real files are read as they are documented; defects are skipped, counted and named, never invented around.
import { describe, expect, test } from "vitest";
import { findLayout } from "../../../commands/replay/find-layout.ts";
import { layoutNamed, readPath, realFile } from "./reading-files.ts";

describe("real files", () => {
  test("the household: two minutes missing, the last line cut off", async () => {
    const { lines, skipped, readings } = await readPath(
      realFile("household-power.txt.gz"),
      layoutNamed("uci-household"),
    );
    expect(skipped).toEqual({
      "Global_active_power is missing": "6841-6842",
      "the row has fewer fields than the header: 1 of 9": "19448",
    });
    expect(readings).toHaveLength(4 * 19_444);
    expect(lines.slice(0, 4)).toEqual([
      "household-voltage/voltage 2006-12-16T16:24Z 234.840",
      "household-current/current 2006-12-16T16:24Z 18.400",
      "household-power/power 2006-12-16T16:24Z 4216",
      "household 2006-12-16T16:24Z 0.070266666667 kWh",
    ]);
  });

  test("ten households' meters: every row, in the order of time, with the sums of the documentation", async () => {
    const { readings, survey } = await readPath(
      realFile("half-hourly-meters.csv.gz"),
      layoutNamed("half-hourly"),
    );
    expect([readings.length, survey.skipped.count, survey.doubts()]).toEqual([293_874, 0, []]);
    expect(readings.every(({ timeUs }, i) => timeUs >= (readings[i - 1]?.timeUs ?? 0))).toBe(true);
    const sums = [...survey.bySeries].map(([id, { sumKwh }]) => {
      const { unscaled, scale } = sumKwh;
      return [id, Number(unscaled) / 10 ** scale];
    });
    expect(Object.fromEntries(sums)).toEqual({
      "meter-10006414": 6696.114,
      "meter-10006486": 2198.622,
      "meter-10006704": 14177.947,
      "meter-10017554": 3744.059,
      "meter-10017562": 6003.154,
      "meter-10017936": 10875.274,
      "meter-10017994": 3233.75,
      "meter-10018060": 5098.303,
      "meter-10018064": 2170.586,
      "meter-10018250": 6990.887,
    });
  });

  test.each([
    ["victoria-demand", "victoria-demand.csv.gz", 52_608, 0],
    ["zone-loads", "zone-loads.csv.gz", 440_760, 0],
    ["zones-forecast", "zones-with-forecast-weather.csv.gz", 100_800, 1_464],
  ])("%s, which its start tells", async (name, file, events, skippedRows) => {
    const layout = await findLayout(realFile(file), null);
    expect(layout.name).toBe(name);
    const { survey } = await readPath(realFile(file), layout);
    expect([survey.count, survey.skipped.count, survey.doubts()]).toEqual([events, skippedRows, []]);
  });

  test("a selection takes the first meters or the named ones", async () => {
    const path = realFile("zone-loads.csv.gz");
    const first = await readPath(path, layoutNamed("zone-loads"), { selection: 2 });
    expect([...first.survey.bySeries.keys()]).toEqual(["zone_1", "zone_2"]);
    const named = await readPath(path, layoutNamed("zone-loads"), { selection: ["zone_7"] });
    expect(named.readings).toHaveLength(22_038);
  });
});
