// A reading of a real data file, and the event that it becomes.

import { formatInstant } from "../lib/core/instant.ts";

export interface SensorReading {
  readonly kind: "sensor";
  readonly timeMs: number;
  readonly sensorId: string;
  readonly sensorType: string;
  readonly value: number;
}

export interface MeterReading {
  readonly kind: "meter";
  readonly timeMs: number;
  readonly meterId: string;
  readonly customerId: string;
  readonly reading: number;
  readonly unit: "kWh" | "Wh" | "MWh";
}

export type Reading = SensorReading | MeterReading;

/** Why a row gives no reading. */
export class SkippedRow extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "SkippedRow";
  }
}

export function keyOf(reading: Reading): string {
  return reading.kind === "sensor" ? reading.sensorId : reading.meterId;
}

/** The event as it goes over the wire. The identity follows from the origin, so that sending a file again counts once. */
export function messageOf(reading: Reading, shiftMs: number): string {
  const timestamp = formatInstant((reading.timeMs + shiftMs) * 1000);
  const event_id = `${keyOf(reading)}_${(reading.timeMs + shiftMs) / 1000}`;
  if (reading.kind === "sensor")
    return JSON.stringify({
      event_id,
      sensor_id: reading.sensorId,
      sensor_type: reading.sensorType,
      value: reading.value,
      timestamp,
      metadata: { source: "replay" },
    });
  return JSON.stringify({
    event_id,
    meter_id: reading.meterId,
    customer_id: reading.customerId,
    reading: reading.reading,
    unit: reading.unit,
    timestamp,
  });
}

/**
 * A number as the file writes it. @throws SkippedRow for an empty or missing value or one that is no decimal number
 */
export function numberIn(text: string | undefined, column: string): number {
  const trimmed = text?.trim() ?? "";
  if (trimmed === "" || trimmed === "?" || trimmed === "NA") throw new SkippedRow(`${column} is missing`);
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(trimmed))
    throw new SkippedRow(`${column} is no number`);
  return Number(trimmed);
}

/** The number × 10^`power`, exact: the decimal point is moved in the text. */
export function shifted(value: number, power: number): number {
  const [mantissa = "0", exponent = "0"] = String(value).split("e");
  return Number(`${mantissa}e${Number(exponent) + power}`);
}
