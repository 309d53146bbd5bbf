// ENTSO-E's transparency platform: total load of a country or bidding zone, as the table of its pages exports it, and as its
// file library has it (ActualTotalLoad_6.1.A). Forecasts are left out: nobody has consumed them.

import { UsageError } from "../../../lib/core/usage-error.ts";
import { eachOf, type Found, SkippedRow } from "../layout.ts";
import { decimalIn, isMissing } from "../numbers.ts";
import { type Row, tableLayout } from "../table.ts";
import { HOUR_US, isoTime, lengthIn, patternTime, type TimeReader } from "../times.ts";
import { meter } from "./meters.ts";

const PERIOD = /^(?:Time|MTU) \((UTC|CET|CET\/CEST)\)$/;
const ACTUAL = /^Actual Total Load [[(]MW[\])](?: - (.+))?$/;
const MISSING = new Set(["n/e", "-", "N/A", "n/a", ""]);
/** `01/01/2026 00:00:00 (CET) - 01/01/2026 00:15:00 (CET)`, the zone not in every file. */
const PERIOD_OF_TIME = /^(\S+ \S+)(?: \((\w+)\))? - (\S+ \S+)(?: \([A-Z/]+\))?$/;
const OFFSETS: Readonly<Record<string, string>> = { UTC: "UTC", CET: "+01:00", CEST: "+02:00" };
const ZONES = { UTC: "UTC", CET: "+01:00", "CET/CEST": "Europe/Brussels" } as const;

/** `01.01.2024 00:00 - 01.01.2024 01:00`, also with slashes, seconds, and the zone behind. */
function periodReader(
  zone: string,
): (text: string) => { at: ReturnType<TimeReader>; lengthUs: number } | null {
  const read = (text: string, inZone: string) =>
    patternTime("dd.MM.yyyy HH:mm", inZone)(text.replaceAll("/", ".").replace(/^(\S+ \d\d:\d\d):00$/, "$1"));
  return (text) => {
    const [, from = "", mark, to = ""] = PERIOD_OF_TIME.exec(text) ?? [];
    const at = read(from, mark === undefined ? zone : (OFFSETS[mark] ?? zone));
    const [start, end] = [read(from, "UTC"), read(to, "UTC")];
    if (at === null || start === null || end === null || !("timeUs" in start) || !("timeUs" in end))
      return null;
    // A period has an hour at most. Where the clocks change, its end is an hour nearer or further by the clock.
    const rest = (end.timeUs - start.timeUs) % HOUR_US;
    return { at, lengthUs: rest > 0 ? rest : HOUR_US + rest };
  };
}

export const entsoE = tableLayout({
  name: "entso-e",
  about:
    "ENTSO-E, Actual Total Load: mean MW of a period, stamps are starts, CET/CEST (Europe/Brussels) or as the header says",
  delimiter: ",",
  columns: ["Time (CET/CEST)", "Actual Total Load [MW]"],
  isHeader: (cells) => cells.some((cell) => PERIOD.test(cell)) && cells.some((cell) => ACTUAL.test(cell)),
  open(options, header) {
    const period = header.find((name) => PERIOD.test(name)) ?? "";
    const named = PERIOD.exec(period)?.[1];
    const periodOf = periodReader(
      options.zone ?? (named === "UTC" || named === "CET" ? ZONES[named] : ZONES["CET/CEST"]),
    );
    const loads = header.filter((name) => ACTUAL.test(name));
    function loadsOf(row: Row): Iterable<Found> {
      const interval = periodOf(row.text(period));
      if (interval === null || interval.at === null) throw new SkippedRow(`${period} is no period`);
      const { at, lengthUs } = interval;
      return eachOf(loads, row.line, (column): Found => {
        const { line } = row;
        const text = row.text(column);
        if (MISSING.has(text)) return { kind: "leftOut", line, reason: `no load ("${text}")` };
        const area =
          ACTUAL.exec(column)?.[1] ?? (header.includes("Area") ? row.text("Area") : null) ?? options.meter;
        if (area === null || area === "") throw new UsageError("the file names no area: name it by --meter");
        return {
          kind: "measurement",
          line,
          column: "Actual Total Load",
          series: meter(area),
          at,
          stamp: "start",
          value: decimalIn(text, column),
          of: { quantity: "power", unit: "MW", lengthUs },
        };
      });
    }
    return { row: loadsOf };
  },
});

export const entsoEFiles = tableLayout({
  name: "entso-e-files",
  about:
    "ENTSO-E's file library, ActualTotalLoad: mean MW of a period, stamps are starts, UTC, tabs; a meter for each area and type",
  delimiter: "\t",
  columns: ["DateTime(UTC)", "ResolutionCode", "AreaCode", "TotalLoad[MW]"],
  isHeader: (cells) =>
    ["ResolutionCode", "AreaCode"].every((name) => cells.includes(name)) &&
    cells.some((name) => /^DateTime ?\(UTC\)$|^DateTime$/.test(name)) &&
    cells.some((name) => /^TotalLoad(Value)? ?\[MW\]$|^TotalLoadValue$/.test(name)),
  open(_, header) {
    const timeOf = isoTime("UTC");
    const time = header.find((name) => name.startsWith("DateTime")) ?? "";
    const load = header.find((name) => name.startsWith("TotalLoad")) ?? "";
    const hasType = header.includes("AreaTypeCode");
    return {
      *row({ line, text }) {
        const at = timeOf(text(time));
        if (at === null) throw new SkippedRow(`${time} is no time`);
        const lengthUs = lengthIn(text("ResolutionCode"));
        if (lengthUs === null) throw new SkippedRow("ResolutionCode is no length such as PT15M");
        if (isMissing(text(load))) throw new SkippedRow(`${load} is missing`);
        const area = text("AreaCode");
        yield {
          kind: "measurement",
          line,
          column: "TotalLoad",
          series: meter(hasType ? `${area} ${text("AreaTypeCode")}` : area),
          at,
          stamp: "start",
          value: decimalIn(text(load), load),
          of: { quantity: "power", unit: "MW", lengthUs },
        };
      },
    };
  },
});
