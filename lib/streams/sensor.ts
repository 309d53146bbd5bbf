// The sensor stream: measured values by (sensor_type, sensor_id) in windows of 5 minutes.

import { canonicalDecimal, ExactSquareSum, ExactSum, formatDecimal } from "../core/exact.ts";
import { sensorDoubts } from "./doubt.ts";
import {
  MAX_DEVICE_ID,
  MAX_EVENT_ID,
  readInstant,
  readLocation,
  readNumber,
  readObject,
  readText,
} from "./fields.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import type { Event, Stream } from "./stream.ts";

export interface SensorEvent extends Event {
  readonly sensorType: string;
  readonly sensorId: string;
  readonly value: number;
}

/** Count, min, max, Σx and Σx² of one sensor in one window: from these every statistic of the row is derived. */
export interface SensorPartial {
  readonly sensorType: string;
  readonly sensorId: string;
  count: number;
  min: number;
  max: number;
  readonly sum: ExactSum;
  readonly sumOfSquares: ExactSquareSum;
}

/** Beyond this a JSON number no longer says which whole number was meant. */
const LARGEST_VALUE = Number.MAX_SAFE_INTEGER;

function decode(bytes: Buffer, zone?: string): SensorEvent | Refusal {
  const object = readObject(bytes);
  if (isRefusal(object)) return object;
  const eventId = readText(object, "event_id", MAX_EVENT_ID);
  if (typeof eventId === "object") return eventId;
  const sensorId = readText(object, "sensor_id", MAX_DEVICE_ID);
  if (typeof sensorId === "object") return sensorId;
  const sensorType = readText(object, "sensor_type", 50);
  if (typeof sensorType === "object") return sensorType;
  const value = readNumber(object, "value", -LARGEST_VALUE, LARGEST_VALUE);
  if (typeof value === "object") return value;
  const timeUs = readInstant(object, "timestamp", zone);
  if (typeof timeUs === "object") return timeUs;
  const location = readLocation(object, true);
  if (location !== null && isRefusal(location)) return location;
  // The contract's {sensor_id}_{seconds} may repeat for measurements that differ: no identity.
  return { timeUs, identity: null, sensorType, sensorId, value };
}

export const sensorStream: Stream<SensorEvent, SensorPartial> = {
  name: "sensor",
  windowUs: 5 * 60 * 1_000_000,
  decode,
  contentOf: ({ timeUs, value }) => `${timeUs}\0${canonicalDecimal(value)}`,
  doubtsOf: ({ sensorType, value }) => sensorDoubts(sensorType, value),
  groupOf: (event) => `${event.sensorId}\0${event.sensorType}`,
  emptyPartial: ({ sensorType, sensorId }) => ({
    sensorType,
    sensorId,
    count: 0,
    min: Number.POSITIVE_INFINITY,
    max: Number.NEGATIVE_INFINITY,
    sum: new ExactSum(),
    sumOfSquares: new ExactSquareSum(),
  }),
  fold(partial, { value }) {
    partial.count++;
    if (value < partial.min) partial.min = value;
    if (value > partial.max) partial.max = value;
    partial.sum.add(value);
    partial.sumOfSquares.add(value);
  },
  parameters: (partials) => [
    partials.map((p) => p.sensorType),
    partials.map((p) => p.sensorId),
    partials.map((p) => p.count),
    partials.map((p) => p.min),
    partials.map((p) => p.max),
    partials.map((p) => formatDecimal(p.sum.total())),
    partials.map((p) => formatDecimal(p.sumOfSquares.total())),
  ],
};
