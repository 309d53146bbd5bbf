// Half-hourly data of British suppliers and data collectors: a row for each day and register, a column for each half hour,
// named by its settlement period (HH1 … HH50) or by its local time (00:00 … 23:30).

import { eachOf, type Found, SkippedRow } from "../layout.ts";
import { decimalIn, isMissing } from "../numbers.ts";
import { type Row, tableLayout } from "../table.ts";
import { DAY_US, elapsedInDay, HOUR_US, isoTime, later, MINUTE_US, patternTime } from "../times.ts";
import { isPowerUnit, unitIn } from "../units.ts";
import { meter } from "./meters.ts";

const HALF_HOUR_US = 30 * MINUTE_US;
const ID = /^(mpan|mpan core|mpan number|mpr|msn|meter|meter id|meter serial( number)?|serial( number)?)$/i;
const DATE = /^(date|day|reading date|read date|settlement date|consumption date)$/i;
const QUANTITY = /^(measurement quantity( id)?|channel|register|type|direction)$/i;
const UNIT = /^(units?|uom|unit of measure)$/i;
const PERIOD = /^(?:hh|hhc|period|sp|kwh)[ _]?0?(\d{1,2})$/i;
const CLOCK = /^([01]\d|2[0-4]):([03]0)(?::00)?$/;

interface HalfHour {
  readonly column: string;
  /** Since midnight: elapsed for a settlement period, by the clock for a time. */
  readonly us: number;
}

interface Columns {
  readonly id: string;
  readonly date: string;
  readonly quantity: string | undefined;
  readonly unit: string | undefined;
  readonly periods: readonly HalfHour[];
  readonly clocks: readonly HalfHour[];
}

function columnsOf(header: readonly string[]): Columns {
  const clocks = header.flatMap((column): HalfHour[] => {
    const [, hours, minutes] = CLOCK.exec(column) ?? [];
    return hours === undefined ? [] : [{ column, us: Number(hours) * HOUR_US + Number(minutes) * MINUTE_US }];
  });
  // 00:30 … 24:00, or 00:30 … 23:30 and 00:00 at the end, name the ends of the half hours.
  const areEnds = clocks[0]?.us === HALF_HOUR_US;
  return {
    id: header.find((name) => ID.test(name)) ?? "",
    date: header.find((name) => DATE.test(name)) ?? "",
    quantity: header.find((name) => QUANTITY.test(name)),
    unit: header.find((name) => UNIT.test(name)),
    periods: header.flatMap((column): HalfHour[] => {
      const number = Number(PERIOD.exec(column)?.[1] ?? 0);
      return number >= 1 && number <= 50 ? [{ column, us: (number - 1) * HALF_HOUR_US }] : [];
    }),
    clocks: areEnds
      ? clocks.map(({ column, us }) => ({ column, us: (us === 0 ? DAY_US : us) - HALF_HOUR_US }))
      : clocks,
  };
}

/** AI and AE are active import and export; reactive energy is none that is counted. */
function directionOf(quantity: string): "import" | "export" | null {
  if (quantity === "" || /^(ai|kwh|import|consumption|active import|a\+)$/i.test(quantity)) return "import";
  return /^(ae|export|generation|active export|a-)$/i.test(quantity) ? "export" : null;
}

export const ukHalfHourly = tableLayout({
  name: "uk-half-hourly",
  about:
    "British half-hourly data, a day per row: MPAN, date, HH1 … HH48 (settlement periods) or 00:00 … 23:30, Europe/London, kWh; AE is MPAN-export",
  delimiter: ",",
  columns: ["MPAN", "Date", "HH1"],
  isHeader(cells) {
    const { id, date, periods, clocks } = columnsOf(cells);
    return id !== "" && date !== "" && Math.max(periods.length, clocks.length) >= 46;
  },
  open(options, header) {
    const columns = columnsOf(header);
    const zone = options.zone ?? "Europe/London";
    const readers = [
      isoTime(zone),
      ...["yyyy-MM-dd", "dd/MM/yyyy", "dd-MMM-yyyy", "yyyyMMdd"].map((p) => patternTime(p, zone)),
    ];
    const usesPeriods = columns.periods.length >= columns.clocks.length;

    function* halfHoursOf(row: Row): Iterable<Found> {
      const quantity = columns.quantity === undefined ? "" : row.text(columns.quantity);
      const direction = directionOf(quantity);
      if (direction === null) {
        yield { kind: "leftOut", line: row.line, reason: `${quantity}: no active energy` };
        return;
      }
      const midnight = readers.map((read) => read(row.text(columns.date))).find((at) => at !== null) ?? null;
      if (midnight === null)
        throw new SkippedRow(`${columns.date} is no date (year-month-day or day/month/year)`);
      const id = row.text(columns.id);
      if (id === "") throw new SkippedRow(`${columns.id} is missing`);
      const unit = unitIn((columns.unit === undefined ? "" : row.text(columns.unit)) || "kWh");
      const { line } = row;
      const halfHours = (usesPeriods ? columns.periods : columns.clocks)
        .map(({ column, us }) => ({
          column,
          text: row.text(column),
          at: usesPeriods ? elapsedInDay(midnight, us, HALF_HOUR_US) : later(midnight, us),
        }))
        .filter(({ at, text }) => at !== null || !(isMissing(text) || Number(text) === 0));
      yield* eachOf(halfHours, line, ({ column, text, at }): Found => {
        if (at === null) throw new SkippedRow(`${column} lies beyond the day`);
        return {
          kind: "measurement",
          line,
          column: quantity || "kWh",
          series: meter(id, direction),
          at,
          stamp: "start",
          value: decimalIn(text, column),
          of: isPowerUnit(unit)
            ? { quantity: "power", unit, lengthUs: HALF_HOUR_US }
            : { quantity: "energy", unit, lengthUs: HALF_HOUR_US },
        };
      });
    }
    return { row: halfHoursOf };
  },
});
