// The layouts of real data files: how a row becomes readings. Energy belongs to the interval that it measures, so a
// meter reading carries the interval's start.

import { parseInstant } from "../lib/core/instant.ts";
import { instantOfLocal } from "../lib/core/zone.ts";
import { numberIn, type Reading, SkippedRow, shifted } from "./reading.ts";

/** A row as column → text. */
export type Row = Readonly<Record<string, string | undefined>>;

export interface Format {
  /** What it is, for the help text. */
  readonly about: string;
  readonly delimiter: string;
  /** Columns without which a file is not of this format. */
  readonly columns: readonly string[];
  /** @throws SkippedRow where the row gives no reading */
  read(row: Row): Reading[];
}

function instantIn(zone: string, localMs: number): number {
  const timeMs = Number.isNaN(localMs) ? null : instantOfLocal(localMs, zone);
  if (timeMs === null) throw new SkippedRow("the time is none, or does not exist in its zone");
  return timeMs;
}

/** Local time by a pattern with the named groups y, m, d and, where it has them, h, i, s. */
function localTime(pattern: RegExp, text: string | undefined, zone: string): number {
  const groups = pattern.exec(text?.trim() ?? "")?.groups;
  if (groups === undefined) throw new SkippedRow("the time is none");
  const { y, m, d, h = "0", i = "0", s = "0" } = groups;
  const fields = [Number(y), Number(m) - 1, Number(d), Number(h), Number(i), Number(s)] as const;
  const localMs = Date.UTC(...fields);
  // Date.UTC takes 31 February for 3 March.
  const back = new Date(localMs);
  if (back.getUTCMonth() !== fields[1] || back.getUTCDate() !== fields[2] || fields[3] > 23 || fields[4] > 59)
    throw new SkippedRow("the time is none");
  return instantIn(zone, localMs);
}

const ISO_LOCAL = /^(?<y>\d{4})-(?<m>\d\d)-(?<d>\d\d)[T ](?<h>\d\d):(?<i>\d\d)(:(?<s>\d\d))?$/;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const household: Format = {
  about: "one household by the minute (UCI 235), Europe/Paris: voltage, current, power and a meter",
  delimiter: ";",
  columns: ["Date", "Time", "Global_active_power", "Voltage", "Global_intensity"],
  read(row) {
    const timeMs = localTime(
      /^(?<d>\d{1,2})\/(?<m>\d{1,2})\/(?<y>\d{4}) (?<h>\d\d):(?<i>\d\d):(?<s>\d\d)$/,
      `${row.Date ?? ""} ${row.Time ?? ""}`,
      "Europe/Paris",
    );
    const powerKw = numberIn(row.Global_active_power, "Global_active_power");
    const sensor = (sensorType: string, value: number): Reading => ({
      kind: "sensor",
      timeMs,
      sensorId: `household-${sensorType}`,
      sensorType,
      value,
    });
    return [
      sensor("voltage", numberIn(row.Voltage, "Voltage")),
      sensor("current", numberIn(row.Global_intensity, "Global_intensity")),
      sensor("power", shifted(powerKw, 3)),
      // The mean power of a minute is kW/60 kWh, to 6 decimals. The sub-meters are part of it and not sent.
      {
        kind: "meter",
        timeMs,
        meterId: "household",
        customerId: "household",
        reading: shifted(Math.round(shifted(powerKw, 6) / 60), -6),
        unit: "kWh",
      },
    ];
  },
};

const halfHourly: Format = {
  about:
    "households by the half hour (Smart Grid, Smart City), New South Wales without summer time (UTC+10), kWh",
  delimiter: ",",
  columns: ["customer_id", "reading_datetime", "general_supply_kwh"],
  read(row) {
    const customerId = row.customer_id?.trim() ?? "";
    if (customerId === "") throw new SkippedRow("customer_id is missing");
    return [
      {
        kind: "meter",
        timeMs: localTime(ISO_LOCAL, row.reading_datetime, "+10:00"),
        meterId: `meter-${customerId}`,
        customerId,
        reading: numberIn(row.general_supply_kwh, "general_supply_kwh"),
        unit: "kWh",
      },
    ];
  },
};

const victoriaDemand: Format = {
  about: "the state of Victoria by the half hour; Demand is read as MW, so a reading is Demand/2 MWh",
  delimiter: ",",
  columns: ["Time", "Demand"],
  read(row) {
    const timeUs = parseInstant(row.Time?.trim() ?? "");
    if (typeof timeUs === "string") throw new SkippedRow("the time is none");
    const reading = numberIn(row.Demand, "Demand") / 2;
    return [
      {
        kind: "meter",
        timeMs: timeUs / 1000,
        meterId: "victoria",
        customerId: "victoria",
        reading,
        unit: "MWh",
      },
    ];
  },
};

/** One meter for each column of hourly loads; a missing load gives no reading for its meter, not for the others. */
function hourlyLoads(row: Row, columns: readonly string[], timeMs: number, unit: "kWh" | "MWh"): Reading[] {
  const present = columns.filter((column) => (row[column]?.trim() ?? "") !== "");
  if (present.length === 0) throw new SkippedRow("all loads are missing");
  return present.map((column) => ({
    kind: "meter",
    timeMs,
    meterId: column,
    customerId: column,
    reading: numberIn(row[column], column),
    unit,
  }));
}

const ZONES = Array.from({ length: 20 }, (_, i) => `zone_${i + 1}`);

const zoneLoads: Format = {
  about:
    "20 zones of a US utility by the hour (GEFCom2012), read as UTC−06:00 without summer time; mean kW of an hour is kWh",
  delimiter: ",",
  columns: ["hour", ...ZONES],
  read: (row) => hourlyLoads(row, ZONES, localTime(ISO_LOCAL, row.hour, "-06:00"), "kWh"),
};

const LOADS = ["LDC1", "LDC2", "LDC3"];

const zonesForecast: Format = {
  about:
    "3 utilities by the hour that ends (BigDEAL 2022), read as UTC−05:00 without summer time; loads as MWh",
  delimiter: ",",
  columns: ["DATE", "Hour", ...LOADS],
  read(row) {
    const [day = "", month = "", year = ""] = row.DATE?.trim().split("-") ?? [];
    const hour = numberIn(row.Hour, "Hour");
    if (!(hour >= 1 && hour <= 24)) throw new SkippedRow("Hour is not 1 to 24");
    const date = `20${year}-${String(MONTHS.indexOf(month) + 1).padStart(2, "0")}-${day.padStart(2, "0")}`;
    const timeMs = localTime(ISO_LOCAL, `${date} ${String(hour - 1).padStart(2, "0")}:00`, "-05:00");
    return hourlyLoads(row, LOADS, timeMs, "MWh");
  },
};

export const formats: Readonly<Record<string, Format>> = {
  "uci-household": household,
  "half-hourly": halfHourly,
  "victoria-demand": victoriaDemand,
  "zone-loads": zoneLoads,
  "zones-forecast": zonesForecast,
};
