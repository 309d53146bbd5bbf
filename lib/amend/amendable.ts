// The streams whose events belong to a device or a customer, and so can be amended by it.

import type { Event, Stream } from "../streams/stream.ts";
import {
  type ConsumptionEvent,
  consumptionStream,
  type SensorEvent,
  sensorStream,
} from "../streams/streams.ts";
import type { Selector } from "./entry.ts";

export type AmendableName = "sensor" | "consumption";

export interface AmendableStream<E extends Event> {
  readonly stream: Stream<E>;
  /** The SQL function that amends its rows. */
  readonly statement: "amend_sensor" | "amend_consumption";
  /** The field that a factor applies to. */
  readonly valueField: string;
  selects(selector: Selector, event: E): boolean;
  /** The stream's group of a row in amendment_row. */
  groupOfRow(sensorType: string, key: string): string;
}

const sensor: AmendableStream<SensorEvent> = {
  stream: sensorStream,
  statement: "amend_sensor",
  valueField: "value",
  selects: (selector, event) =>
    "sensor" in selector &&
    event.sensorId === selector.sensor &&
    (selector.type === null || event.sensorType === selector.type),
  groupOfRow: (sensorType, sensorId) => `${sensorId}\0${sensorType}`,
};

const consumption: AmendableStream<ConsumptionEvent> = {
  stream: consumptionStream,
  statement: "amend_consumption",
  valueField: "reading",
  selects: (selector, event) =>
    "meter" in selector
      ? event.meterId === selector.meter && event.eventId === (selector.eventId ?? event.eventId)
      : "customer" in selector && event.customerId === selector.customer,
  groupOfRow: (_, customerId) => customerId,
};

export const amendableStreams: Readonly<Record<AmendableName, AmendableStream<Event>>> = {
  sensor,
  consumption,
};

/** The stream that a selector is about. */
export function streamOf(selector: Selector): AmendableName {
  return "sensor" in selector ? "sensor" : "consumption";
}
