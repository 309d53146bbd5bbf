// Taking in events over HTTP. What is accepted here is exactly what the aggregating functions will count: the event
// to be sent is read by the stream's own decoder first.

import { randomUUID } from "node:crypto";
import { formatInstant } from "../core/instant.ts";
import type { EventProducer, OutgoingRecord } from "../kafka/produce.ts";
import { BY_INGEST, TIMESTAMP_BY } from "../streams/consumption.ts";
import { isJsonObject, type JsonObject, MAX_DEVICE_ID, MAX_EVENT_ID, readText } from "../streams/fields.ts";
import { isRefusal } from "../streams/refusal.ts";
import type { Event, Stream } from "../streams/stream.ts";
import { type App, createApp } from "./app.ts";
import { RefusedRequestError, readJson } from "./body.ts";
import { explanationOf } from "./explanations.ts";

export interface IngestDependencies {
  readonly producer: EventProducer;
  readonly topic: string;
  /** ms since the epoch. */
  readonly now: () => number;
  /** An event this far ahead of the clock is refused, as PostgreSQL would later by its own. */
  readonly futureSkewUs: number;
}

const MAX_EVENTS = 500;

/** How an event of a kind comes over HTTP. */
interface Kind {
  readonly path: string;
  /** Names the device; key of the record. */
  readonly device: string;
  /** Apart from the device. */
  readonly required: readonly string[];
  /** The fields of the event apart from its identity, device and time. */
  readonly fieldsOf: (fields: JsonObject) => JsonObject;
}

const sensorKind: Kind = {
  path: "/api/v1/ingest/sensor",
  device: "sensor_id",
  required: ["sensor_type", "value", "location"],
  fieldsOf: ({ sensor_type, value, location, metadata }) => ({
    ...{ sensor_type, value, location },
    ...(metadata === undefined ? {} : { metadata }),
  }),
};

const meterKind: Kind = {
  path: "/api/v1/ingest/meter",
  device: "meter_id",
  required: ["customer_id", "reading"],
  fieldsOf: ({ customer_id, reading, unit }) => ({ customer_id, reading, unit: unit ?? "kWh" }),
};

/** @param where a prefix for the messages about an event of an array: `events[3]: ` */
function checkFields(body: unknown, required: readonly string[], where: string): JsonObject {
  if (!isJsonObject(body)) throw new RefusedRequestError(400, `${where}Expected a JSON object`);
  for (const field of required)
    if (!Object.hasOwn(body, field) || body[field] === null || body[field] === undefined)
      throw new RefusedRequestError(400, `${where}Missing required field: ${field}`);
  return body;
}

function invalid(field: string | null, explanation: string, where: string): RefusedRequestError {
  return new RefusedRequestError(400, `${where}Invalid field: ${field ?? "event"} is ${explanation}`);
}

/** A field's text. @throws RefusedRequestError for everything else: an identity is never rewritten */
function textOf(fields: JsonObject, field: string, maxLength: number, where: string): string {
  const text = readText(fields, field, maxLength);
  if (typeof text === "object") throw invalid(field, explanationOf(text, fields), where);
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

/** The event as the record's value. @throws RefusedRequestError where it is nested deeper than JSON can be written */
function writeJson(event: object, where: string): string {
  try {
    return JSON.stringify(event);
  } catch (error) {
    // What came as JSON has no circle: only its depth can be the reason.
    if (error instanceof RangeError) throw new RefusedRequestError(400, `${where}Nested too deep`);
    throw error;
  }
}

/**
 * The app that takes in events of one kind, one by one or an array of up to 500. All are checked before any is sent;
 * after a 503 the caller sends them all again, and those with an `event_id` of the caller's are counted once where the
 * stream does so.
 */
function ingestApp<E extends Event, P>(
  kind: Kind,
  stream: Stream<E, P>,
  { producer, topic, now, futureSkewUs }: IngestDependencies,
): App {
  function readEvent(
    body: unknown,
    nowMs: number,
    where: string,
  ): { eventId: string; record: OutgoingRecord } {
    const fields = checkFields(body, [kind.device, ...kind.required], where);
    const device = textOf(fields, kind.device, MAX_DEVICE_ID, where);
    const eventId = eventIdOf(fields, device, nowMs, where);
    const isTimed = fields.timestamp !== undefined && fields.timestamp !== null;
    const event = {
      event_id: eventId,
      [kind.device]: device,
      ...kind.fieldsOf(fields),
      // The time of a send is no content of the event's: sent again it has another.
      ...(isTimed ? {} : { [TIMESTAMP_BY]: BY_INGEST }),
      timestamp: isTimed ? fields.timestamp : new Date(nowMs).toISOString(),
    };
    const value = writeJson(event, where);
    const decoded = stream.decode(Buffer.from(value));
    if (isRefusal(decoded)) throw invalid(decoded.field, explanationOf(decoded, fields), where);
    if (decoded.timeUs > nowMs * 1000 + futureSkewUs)
      throw invalid(
        "timestamp",
        `in the future: ${formatInstant(decoded.timeUs)} is more than ${futureSkewUs / 1e6} s (FUTURE_SKEW_SECONDS) ahead of ${formatInstant(nowMs * 1000)}`,
        where,
      );
    return { eventId, record: { key: device, value } };
  }

  const app = createApp();
  app.post(kind.path, async (c) => {
    const body = await readJson(c.req);
    const nowMs = now();
    if (!Array.isArray(body)) {
      const { eventId, record } = readEvent(body, nowMs, "");
      const [placement] = await producer.send(topic, [record]);
      const { partition, offset } = placement ?? {};
      return c.json({ status: "success", event_id: eventId, kafka_topic: topic, partition, offset }, 201);
    }
    if (body.length === 0 || body.length > MAX_EVENTS)
      throw new RefusedRequestError(400, `Expected 1 to ${MAX_EVENTS} events, got ${body.length}`);
    const events = body.map((item: unknown, i) => readEvent(item, nowMs, `events[${i}]: `));
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

/** `POST /api/v1/ingest/sensor`: measured values. @param stream in the zone of its time stamps */
export function ingestSensorApp<E extends Event, P>(stream: Stream<E, P>, dependencies: IngestDependencies) {
  return ingestApp(sensorKind, stream, dependencies);
}

/** `POST /api/v1/ingest/meter`: meter readings. @param stream in the zone of its time stamps */
export function ingestMeterApp<E extends Event, P>(stream: Stream<E, P>, dependencies: IngestDependencies) {
  return ingestApp(meterKind, stream, dependencies);
}
