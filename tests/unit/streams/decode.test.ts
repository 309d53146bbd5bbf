// Each field's written rule, and the reason for which a record that breaks it is refused.
import { describe, expect, test } from "vitest";
import { parseInstant } from "../../../lib/core/instant.ts";
import { isRefusal } from "../../../lib/streams/refusal.ts";
import { byStream, inZone } from "../../../lib/streams/stream.ts";
import { consumptionStream, sensorStream, weatherStream } from "../../../lib/streams/streams.ts";

const sensor = {
  event_id: "s-1_1768473000.123456",
  sensor_id: "s-1",
  sensor_type: "voltage",
  value: 231.25,
  location: { lat: 41.33, lon: 19.82 },
  timestamp: "2026-01-15T10:30:00.123456",
  metadata: { unit: "V" },
};
const meter = {
  event_id: "m-1_1",
  meter_id: "m-1",
  customer_id: "c-1",
  reading: 0.25,
  unit: "kWh",
  timestamp: "2026-01-15T10:30:00Z",
};
const weather = {
  timestamp: "2026-01-15T10:30:00Z",
  temperature: 7.5,
  humidity: 80,
  pressure: 1013.2,
  wind_speed: 3.1,
  weather_condition: "Cloudy",
  location: { lat: 41.33, lon: 19.82 },
};

type Decode = (value: Buffer) => object;

function outcome(decode: Decode, value: Buffer | string | object): string {
  const bytes = Buffer.isBuffer(value)
    ? value
    : Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
  const decoded = decode(bytes);
  if (!isRefusal(decoded)) return "valid";
  return decoded.field === null ? decoded.refused : `${decoded.refused} ${decoded.field}`;
}

/** The event's JSON with the text of one field's value replaced, for what JSON.stringify cannot write. */
function withRaw(event: object, field: string, raw: string): string {
  const marker = "\u0001raw\u0001";
  return JSON.stringify({ ...event, [field]: marker }).replace(JSON.stringify(marker), raw);
}

test("a field named refused is a field like any other", () => {
  for (const refused of [null, "wrong_type", 7]) {
    expect(outcome(sensorStream.decode, { ...sensor, refused })).toBe("valid");
    expect(outcome(consumptionStream.decode, { ...meter, refused })).toBe("valid");
    expect(outcome(weatherStream.decode, { ...weather, refused })).toBe("valid");
    expect(outcome(consumptionStream.decode, { refused })).toBe("missing_field event_id");
  }
});

describe("wrong types, NaN, Infinity, 1e400, −0, > 2^53, negative energy, empty or over-long ids, unknown unit, missing fields: a written rule per field; a reason code (sensor events)", () => {
  test("are read with microseconds and without a zone as UTC", () => {
    expect(sensorStream.decode(Buffer.from(JSON.stringify(sensor)))).toEqual({
      timeUs: parseInstant("2026-01-15T10:30:00.123456Z"),
      identity: null,
      sensorId: "s-1",
      sensorType: "voltage",
      value: 231.25,
    });
  });

  test.each<[string, Buffer | string | object]>([
    ["valid", { ...sensor, location: undefined, metadata: undefined }],
    ["valid", { ...sensor, location: null, metadata: null }],
    ["valid", { ...sensor, sensor_type: "gas pressure" }],
    ["valid", { ...sensor, value: -9007199254740991 }],
    ["valid", { ...sensor, value: 1e-30 }],
    ["valid", { ...sensor, value: 9007199254740991 }],
    [
      "valid",
      { ...sensor, event_id: "e".repeat(300), sensor_id: "x".repeat(100), sensor_type: "x".repeat(50) },
    ],
    ["valid", { ...sensor, sensor_id: "__proto__", sensor_type: "constructor" }],
    ["valid", { ...sensor, sensor_id: "'; DROP TABLE ledger; --<script>" }],
    ["valid", withRaw(sensor, "metadata", "[".repeat(10_000) + "]".repeat(10_000))],
    ["valid", `{"value": 1, ${JSON.stringify(sensor).slice(1)}`],
    ["empty_value", ""],
    ["invalid_utf8", Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')])],
    ["malformed_json", "{"],
    ["malformed_json", `\ufeff${JSON.stringify(sensor)}`],
    ["malformed_json", withRaw(sensor, "value", "NaN")],
    ["malformed_json", "not json"],
    ["not_an_object", "[]"],
    ["not_an_object", "null"],
    ["not_an_object", '"text"'],
    ["not_an_object", "[".repeat(10_000) + "]".repeat(10_000)],
    ["missing_field event_id", { ...sensor, event_id: undefined }],
    ["missing_field sensor_id", { ...sensor, sensor_id: null }],
    [
      "missing_field sensor_id",
      withRaw({ ...sensor, sensor_id: undefined }, "__proto__", '{"sensor_id":"inherited"}'),
    ],
    ["missing_field value", { ...sensor, value: undefined }],
    ["missing_field timestamp", { ...sensor, timestamp: undefined }],
    ["wrong_type value", { ...sensor, value: "231.25" }],
    ["wrong_type value", { ...sensor, value: true }],
    ["wrong_type value", { ...sensor, value: [1] }],
    ["wrong_type sensor_id", { ...sensor, sensor_id: 17 }],
    ["wrong_type timestamp", { ...sensor, timestamp: 1768473000 }],
    ["wrong_type location", { ...sensor, location: "41.3,19.8" }],
    ["out_of_range value", withRaw(sensor, "value", "1e400")],
    ["out_of_range value", withRaw(sensor, "value", "-1e400")],
    ["out_of_range value", withRaw(sensor, "value", "9007199254740993")],
    ["out_of_range value", { ...sensor, value: 5e-324 }],
    ["out_of_range location.lat", { ...sensor, location: { lat: 91, lon: 0 } }],
    ["missing_field location.lon", { ...sensor, location: { lat: 41 } }],
    ["empty_text sensor_id", { ...sensor, sensor_id: "" }],
    ["text_too_long sensor_id", { ...sensor, sensor_id: "x".repeat(101) }],
    ["text_too_long sensor_type", { ...sensor, sensor_type: "x".repeat(51) }],
    ["invalid_text sensor_id", { ...sensor, sensor_id: "a\0b" }],
    ["invalid_text sensor_id", { ...sensor, sensor_id: "M\ufffdller" }],
    ["valid", { ...sensor, sensor_id: "Müller" }],
    ["invalid_text sensor_id", withRaw(sensor, "sensor_id", '"\\ud800"')],
    ["invalid_timestamp timestamp", { ...sensor, timestamp: "2026-02-30T00:00:00" }],
    ["invalid_timestamp timestamp", { ...sensor, timestamp: "yesterday" }],
    ["invalid_timestamp timestamp", { ...sensor, timestamp: "1768473000" }],
    ["wrong_type timestamp", { ...sensor, timestamp: 1768473000123 }],
    ["ambiguous_timestamp timestamp", { ...sensor, timestamp: "2026-10-25T02:30[Europe/Paris]" }],
    ["nonexistent_timestamp timestamp", { ...sensor, timestamp: "2026-03-29T02:30[Europe/Paris]" }],
    ["valid", { ...sensor, timestamp: "2026-10-25T02:30+01:00[Europe/Paris]" }],
  ])("%s", (expected, value) => {
    expect(outcome(sensorStream.decode, value)).toBe(expected);
  });

  test("a time without a zone is local time of the zone that the stream is given, one with a zone is not", () => {
    const timeUs = (decode: Decode, event: object) => {
      const decoded = decode(Buffer.from(JSON.stringify(event)));
      return "timeUs" in decoded ? decoded.timeUs : decoded;
    };
    const local = { timestamp: "2026-07-15T10:30:00" };
    const zones = byStream(() => "Europe/Tirane");
    for (const [stream, event] of [
      [inZone(sensorStream, zones), sensor],
      [inZone(consumptionStream, zones), meter],
      [inZone(weatherStream, zones), weather],
    ] as const) {
      expect(timeUs(stream.decode, { ...event, ...local })).toBe(parseInstant("2026-07-15T08:30:00Z"));
      expect(timeUs(stream.decode, { ...event, timestamp: "2026-07-15T10:30:00Z" })).toBe(
        parseInstant("2026-07-15T10:30:00Z"),
      );
      expect(outcome(stream.decode, { ...event, timestamp: "2026-10-25T02:30" })).toBe(
        "ambiguous_timestamp timestamp",
      );
      expect(outcome(stream.decode, { ...event, timestamp: "2026-03-29T02:30" })).toBe(
        "nonexistent_timestamp timestamp",
      );
      expect(outcome(stream.decode, { ...event, timestamp: "2026-02-30T10:30:00" })).toBe(
        "invalid_timestamp timestamp",
      );
    }
  });

  test("negative zero is zero", () => {
    expect(sensorStream.decode(Buffer.from(withRaw(sensor, "value", "-0")))).toMatchObject({ value: 0 });
    const event = sensorStream.decode(Buffer.from(withRaw(sensor, "value", "-0")));
    expect(Object.is("value" in event && event.value, 0)).toBe(true);
  });
});

describe("wrong types, NaN, Infinity, 1e400, −0, > 2^53, negative energy, empty or over-long ids, unknown unit, missing fields: a written rule per field; a reason code (meter readings)", () => {
  test.each<[string, object | string]>([
    ["valid", meter],
    ["valid", { ...meter, unit: undefined }],
    ["valid", { ...meter, unit: "Wh", reading: 250 }],
    ["valid", { ...meter, unit: "MWh", reading: 0.0002 }],
    ["valid", { ...meter, timestamp: "2026-01-15T11:30:00+01:00" }],
    ["valid", { ...meter, timestamp: "2026-01-15T10:30:00" }],
    ["valid", { ...meter, unit: null }],
    ["invalid_timestamp timestamp", { ...meter, timestamp: "2026-01-15T25:00:00Z" }],
    ["missing_field timestamp", { ...meter, timestamp: undefined }],
    ["unknown_unit unit", { ...meter, unit: "kwh" }],
    ["unknown_unit unit", { ...meter, unit: "constructor" }],
    ["wrong_type unit", { ...meter, unit: 1 }],
    ["out_of_range reading", { ...meter, reading: -0.1 }],
    ["out_of_range reading", { ...meter, reading: 1e13 }],
    ["missing_field event_id", { ...meter, event_id: undefined }],
    ["missing_field meter_id", { ...meter, meter_id: undefined }],
    ["missing_field customer_id", { ...meter, customer_id: undefined }],
    ["missing_field reading", { ...meter, reading: null }],
    ["text_too_long customer_id", { ...meter, customer_id: "c".repeat(101) }],
  ])("%s", (expected, value) => {
    expect(outcome(consumptionStream.decode, value)).toBe(expected);
  });
});

describe("wrong types, NaN, Infinity, 1e400, −0, > 2^53, negative energy, empty or over-long ids, unknown unit, missing fields: a written rule per field; a reason code (weather)", () => {
  test.each<[string, object]>([
    ["valid", weather],
    ["valid", { ...weather, weather_condition: "Drizzle" }],
    ["valid", { ...weather, event_id: "w-1" }],
    ["valid", { ...weather, event_id: null }],
    ["not_an_object", [weather]],
    ["invalid_timestamp timestamp", { ...weather, timestamp: "2026-01-15" }],
    ["wrong_type event_id", { ...weather, event_id: 5 }],
    ["missing_field location", { ...weather, location: undefined }],
    ["missing_field temperature", { ...weather, temperature: undefined }],
    ["out_of_range temperature", { ...weather, temperature: 71 }],
    ["out_of_range humidity", { ...weather, humidity: 101 }],
    ["out_of_range pressure", { ...weather, pressure: 299 }],
    ["out_of_range wind_speed", { ...weather, wind_speed: -1 }],
    ["empty_text weather_condition", { ...weather, weather_condition: "" }],
  ])("%s", (expected, value) => {
    expect(outcome(weatherStream.decode, value)).toBe(expected);
  });

  test("is read with its identity, where it has one", () => {
    expect(weatherStream.decode(Buffer.from(JSON.stringify({ ...weather, event_id: "w-1" })))).toEqual({
      timeUs: parseInstant("2026-01-15T10:30:00Z"),
      identity: "41.33 19.82\0w-1",
      latitude: 41.33,
      longitude: 19.82,
      temperatureCelsius: 7.5,
      humidityPercent: 80,
      pressureHpa: 1013.2,
      windMetresPerSecond: 3.1,
      condition: "Cloudy",
    });
    expect(weatherStream.decode(Buffer.from(JSON.stringify(weather)))).toMatchObject({ identity: null });
  });
});
