// Taking in events over HTTP. What is accepted here is exactly what the aggregating functions will count: the event
// to be sent is read by the stream's own decoder first.

import { randomUUID } from "node:crypto";
import { formatInstant } from "../core/instant.ts";
import type { EventProducer, OutgoingRecord } from "../kafka/produce.ts";
import type { FieldRule, StreamRules } from "../streams/declaration.ts";
import { BY_INGEST } from "../streams/event-reader.ts";
import { isJsonObject, type JsonObject, MAX_EVENT_ID, textProblem } from "../streams/fields.ts";
import { isRefusal, refuse } from "../streams/refusal.ts";
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

/** How events of a stream come over HTTP. */
interface Entry {
  readonly path: string;
  /** Names the device; key of the record. */
  readonly device: string;
  readonly longestDevice: number;
  /** The device first. */
  readonly required: readonly string[];
  /** The fields of the event apart from its identity, device and time. */
  readonly fieldsOf: (fields: JsonObject) => JsonObject;
}

function longestOf(fields: readonly FieldRule[], text: string): number {
  for (const rule of fields) if (rule.kind === "text" && rule.field === text) return rule.longest;
  throw new Error(`${text} is no text with a length`);
}

function entryOf({ fields, http }: StreamRules): Entry {
  if (http === undefined) throw new Error("this stream's events do not come over HTTP");
  const { path, device, also, free } = http;
  const isOwn = ({ field, kind }: FieldRule) =>
    kind === "instant" || kind === "stamp" || field === "event_id" || field === device;
  const passed = fields.filter((rule) => !isOwn(rule));
  const isRequired = (rule: FieldRule) => !("optional" in rule) && rule.kind !== "unit";
  return {
    path,
    device,
    longestDevice: longestOf(fields, device),
    required: [device, ...passed.filter(isRequired).map(({ field }) => field), ...also],
    fieldsOf: (event) =>
      Object.fromEntries([
        ...passed.map((rule) => [
          rule.field,
          event[rule.field] ?? (rule.kind === "unit" ? Object.keys(rule.powers)[0] : event[rule.field]),
        ]),
        ...free.map((field) => [field, event[field]]),
      ]),
  };
}

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
function textOf(
  rules: StreamRules,
  fields: JsonObject,
  field: string,
  longest: number,
  where: string,
): string {
  const text = fields[field];
  const problem = typeof text === "string" ? textProblem(text, longest) : "wrong_type";
  if (typeof text !== "string" || problem !== null)
    throw invalid(field, explanationOf(refuse(problem ?? "wrong_type", field), fields, rules), where);
  return text;
}

/**
 * The caller's event id, or one that begins as the existing producers make it (the device and Unix seconds with a
 * fraction) and is unique: two events of one instant are two events.
 */
function eventIdOf(
  rules: StreamRules,
  fields: JsonObject,
  device: string,
  nowMs: number,
  where: string,
): string {
  if (fields.event_id !== undefined && fields.event_id !== null)
    return textOf(rules, fields, "event_id", MAX_EVENT_ID, where);
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
 * The app that takes in events of one stream, one by one or an array of up to 500. All are checked before any is sent;
 * after a 503 the caller sends them all again, and those with an `event_id` of the caller's are counted once where the
 * stream does so.
 * @param stream of these rules, in the zone of its time stamps
 * @throws Error where the stream declares no way over HTTP
 */
export function ingestApp<E extends Event>(
  rules: StreamRules,
  stream: Stream<E>,
  { producer, topic, now, futureSkewUs }: IngestDependencies,
): App {
  const entry = entryOf(rules);

  function readEvent(
    body: unknown,
    nowMs: number,
    where: string,
  ): { eventId: string; record: OutgoingRecord } {
    const fields = checkFields(body, entry.required, where);
    const device = textOf(rules, fields, entry.device, entry.longestDevice, where);
    const eventId = eventIdOf(rules, fields, device, nowMs, where);
    const isTimed = fields.timestamp !== undefined && fields.timestamp !== null;
    const event = {
      event_id: eventId,
      [entry.device]: device,
      ...entry.fieldsOf(fields),
      // The time of a send is no content of the event's: sent again it has another.
      ...(isTimed ? {} : { timestamp_by: BY_INGEST }),
      timestamp: isTimed ? fields.timestamp : new Date(nowMs).toISOString(),
    };
    const value = writeJson(event, where);
    const decoded = stream.decode(Buffer.from(value));
    if (isRefusal(decoded)) throw invalid(decoded.field, explanationOf(decoded, fields, rules), where);
    if (decoded.timeUs > nowMs * 1000 + futureSkewUs)
      throw invalid(
        "timestamp",
        `in the future: ${formatInstant(decoded.timeUs)} is more than ${futureSkewUs / 1e6} s (FUTURE_SKEW_SECONDS) ahead of ${formatInstant(nowMs * 1000)}`,
        where,
      );
    return { eventId, record: { key: device, value } };
  }

  const app = createApp();
  app.post(entry.path, async (c) => {
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
