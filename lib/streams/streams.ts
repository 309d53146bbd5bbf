// All streams as they work, by name, and the events of those whose readings people amend.

import { consumptionRules } from "./consumption.ts";
import { streamRules } from "./declared.ts";
import { sensorRules } from "./sensor.ts";
import { byStream, type Event, type Stream, type StreamName } from "./stream.ts";
import { type EventOf, streamOf } from "./stream-of.ts";
import { weatherRules } from "./weather.ts";

export const sensorStream = streamOf(sensorRules);
export const consumptionStream = streamOf(consumptionRules);
export const weatherStream = streamOf(weatherRules);

export type SensorEvent = EventOf<typeof sensorRules>;
export type ConsumptionEvent = EventOf<typeof consumptionRules>;
export type EnergyUnit = ConsumptionEvent["unit"];

/** For whoever learns from data which stream a record belongs to. */
export const streams: Readonly<Record<StreamName, Stream<Event>>> = byStream((name) =>
  streamOf(streamRules[name]),
);

/** A reading's identity: each meter numbers its own readings. No id contains NUL. */
export function identityOfReading(meterId: string, eventId: string): string {
  return `${meterId}\0${eventId}`;
}
