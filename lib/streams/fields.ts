// Reading the fields of a JSON event, each by a written rule. A field that breaks its rule gives a refusal.

import { isUtf8 } from "node:buffer";
import { parseInstant, type TimeProblem } from "../core/instant.ts";
import { type Refusal, type RefusalReason, refuse } from "./refusal.ts";

/** Of `event_id`; UTF-16 units. */
export const MAX_EVENT_ID = 300;

export type JsonObject = { readonly [field: string]: unknown };

/**
 * Reads a record's value as one JSON object. A byte order mark is malformed JSON; of duplicate keys the last
 * one counts, as in `JSON.parse`.
 */
export function readObject(value: Buffer): JsonObject | Refusal {
  if (value.length === 0) return refuse("empty_value");
  if (!isUtf8(value)) return refuse("invalid_utf8");
  let parsed: unknown;
  try {
    parsed = JSON.parse(value.toString("utf8"));
  } catch {
    // JSON.parse throws for malformed text only, and that is what the refusal says.
    return refuse("malformed_json");
  }
  return isJsonObject(parsed) ? parsed : refuse("not_an_object");
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The field's value; one that is absent or null is missing. Objects of JSON inherit nothing but what every object has, and no
 * stream declares a field of such a name (stream-of.ts sees to it).
 */
function own(object: JsonObject, field: string): unknown {
  return object[field] ?? undefined;
}

/** Whether a field is not there, or null. */
export function isAbsent(object: JsonObject, field: string): boolean {
  return own(object, field) === undefined;
}

/**
 * Not with what PostgreSQL cannot store (NUL), UTF-8 cannot write (a lone surrogate), or somebody wrote in the place of
 * bytes that were not UTF-8 (U+FFFD): Müller and Möller would be one.
 */
function isStorable(text: string): boolean {
  return !text.includes("\0") && !text.includes("\ufffd") && text.isWellFormed();
}

/** Text of 1 to `maxLength` characters (UTF-16 units). */
export function readText(object: JsonObject, field: string, maxLength: number): string | Refusal {
  const value = own(object, field);
  if (typeof value === "string") {
    if (value.length === 0) return refuse("empty_text", field);
    if (value.length > maxLength) return refuse("text_too_long", field);
    return isStorable(value) ? value : refuse("invalid_text", field);
  }
  return refuse(value === undefined ? "missing_field" : "wrong_type", field);
}

/** No meter resolves less; smaller numbers would need hundreds of decimals to be summed exactly. */
export const SMALLEST_NUMBER = 1e-30;

/**
 * A number within [min, max], and 0 or at least 1e-30 in size; −0 is 0.
 * `1e400`, which JSON.parse makes Infinity, is out of range.
 */
export function readNumber(object: JsonObject, field: string, min: number, max: number): number | Refusal {
  const value = own(object, field);
  if (typeof value === "number") {
    const inRange = value >= min && value <= max && (value === 0 || Math.abs(value) >= SMALLEST_NUMBER);
    return inRange ? value + 0 : refuse("out_of_range", field);
  }
  return refuse(value === undefined ? "missing_field" : "wrong_type", field);
}

const timeRefusals: Readonly<Record<TimeProblem, RefusalReason>> = {
  unreadable: "invalid_timestamp",
  ambiguous: "ambiguous_timestamp",
  nonexistent: "nonexistent_timestamp",
};

/** A time stamp as µs since the epoch; one without a zone of its own is local time of `zone`. */
export function readInstant(object: JsonObject, field: string, zone: string | undefined): number | Refusal {
  const value = own(object, field);
  if (typeof value === "string") {
    const timeUs = parseInstant(value, zone);
    return typeof timeUs === "number" ? timeUs : refuse(timeRefusals[timeUs], field);
  }
  return refuse(value === undefined ? "missing_field" : "wrong_type", field);
}

export interface Place {
  /** Degrees. */
  readonly lat: number;
  readonly lon: number;
}

/** `{lat, lon}` in degrees. */
export function readPlace(object: JsonObject, field: string): Place | Refusal {
  const place = own(object, field);
  if (place === undefined) return refuse("missing_field", field);
  if (!isJsonObject(place)) return refuse("wrong_type", field);
  const lat = readNumber(place, "lat", -90, 90);
  if (typeof lat === "object") return refuse(lat.refused, `${field}.lat`);
  const lon = readNumber(place, "lon", -180, 180);
  return typeof lon === "object" ? refuse(lon.refused, `${field}.lon`) : { lat, lon };
}
