// The consumption stream: energy of meter readings by customer_id in windows of 1 hour, exact, in kWh.

import {
  canonicalDecimal,
  type Decimal,
  decimalOf,
  ExactSum,
  formatDecimal,
  microsOf,
} from "../core/exact.ts";
import { noDoubts } from "./doubt.ts";
import {
  type JsonObject,
  MAX_DEVICE_ID,
  MAX_EVENT_ID,
  readInstant,
  readNumber,
  readObject,
  readText,
} from "./fields.ts";
import { isRefusal, type Refusal, refuse } from "./refusal.ts";
import type { Event, Stream } from "./stream.ts";

/** Powers of ten from each unit that meters send to kWh. */
const powerToKwh = { kWh: 0, Wh: -3, MWh: 3 } as const;

export type EnergyUnit = keyof typeof powerToKwh;

export interface ConsumptionEvent extends Event {
  readonly eventId: string;
  readonly meterId: string;
  readonly customerId: string;
  /** Energy of the interval, in `unit`. */
  readonly reading: number;
  readonly unit: EnergyUnit;
  /** Whether its sender gave no time, and HTTP wrote down when it came. */
  readonly isStampedByIngest: boolean;
}

/** The field by which HTTP says that an event's time is of its own making, and its value. */
export const TIMESTAMP_BY = "timestamp_by";
export const BY_INGEST = "ingest";

export interface ConsumptionPartial {
  readonly customerId: string;
  count: number;
  /** Exact sum in kWh. */
  readonly energyKwh: ExactSum;
}

/** 10^12 in any unit: more than mankind uses in a day, and exact in a double with 3 decimals. */
const LARGEST_READING = 1e12;

function isEnergyUnit(text: string): text is EnergyUnit {
  return Object.hasOwn(powerToKwh, text);
}

function readUnit(object: JsonObject): EnergyUnit | Refusal {
  if (!Object.hasOwn(object, "unit") || object.unit === null) return "kWh";
  const text = readText(object, "unit", 20);
  if (typeof text === "object") return text;
  return isEnergyUnit(text) ? text : refuse("unknown_unit", "unit");
}

/** A reading as an exact decimal of kWh; its scale is negative for many MWh. */
function energyOf(reading: number, unit: EnergyUnit): Decimal {
  const { unscaled, scale } = decimalOf(reading);
  return { unscaled, scale: scale - powerToKwh[unit] };
}

/** A reading's identity: each meter numbers its own readings. No id contains NUL. */
export function identityOfReading(meterId: string, eventId: string): string {
  return `${meterId}\0${eventId}`;
}

function decode(bytes: Buffer, zone?: string): ConsumptionEvent | Refusal {
  const object = readObject(bytes);
  if (isRefusal(object)) return object;
  const eventId = readText(object, "event_id", MAX_EVENT_ID);
  if (typeof eventId === "object") return eventId;
  const meterId = readText(object, "meter_id", MAX_DEVICE_ID);
  if (typeof meterId === "object") return meterId;
  const customerId = readText(object, "customer_id", MAX_DEVICE_ID);
  if (typeof customerId === "object") return customerId;
  const reading = readNumber(object, "reading", 0, LARGEST_READING);
  if (typeof reading === "object") return reading;
  const unit = readUnit(object);
  if (typeof unit === "object") return unit;
  const timeUs = readInstant(object, "timestamp", zone);
  if (typeof timeUs === "object") return timeUs;
  return {
    timeUs,
    identity: identityOfReading(meterId, eventId),
    eventId,
    meterId,
    customerId,
    reading,
    unit,
    isStampedByIngest: Object.hasOwn(object, TIMESTAMP_BY) && object[TIMESTAMP_BY] === BY_INGEST,
  };
}

export const consumptionStream: Stream<ConsumptionEvent, ConsumptionPartial> = {
  name: "consumption",
  windowUs: 3600 * 1_000_000,
  decode,
  contentOf: ({ timeUs, isStampedByIngest, customerId, reading, unit }) =>
    `${isStampedByIngest ? BY_INGEST : timeUs}\0${customerId}\0${canonicalDecimal(reading, powerToKwh[unit])}`,
  doubtsOf: () => noDoubts,
  groupOf: (event) => event.customerId,
  emptyPartial: ({ customerId }) => ({ customerId, count: 0, energyKwh: new ExactSum() }),
  fold(partial, { reading, unit }) {
    partial.count++;
    const micros = unit === "kWh" ? microsOf(reading) : Number.NaN;
    if (Number.isNaN(micros)) partial.energyKwh.addDecimal(energyOf(reading, unit));
    else partial.energyKwh.addMicros(micros);
  },
  parameters: (partials) => [
    partials.map((p) => p.customerId),
    partials.map((p) => p.count),
    partials.map((p) => formatDecimal(p.energyKwh.total())),
  ],
};
