// OpenEMS: channels of the sum component by their addresses, or the columns of the user interface's export.

import { eachOf, type Found, type Quantity, SkippedRow } from "../layout.ts";
import { decimalIn, isMissing } from "../numbers.ts";
import { type Row, tableLayout } from "../table.ts";
import { isoTime, patternTime, type TimeReader } from "../times.ts";
import { meter } from "./meters.ts";

/** What is told apart; consumption has the meter's own name, every other flow a name behind it. */
const FLOWS = [
  {
    suffix: "",
    energy: "ConsumptionActiveEnergy",
    power: "ConsumptionActivePower",
    shown: /^(Consumption|Verbrauch) ?\[k?W\]$/,
  },
  {
    suffix: "-import",
    energy: "GridBuyActiveEnergy",
    power: null,
    shown: /^(Grid buy|Netzbezug|Bezug) ?\[k?W\]$/i,
  },
  {
    suffix: "-export",
    energy: "GridSellActiveEnergy",
    power: null,
    shown: /^(Grid sell|Netzeinspeisung|Einspeisung) ?\[k?W\]$/i,
  },
  {
    suffix: "-production",
    energy: "ProductionActiveEnergy",
    power: "ProductionActivePower",
    shown: /^(Production|Erzeugung) ?\[k?W\]$/i,
  },
] as const;

const TIME = /^(timestamp|time|date\/time|datum\/uhrzeit|datum|date)$/i;

interface Channel {
  readonly column: string;
  readonly suffix: string;
  readonly unit: "Wh" | "W" | "kW";
}

/** One column for each flow: its counter where the file has it, otherwise its power. */
function channelsOf(header: readonly string[]): Channel[] {
  return FLOWS.flatMap(({ suffix, energy, power, shown }): Channel[] => {
    const counter = header.find((name) => name.replace(/ ?\[Wh_?Σ?\]$/, "") === `_sum/${energy}`);
    if (counter !== undefined) return [{ column: counter, suffix, unit: "Wh" }];
    const mean = header.find((name) => power !== null && name.replace(/ ?\[W\]$/, "") === `_sum/${power}`);
    if (mean !== undefined) return [{ column: mean, suffix, unit: "W" }];
    const column = header.find((name) => shown.test(name));
    return column === undefined ? [] : [{ column, suffix, unit: column.includes("[kW]") ? "kW" : "W" }];
  });
}

function timeReader(zone: string): TimeReader {
  const readers = [
    isoTime(zone),
    patternTime("dd.MM.yyyy HH:mm:ss", zone),
    patternTime("dd.MM.yyyy HH:mm", zone),
  ];
  return (text) => readers.map((read) => read(text)).find((at) => at !== null) ?? null;
}

/** Rows wait for the next one, whose time says how long their mean powers held. */
interface Waiting {
  readonly row: { readonly line: number; readonly texts: readonly string[] };
  readonly at: NonNullable<ReturnType<TimeReader>>;
}

function localUs(at: Waiting["at"]): number {
  return "timeUs" in at ? at.timeUs : at.localUs;
}

function measurementsOf(
  { row: { line, texts }, at }: Waiting,
  channels: readonly Channel[],
  meterName: string,
  lengthUs: number | null,
): Iterable<Found> {
  const quantityOf = (unit: Channel["unit"]): Quantity => {
    if (unit === "Wh") return { quantity: "standing", unit };
    if (lengthUs === null) throw new SkippedRow("a mean power, and no other row that tells for how long");
    return { quantity: "power", unit, lengthUs };
  };
  return eachOf([...channels.entries()], line, ([i, { column, suffix, unit }]): Found => {
    const text = texts[i] ?? "";
    if (isMissing(text)) return { kind: "leftOut", line, reason: `${column} is empty` };
    const value = decimalIn(text, column, /^-?\d+,\d+$/.test(text) ? "," : ".");
    const series = meter(`${meterName}${suffix}`);
    return { kind: "measurement", line, column, series, at, stamp: "start", value, of: quantityOf(unit) };
  });
}

function openRows(zone: string, meterName: string, header: readonly string[]) {
  const timeOf = timeReader(zone);
  const time = header.find((name) => TIME.test(name)) ?? "";
  const channels = channelsOf(header);
  let waiting: Waiting | null = null;
  let lengthUs: number | null = null;
  return {
    *row(row: Row): Iterable<Found> {
      const at = timeOf(row.text(time));
      if (at === null) throw new SkippedRow(`${time} is no time`);
      const next: Waiting = {
        row: { line: row.line, texts: channels.map(({ column }) => row.text(column)) },
        at,
      };
      if (waiting !== null) {
        const step = localUs(at) - localUs(waiting.at);
        // The shortest step is the interval: a longer one is a gap.
        if (step > 0) lengthUs = lengthUs === null ? step : Math.min(lengthUs, step);
        yield* measurementsOf(waiting, channels, meterName, lengthUs);
      }
      waiting = next;
    },
    *end(): Iterable<Found> {
      if (waiting !== null) yield* measurementsOf(waiting, channels, meterName, lengthUs);
    },
  };
}

function openEmsTable(name: string, delimiter: string) {
  return tableLayout({
    name,
    about: `OpenEMS, fields separated by ${delimiter}: counters in Wh or mean W until the next row, local time of Europe/Berlin where no zone is named; production, -import and -export are meters of their own (--meter)`,
    delimiter,
    columns: ["timestamp", "_sum/ConsumptionActivePower"],
    isHeader: (cells) => cells.some((cell) => TIME.test(cell)) && channelsOf(cells).length > 0,
    open: (options, header) => openRows(options.zone ?? "Europe/Berlin", options.meter ?? "openems", header),
  });
}

export const openEms = openEmsTable("openems", ",");
export const openEmsSemicolon = openEmsTable("openems-semicolon", ";");
