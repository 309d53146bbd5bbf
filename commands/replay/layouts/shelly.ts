// Shelly's energy meters: the file of the first generation (EM, 3EM), and that of the second (Pro EM, Pro 3EM), which is
// downloaded as em_data.csv or emdata.

import { eachOf, type Found, SkippedRow } from "../layout.ts";
import { decimalIn } from "../numbers.ts";
import { type Row, tableLayout } from "../table.ts";
import { epochTime, isoTime, type TimeReader } from "../times.ts";
import { type Direction, meter } from "./meters.ts";

interface EnergyColumn {
  readonly name: string;
  readonly direction: Direction;
}

function energies(
  row: Row,
  time: string,
  timeOf: TimeReader,
  columns: readonly EnergyColumn[],
  id: string,
): Iterable<Found> {
  const at = timeOf(row.text(time));
  if (at === null) throw new SkippedRow(`${time} is no time`);
  return eachOf(columns, row.line, ({ name, direction }) => ({
    kind: "measurement",
    line: row.line,
    column: name,
    series: meter(id, direction),
    at,
    stamp: "start",
    value: decimalIn(row.text(name), name),
    of: { quantity: "energy", unit: "Wh", lengthUs: null },
  }));
}

/** Columns by name, where they are energy: one for each phase. */
function columnsLike(header: readonly string[], taken: RegExp, returned: RegExp): EnergyColumn[] {
  return header.flatMap((name): EnergyColumn[] => {
    if (taken.test(name)) return [{ name, direction: "import" }];
    return returned.test(name) ? [{ name, direction: "export" }] : [];
  });
}

export const shelly = tableLayout({
  name: "shelly",
  about:
    "Shelly EM and 3EM: Wh of an interval, UTC, stamps are starts; returned energy is METER-export (name it by --meter)",
  delimiter: ",",
  columns: ["Date/time UTC"],
  open(options, header) {
    const timeOf = isoTime("UTC");
    const columns = columnsLike(header, /^Active energy Wh/i, /^Returned energy Wh/i);
    if (columns.length === 0) throw new Error("the header names no column Active energy Wh");
    return { row: (row) => energies(row, "Date/time UTC", timeOf, columns, options.meter ?? "shelly") };
  },
});

export const shellyPro = tableLayout({
  name: "shelly-pro",
  about:
    "Shelly Pro EM and Pro 3EM: Wh of a minute, stamps are starts in seconds since 1970; returned energy is METER-export (--meter)",
  delimiter: ",",
  columns: ["timestamp"],
  isHeader: (cells) =>
    cells.includes("timestamp") && cells.some((name) => /^([a-c]_)?total_act_energy$/.test(name)),
  open(options, header) {
    const timeOf = epochTime("s");
    const columns = columnsLike(header, /^([a-c]_)?total_act_energy$/, /^([a-c]_)?total_act_ret_energy$/);
    return { row: (row) => energies(row, "timestamp", timeOf, columns, options.meter ?? "shelly") };
  },
});
