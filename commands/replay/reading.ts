// A reading, and the event that it becomes.

import { createHash } from "node:crypto";
import { formatInstant } from "../../lib/core/instant.ts";
import { MAX_EVENT_ID } from "../../lib/streams/fields.ts";
import type { EnergyUnit, Series } from "./layout.ts";

export interface Reading {
  /** Start of the interval by the file, µs since the epoch, not shifted. */
  readonly timeUs: number;
  readonly line: number;
  readonly column: string;
  readonly series: Series;
  /** Plain digits, as the file has them. */
  readonly value: string;
  /** Empty for a sensor's value. */
  readonly unit: EnergyUnit | "";
}

/** The meter or the sensor: the key of the record. */
export function keyOf(series: Series): string {
  return series.kind === "meter" ? series.meterId : series.sensorId;
}

/**
 * The event's identity: meter, the file's own instant, and the column. It knows nothing of shift and row, so that a file that is
 * sent again, or one that overlaps it, counts once.
 */
export function identityOf({ series, timeUs, column }: Reading): string {
  const id = `${keyOf(series)}@${formatInstant(timeUs)}/${column}`;
  if (id.length <= MAX_EVENT_ID) return id;
  return `${id.slice(0, 200)}#${createHash("sha256").update(id).digest("hex")}`;
}

/** The event as it goes over the wire, with the digits of the file. */
export function eventOf(reading: Reading, shiftUs: number): string {
  const { series, value, unit } = reading;
  const timestamp = formatInstant(reading.timeUs + shiftUs);
  const identity = { event_id: identityOf(reading) };
  // JSON's numbers are text: they are put in as they are, where JSON.stringify would go through a double.
  const withNumber = (event: object, field: string) =>
    `${JSON.stringify(event).slice(0, -1)},"${field}":${value}}`;
  if (series.kind === "sensor")
    return withNumber(
      {
        ...identity,
        sensor_id: series.sensorId,
        sensor_type: series.sensorType,
        timestamp,
        metadata: { source: "replay" },
      },
      "value",
    );
  const { meterId: meter_id, customerId: customer_id } = series;
  return withNumber({ ...identity, meter_id, customer_id, unit, timestamp }, "reading");
}
