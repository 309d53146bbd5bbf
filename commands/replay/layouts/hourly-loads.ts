// Tables with a meter in each column, by the hour.

import { type EnergyUnit, eachOf, type FileTime, type Found, SkippedRow } from "../layout.ts";
import { decimalIn, isMissing } from "../numbers.ts";
import { type Row, tableLayout } from "../table.ts";
import { HOUR_US, isoTime, later, patternTime } from "../times.ts";
import { meter } from "./meters.ts";

/** @throws SkippedRow where all loads are missing */
function hourlyLoads(row: Row, columns: readonly string[], at: FileTime, unit: EnergyUnit): Iterable<Found> {
  if (columns.every((column) => isMissing(row.text(column)))) throw new SkippedRow("all loads are missing");
  return eachOf(columns, row.line, (column) => ({
    kind: "measurement",
    line: row.line,
    column,
    series: meter(column),
    at,
    stamp: "start",
    value: decimalIn(row.text(column), column),
    of: { quantity: "energy", unit, lengthUs: HOUR_US },
  }));
}

const ZONES = Array.from({ length: 20 }, (_, i) => `zone_${i + 1}`);

export const zoneLoads = tableLayout({
  name: "zone-loads",
  about:
    "20 zones of a US utility by the hour (GEFCom2012), read as UTC−06:00 without summer time, stamps are starts; mean kW of an hour is kWh",
  delimiter: ",",
  columns: ["hour", ...ZONES],
  open(options) {
    const timeOf = isoTime(options.zone ?? "-06:00");
    return {
      row(row) {
        const at = timeOf(row.text("hour"));
        if (at === null) throw new SkippedRow("hour is no time");
        return hourlyLoads(row, ZONES, at, "kWh");
      },
    };
  },
});

const LOADS = ["LDC1", "LDC2", "LDC3"];

export const zonesForecast = tableLayout({
  name: "zones-forecast",
  about:
    "3 utilities by the hour that ends (BigDEAL 2022), read as UTC−05:00 without summer time; loads as MWh",
  delimiter: ",",
  columns: ["DATE", "Hour", ...LOADS],
  open(options) {
    const dayOf = patternTime("d-MMM-yy", options.zone ?? "-05:00");
    return {
      row(row) {
        const day = dayOf(row.text("DATE"));
        const hour = Number(row.text("Hour"));
        if (day === null) throw new SkippedRow("DATE is no date");
        if (!Number.isInteger(hour) || hour < 1 || hour > 24) throw new SkippedRow("Hour is not 1 to 24");
        return hourlyLoads(row, LOADS, later(day, (hour - 1) * HOUR_US), "MWh");
      },
    };
  },
});
