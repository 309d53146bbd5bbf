// Records that are no valid event, each with the reason for which it must stand in quarantine.

import type { StreamName } from "./log.ts";

export interface PoisonRecord {
  readonly value: Buffer | null;
  readonly reason: string;
  readonly field: string | null;
}

type Fields = Readonly<Record<string, unknown>>;

function poison(
  value: Buffer | string | Fields | null,
  reason: string,
  field: string | null = null,
): PoisonRecord {
  if (value === null || Buffer.isBuffer(value)) return { value, reason, field };
  return { value: Buffer.from(typeof value === "string" ? value : JSON.stringify(value)), reason, field };
}

const anywhere: readonly PoisonRecord[] = [
  poison(null, "null_value"),
  poison("", "empty_value"),
  poison("{", "malformed_json"),
  poison("\ufeff{}", "malformed_json"),
  poison("NaN", "malformed_json"),
  poison(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), "invalid_utf8"),
  poison(Buffer.from([0xed, 0xa0, 0x80]), "invalid_utf8"),
  poison("[]", "not_an_object"),
  poison('"text"', "not_an_object"),
  poison("null", "not_an_object"),
  poison("[".repeat(10_000) + "]".repeat(10_000), "not_an_object"),
  poison("[".repeat(10_000), "malformed_json"),
  poison(`"${"x".repeat(1_000_000)}"`, "not_an_object"),
];

const sensor = {
  event_id: "s",
  sensor_id: "s",
  sensor_type: "voltage",
  value: 1,
  timestamp: "2026-01-15T10:30:00",
};
const meter = {
  event_id: "m",
  meter_id: "m",
  customer_id: "c",
  reading: 1,
  timestamp: "2026-01-15T10:30:00Z",
};
const weather = {
  timestamp: "2026-01-15T10:30:00Z",
  temperature: 1,
  humidity: 1,
  pressure: 1000,
  wind_speed: 1,
  weather_condition: "Sunny",
  location: { lat: 41, lon: 20 },
};
const withText = (event: Fields, field: string, json: string) =>
  JSON.stringify({ ...event, [field]: "@" }).replace('"@"', json);

const ofStream: Readonly<Record<StreamName, readonly PoisonRecord[]>> = {
  sensor: [
    poison({ ...sensor, sensor_id: "a\0b" }, "invalid_text", "sensor_id"),
    poison(withText(sensor, "sensor_id", '"\\ud800"'), "invalid_text", "sensor_id"),
    poison({ ...sensor, sensor_id: "x".repeat(101) }, "text_too_long", "sensor_id"),
    poison({ ...sensor, sensor_id: "" }, "empty_text", "sensor_id"),
    poison({ ...sensor, value: "1" }, "wrong_type", "value"),
    poison(withText(sensor, "value", "1e400"), "out_of_range", "value"),
    poison(withText(sensor, "value", "9007199254740993"), "out_of_range", "value"),
    poison({ ...sensor, timestamp: "2026-02-30T00:00:00" }, "invalid_timestamp", "timestamp"),
    poison(`{"__proto__":${JSON.stringify(sensor)}}`, "missing_field", "event_id"),
  ],
  consumption: [
    poison({ ...meter, reading: -0.1 }, "out_of_range", "reading"),
    poison({ ...meter, unit: "constructor" }, "unknown_unit", "unit"),
    poison({ ...meter, customer_id: null }, "missing_field", "customer_id"),
    poison({ ...meter, timestamp: 1_768_473_000 }, "wrong_type", "timestamp"),
  ],
  weather: [
    poison({ ...weather, humidity: 101 }, "out_of_range", "humidity"),
    poison({ ...weather, location: { lat: 41 } }, "missing_field", "location.lon"),
    poison({ ...weather, location: undefined }, "missing_field", "location"),
  ],
};

export function poisonOf(stream: StreamName): readonly PoisonRecord[] {
  return [...anywhere, ...ofStream[stream]];
}
