// The demo's events of a span, in the order of their event times: the same for the same seed, whether they are asked
// for at once (the backfill) or second by second (live).

import { scheduledEventId, stations, weatherMessage } from "../../../lib/weather/simulator.ts";
import { readingOf, type Sensor, sensorsOf } from "./grid.ts";
import { INTERVAL_MS, type Meter, meterReading, metersOf } from "./meters.ts";

/** An event for a topic. */
export interface DemoEvent {
  readonly key: string;
  readonly timeMs: number;
  readonly value: string;
}

/** From (inclusive) to (exclusive), ms since the epoch. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

function sensorEvent(seed: number, sensor: Sensor, timeMs: number): DemoEvent {
  const { substation } = sensor;
  // A real clock has microseconds; these are a sensor's own.
  const micros = String(Math.floor(sensor.phase * 999)).padStart(3, "0");
  const iso = new Date(timeMs).toISOString().slice(0, -1);
  const value = JSON.stringify({
    event_id: `${sensor.id}_${Math.floor(timeMs / 1000)}.${String(timeMs % 1000).padStart(3, "0")}${micros}`,
    sensor_id: sensor.id,
    sensor_type: sensor.type,
    value: readingOf(seed, sensor, timeMs),
    location: { lat: substation.lat, lon: substation.lon },
    timestamp: `${iso}${micros}${substation.writesZone ? "Z" : ""}`,
    metadata: { unit: sensor.unit, substation: substation.id },
  });
  return { key: sensor.id, timeMs, value };
}

/** Readings of all sensors, each once in `everyMs`. */
export function* sensorEvents(seed: number, { fromMs, toMs }: Span, everyMs: number): Generator<DemoEvent> {
  const sensors = sensorsOf(seed).map((sensor) => ({ sensor, afterMs: Math.floor(sensor.phase * everyMs) }));
  for (let tickMs = Math.floor(fromMs / everyMs) * everyMs; tickMs < toMs; tickMs += everyMs)
    for (const { sensor, afterMs } of sensors) {
      const timeMs = tickMs + afterMs;
      if (timeMs >= fromMs && timeMs < toMs) yield sensorEvent(seed, sensor, timeMs);
    }
}

function meterEvent(seed: number, meter: Meter, endMs: number): DemoEvent {
  const timeMs = endMs + meter.reportsAfterMs;
  const value = JSON.stringify({
    event_id: `${meter.id}_${endMs / 1000}`,
    meter_id: meter.id,
    customer_id: meter.customerId,
    reading: meterReading(seed, meter, endMs),
    unit: meter.unit,
    timestamp: new Date(timeMs).toISOString(),
  });
  return { key: meter.id, timeMs, value };
}

/** Reports of all meters, each once in 15 minutes. */
export function* meterEvents(seed: number, { fromMs, toMs }: Span): Generator<DemoEvent> {
  const meters = metersOf(seed);
  for (let endMs = Math.floor(fromMs / INTERVAL_MS) * INTERVAL_MS; endMs < toMs; endMs += INTERVAL_MS)
    for (const meter of meters) {
      const timeMs = endMs + meter.reportsAfterMs;
      if (timeMs >= fromMs && timeMs < toMs) yield meterEvent(seed, meter, endMs);
    }
}

/** The weather of all stations, once in `everyMs`. */
export function* weatherEvents(seed: number, { fromMs, toMs }: Span, everyMs: number): Generator<DemoEvent> {
  for (let timeMs = Math.ceil(fromMs / everyMs) * everyMs; timeMs < toMs; timeMs += everyMs)
    for (const station of stations) {
      const message = weatherMessage(seed, station, timeMs, scheduledEventId(station, timeMs));
      yield { key: "weather", timeMs, value: JSON.stringify(message) };
    }
}
