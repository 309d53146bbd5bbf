// NEM12, the Australian market's interval data (AEMO, "Meter Data File Format Specification NEM12 & NEM13"): a table whose
// first cell says what the row is. 200 a register, 300 a day of it, 400 the quality of a part of the day before it.

import { eachOf, type Found, type Layout, SkippedRow } from "../layout.ts";
import { decimalIn } from "../numbers.ts";
import { type RowOfCells, rowsOf } from "../rows.ts";
import { DAY_US, HOUR_US, MINUTE_US, patternTime } from "../times.ts";
import { isPowerUnit, unitIn } from "../units.ts";
import { meter } from "./meters.ts";

const DELIMITER = ",";
/** The market's time: that of Queensland in all states, without summer time. */
const MARKET_OFFSET_US = 10 * HOUR_US;
const dayOf = patternTime("yyyyMMdd", "UTC");

/** What a row 200 says of the rows after it. */
interface Register {
  readonly nmi: string;
  /** `E1`: E is consumed, B is fed in, Q and K are reactive. */
  readonly suffix: string;
  readonly unit: string;
  readonly intervalUs: number;
}

/** A row 300, with the qualities that rows 400 give to its intervals. */
interface Day {
  readonly register: Register;
  readonly line: number;
  readonly cells: readonly string[];
  readonly qualities: Map<number, string>;
}

function registerOf(cells: readonly string[], line: number): Register {
  const [, nmi = "", , , suffix = "", , , unit = "", minutes = ""] = cells;
  const intervalUs = Number(minutes) * MINUTE_US;
  if (nmi === "" || suffix === "" || !(intervalUs > 0) || DAY_US % intervalUs !== 0)
    throw new Error(
      `line ${line}: a row 200 names NMI, suffix and an interval in minutes that divides a day`,
    );
  return { nmi, suffix, unit, intervalUs };
}

/** The quality of each interval, from rows such as `400,1,20,F14,…`: intervals count from 1. */
function noteQualities(day: Day, cells: readonly string[]): void {
  const [, from = "", to = "", quality = ""] = cells;
  for (let n = Number(from); n <= Number(to) && n <= DAY_US / day.register.intervalUs; n++)
    day.qualities.set(n, quality.slice(0, 1));
}

function* intervalsOf({ register, line, cells, qualities }: Day): Iterable<Found> {
  const { nmi, suffix, intervalUs } = register;
  const kind = suffix.slice(0, 1).toUpperCase();
  if (kind !== "E" && kind !== "B") {
    yield { kind: "leftOut", line, reason: `register ${suffix}: no active energy` };
    return;
  }
  const count = DAY_US / intervalUs;
  const day = dayOf(cells[1] ?? "");
  if (day === null || !("timeUs" in day)) throw new SkippedRow("the row 300 has no date");
  const quality = cells[count + 2]?.slice(0, 1) ?? "";
  if (!/^[AEFNSV]$/.test(quality))
    throw new SkippedRow(
      `the row 300 has no quality after ${count} values: the interval's length is not that of row 200`,
    );
  const unit = unitIn(register.unit);
  const intervals = Array.from({ length: count }, (_, i) => i + 1);
  yield* eachOf(intervals, line, (n): Found => {
    const cell = cells[n + 1] ?? "";
    if ((quality === "V" ? qualities.get(n) : quality) === "N")
      return { kind: "leftOut", line, reason: "quality N: no value" };
    return {
      kind: "measurement",
      line,
      column: suffix,
      series: meter(nmi, kind === "B" ? "export" : "import"),
      at: { timeUs: day.timeUs + (n - 1) * intervalUs - MARKET_OFFSET_US },
      stamp: "start",
      value: decimalIn(cell, `interval ${n}`),
      of: isPowerUnit(unit)
        ? { quantity: "power", unit, lengthUs: intervalUs }
        : { quantity: "energy", unit, lengthUs: intervalUs },
    };
  });
}

/** Whether a row says by V that rows 400 name the qualities, and they do not for all intervals. */
function lacksQualities({ register, cells, qualities }: Day): boolean {
  const count = DAY_US / register.intervalUs;
  return cells[count + 2]?.slice(0, 1) === "V" && qualities.size < count;
}

function* settled(day: Day | null): Iterable<Found> {
  if (day === null) return;
  try {
    yield* intervalsOf(day);
  } catch (error) {
    if (!(error instanceof SkippedRow)) throw error;
    yield { kind: "skipped", line: day.line, reason: error.message };
  }
}

async function* read(rows: AsyncIterable<RowOfCells>): AsyncIterable<Found> {
  let register: Register | null = null;
  let day: Day | null = null;
  let ended = false;
  let unqualified: number | null = null;
  for await (const row of rows) {
    if ("problem" in row) {
      yield { kind: "skipped", line: row.line, reason: row.problem };
      continue;
    }
    const [kind] = row.cells;
    if (kind === "400" && day !== null) {
      noteQualities(day, row.cells);
      continue;
    }
    yield* settled(day);
    if (day !== null && lacksQualities(day)) unqualified ??= day.line;
    day = null;
    ended = kind === "900";
    if (kind === "200") register = registerOf(row.cells, row.line);
    else if (kind === "300" && register !== null)
      day = { register, line: row.line, cells: row.cells, qualities: new Map() };
    else if (kind !== "100" && kind !== "500" && kind !== "900")
      yield { kind: "skipped", line: row.line, reason: `a row ${kind} is not read here` };
  }
  yield* settled(day);
  if (unqualified !== null)
    yield {
      kind: "doubt",
      name: "layout",
      text: `the quality V of line ${unqualified} says that rows 400 name the qualities, and they do not for all intervals: values that are none may be among them; --accept layout takes them`,
    };
  if (!ended)
    yield {
      kind: "doubt",
      name: "layout",
      text: "the file does not end with a row 900: it may be cut off; --accept layout takes what is there",
    };
}

export const nem12: Layout = {
  name: "nem12",
  about:
    "Australian NEM12: a day of energy per row, market time (UTC+10, no summer time), intervals from 00:00 on; E consumed, B fed in (NMI-export)",
  recognises: (head) => /^"?100"?,"?NEM12"?,/m.test(head),
  read: (text) => read(rowsOf(text, DELIMITER)),
};
