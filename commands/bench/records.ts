// Records for benchmarks: sensor events of about 230 bytes, like those of the other engines' generator, and meter
// readings of which each is a customer's only one in its hour.

import type { LogRecord } from "../../lib/core/log-record.ts";
import type { SourceRecord } from "../../localstack/event-source-mapping/event.ts";

const START_MS = Date.UTC(2026, 0, 15, 10);

/** `count` records from offset `first` on, spread over `sensors` and over an hour of event time per million. */
export function sensorRecords(first: number, count: number, sensors: number): (LogRecord & SourceRecord)[] {
  return Array.from({ length: count }, (_, k) => {
    const offset = first + k;
    const sensor = (offset * 7919) % sensors;
    const id = `sensor_${String(sensor).padStart(6, "0")}`;
    const type = ["voltage", "current", "power", "frequency"][sensor & 3];
    const measured = (200 + Math.abs(Math.sin(offset)) * 60).toFixed(6);
    const timestamp = `${new Date(START_MS + offset * 3.6).toISOString().slice(0, -1)}123`;
    const value =
      `{"event_id":"${id}_${offset}.123456","sensor_id":"${id}","sensor_type":"${type}","value":${measured},` +
      `"location":{"lat":41.000123,"lon":20.000456},"timestamp":"${timestamp}","metadata":{"source":"bench"}}`;
    return {
      offset,
      recordTimeMs: START_MS + offset,
      timestampMs: START_MS + offset,
      timestampType: "CREATE_TIME",
      key: Buffer.from(id),
      value: Buffer.from(value),
      headers: [],
    };
  });
}

/** `count` readings from offset `first` on, each of another customer, one an hour. */
export function meterRecords(first: number, count: number): LogRecord[] {
  return Array.from({ length: count }, (_, k) => {
    const offset = first + k;
    const id = String(offset).padStart(8, "0");
    const value = {
      event_id: `meter_${id}_${offset}`,
      meter_id: `meter_${id}`,
      customer_id: `customer_${id}`,
      reading: 0.25,
      timestamp: new Date(START_MS).toISOString(),
    };
    return { offset, recordTimeMs: START_MS + offset, value: Buffer.from(JSON.stringify(value)) };
  });
}
