// Taking in events over HTTP. What is accepted here is exactly what the aggregating functions will count: the event
// to be sent is read by the stream's own decoder first.

import { randomUUID } from "node:crypto";
import { readableTimes } from "../core/written-time.ts";
import type { EventProducer, OutgoingRecord } from "../kafka/produce.ts";
import { consumptionStream } from "../streams/consumption.ts";
import { isJsonObject, type JsonObject, MAX_DEVICE_ID, MAX_EVENT_ID, readText } from "../streams/fields.ts";
import { isRefusal, type Refusal, type RefusalReason } from "../streams/refusal.ts";
import { sensorStream } from "../streams/sensor.ts";
import type { Event } from "../streams/stream.ts";
import { type App, BadRequestError, createApp, readJson } from "./app.ts";

export interface IngestDependencies {
  readonly producer: EventProducer;
  readonly topic: string;
  /** ms since the epoch. */
  readonly now: () => number;
}

const MAX_EVENTS = 500;

const explanations: Readonly<Record<RefusalReason, string>> = {
  null_value: "no event",
  empty_value: "no event",
  invalid_utf8: "not UTF-8",
  malformed_json: "not JSON",
  not_an_object: "not a JSON object",
  missing_field: "missing",
  wrong_type: "of the wrong type",
  empty_text: "empty",
  text_too_long: "too long",
  invalid_text: "text that cannot be stored (NUL or a lone surrogate)",
  out_of_range: "out of range",
  unknown_unit: "not one of kWh, Wh, MWh",
  invalid_timestamp: `no time that can be read: expected ${readableTimes}`,
  ambiguous_timestamp: "a local time that its zone's clocks show twice: add the offset, such as +01:00",
  nonexistent_timestamp: "a local time that its zone's clocks leave out: add the offset, such as +01:00",
  in_future: "in the future",
};

/** A prefix for the messages about an event of an array: `events[3]: `. */
function checkFields(body: unknown, required: readonly string[], where: string): JsonObject {
  if (!isJsonObject(body)) throw new BadRequestError(`${where}Expected a JSON object`);
  for (const field of required)
    if (!Object.hasOwn(body, field) || body[field] === null || body[field] === undefined)
      throw new BadRequestError(`${where}Missing required field: ${field}`);
  return body;
}

function refused({ field, refused: reason }: Refusal, where: string): BadRequestError {
  return new BadRequestError(`${where}Invalid field: ${field ?? "event"} is ${explanations[reason]}`);
}

function checkDecodable(decode: (value: Buffer) => Event | Refusal, value: string, where: string): void {
  const decoded = decode(Buffer.from(value));
  if (isRefusal(decoded)) throw refused(decoded, where);
}

/** A field's text. @throws BadRequestError for everything else: an identity is never rewritten */
function textOf(fields: JsonObject, field: string, maxLength: number, where: string): string {
  const text = readText(fields, field, maxLength);
  if (typeof text === "object") throw refused(text, where);
  return text;
}

/**
 * The caller's event id, or one that begins as the existing producers make it (the device and Unix seconds with a
 * fraction) and is unique: two events of one instant are two events.
 */
function eventIdOf(fields: JsonObject, device: string, nowMs: number, where: string): string {
  if (fields.event_id !== undefined && fields.event_id !== null)
    return textOf(fields, "event_id", MAX_EVENT_ID, where);
  return `${device}_${(nowMs / 1000).toFixed(6)}_${randomUUID()}`;
}

/** The event as the record's value. @throws BadRequestError where it is nested deeper than JSON can be written */
function writeJson(event: object, where: string): string {
  try {
    return JSON.stringify(event);
  } catch (error) {
    // What came as JSON has no circle: only its depth can be the reason.
    if (error instanceof RangeError) throw new BadRequestError(`${where}Nested too deep`);
    throw error;
  }
}

function sensorEvent(body: unknown, nowMs: number): { eventId: string; record: OutgoingRecord } {
  const fields = checkFields(body, ["sensor_id", "sensor_type", "value", "location"], "");
  const sensorId = textOf(fields, "sensor_id", MAX_DEVICE_ID, "");
  const eventId = eventIdOf(fields, sensorId, nowMs, "");
  const event = {
    event_id: eventId,
    sensor_id: sensorId,
    sensor_type: fields.sensor_type,
    value: fields.value,
    location: fields.location,
    timestamp: fields.timestamp ?? new Date(nowMs).toISOString(),
    ...(fields.metadata === undefined ? {} : { metadata: fields.metadata }),
  };
  const value = writeJson(event, "");
  checkDecodable(sensorStream.decode, value, "");
  return { eventId, record: { key: sensorId, value } };
}

function meterEvent(
  body: unknown,
  nowMs: number,
  where: string,
): { eventId: string; record: OutgoingRecord } {
  const fields = checkFields(body, ["meter_id", "customer_id", "reading"], where);
  const meterId = textOf(fields, "meter_id", MAX_DEVICE_ID, where);
  const eventId = eventIdOf(fields, meterId, nowMs, where);
  const event = {
    event_id: eventId,
    meter_id: meterId,
    customer_id: fields.customer_id,
    reading: fields.reading,
    unit: fields.unit ?? "kWh",
    timestamp: fields.timestamp ?? new Date(nowMs).toISOString(),
  };
  const value = writeJson(event, where);
  checkDecodable(consumptionStream.decode, value, where);
  return { eventId, record: { key: meterId, value } };
}

/** `POST /api/v1/ingest/sensor`: one sensor reading. */
export function ingestSensorApp({ producer, topic, now }: IngestDependencies): App {
  const app = createApp();
  app.post("/api/v1/ingest/sensor", async (c) => {
    const { eventId, record } = sensorEvent(await readJson(c.req), now());
    const [placement] = await producer.send(topic, [record]);
    return c.json({ status: "success", event_id: eventId, kafka_topic: topic, ...placement }, 201);
  });
  return app;
}

/**
 * `POST /api/v1/ingest/meter`: one meter reading, or an array of up to 500. All are checked before any is sent; after
 * a 503 the caller sends them all again, and those with an `event_id` of the caller's are counted once.
 */
export function ingestMeterApp({ producer, topic, now }: IngestDependencies): App {
  const app = createApp();
  app.post("/api/v1/ingest/meter", async (c) => {
    const body = await readJson(c.req);
    if (!Array.isArray(body)) {
      const { eventId, record } = meterEvent(body, now(), "");
      const [placement] = await producer.send(topic, [record]);
      return c.json({ status: "success", event_id: eventId, kafka_topic: topic, ...placement }, 201);
    }
    if (body.length === 0 || body.length > MAX_EVENTS)
      throw new BadRequestError(`Expected 1 to ${MAX_EVENTS} events, got ${body.length}`);
    const nowMs = now();
    const events = body.map((item: unknown, i) => meterEvent(item, nowMs, `events[${i}]: `));
    await producer.send(
      topic,
      events.map((event) => event.record),
    );
    return c.json(
      {
        status: "success",
        count: events.length,
        event_ids: events.map((event) => event.eventId),
        kafka_topic: topic,
      },
      201,
    );
  });
  return app;
}
