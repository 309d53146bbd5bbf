// Plain CSV with a map of columns: --map "meter_id=Meter,reading=Energy,timestamp=When,zone=Europe/Paris".
// A value in quotes is a constant: sensor_type='voltage'.

import { instantsOf, readWrittenTime } from "../lib/core/written-time.ts";
import { checkZone } from "../lib/core/zone.ts";
import type { Format, Row } from "./formats.ts";
import { numberIn, type Reading, SkippedRow } from "./reading.ts";

const SENSOR_FIELDS = ["sensor_id", "sensor_type", "value", "timestamp"];
const METER_FIELDS = ["meter_id", "reading", "timestamp"];
const OPTIONAL_FIELDS = ["customer_id", "unit", "zone"];

type Source = { readonly constant: string } | { readonly column: string };

function sourceOf(text: string): Source {
  const constant = /^'(.*)'$/.exec(text)?.[1];
  return constant === undefined ? { column: text } : { constant };
}

function isUnit(text: string): text is "kWh" | "Wh" | "MWh" {
  return text === "kWh" || text === "Wh" || text === "MWh";
}

function textIn(row: Row, source: Source | undefined, field: string): string {
  if (source === undefined) throw new SkippedRow(`${field} is missing`);
  const text = "constant" in source ? source.constant : (row[source.column]?.trim() ?? "");
  if (text === "") throw new SkippedRow(`${field} is missing`);
  return text;
}

/** A time stamp with a zone of its own is taken at its word; one without is local time of the zone (default UTC). */
function timeIn(text: string, zone: string): number {
  const time = readWrittenTime(text);
  if (time === null) throw new SkippedRow("timestamp is no ISO 8601 time");
  const timeUs = instantsOf(time, zone)[0];
  if (timeUs === undefined) throw new SkippedRow("timestamp does not exist in its zone");
  return timeUs / 1000;
}

/** @throws Error naming what is wrong with the map */
export function mappedFormat(map: string, delimiter: string): Format {
  const sources = new Map<string, Source>();
  for (const entry of map.split(",")) {
    const [, field, text] = /^\s*(\w+)\s*=\s*(.+?)\s*$/.exec(entry) ?? [];
    if (field === undefined || text === undefined)
      throw new Error(`--map: expected field=column, got "${entry}"`);
    if (![...SENSOR_FIELDS, ...METER_FIELDS, ...OPTIONAL_FIELDS].includes(field))
      throw new Error(
        `--map: no such field "${field}"; sensors have ${SENSOR_FIELDS.join(", ")}, meters ${METER_FIELDS.join(", ")}, ${OPTIONAL_FIELDS.join(", ")}`,
      );
    sources.set(field, field === "zone" ? { constant: text.replaceAll("'", "") } : sourceOf(text));
  }
  const isSensor = sources.has("sensor_id");
  const missing = (isSensor ? SENSOR_FIELDS : METER_FIELDS).filter((field) => !sources.has(field));
  if (missing.length > 0) throw new Error(`--map: missing ${missing.join(", ")}`);
  const zoneSource = sources.get("zone");
  const zone = zoneSource !== undefined && "constant" in zoneSource ? zoneSource.constant : "UTC";
  checkZone(zone);

  function read(row: Row): Reading[] {
    const timeMs = timeIn(textIn(row, sources.get("timestamp"), "timestamp"), zone);
    if (isSensor)
      return [
        {
          kind: "sensor",
          timeMs,
          sensorId: textIn(row, sources.get("sensor_id"), "sensor_id"),
          sensorType: textIn(row, sources.get("sensor_type"), "sensor_type"),
          value: numberIn(textIn(row, sources.get("value"), "value"), "value"),
        },
      ];
    const meterId = textIn(row, sources.get("meter_id"), "meter_id");
    const unit = sources.has("unit") ? textIn(row, sources.get("unit"), "unit") : "kWh";
    if (!isUnit(unit)) throw new SkippedRow("unit is not kWh, Wh or MWh");
    return [
      {
        kind: "meter",
        timeMs,
        meterId,
        customerId: sources.has("customer_id")
          ? textIn(row, sources.get("customer_id"), "customer_id")
          : meterId,
        reading: numberIn(textIn(row, sources.get("reading"), "reading"), "reading"),
        unit,
      },
    ];
  }
  const columns = [...sources.values()].flatMap((source) => ("column" in source ? [source.column] : []));
  return { about: "plain CSV by --map", delimiter, columns, read };
}
