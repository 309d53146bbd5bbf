// The decoder as it is easiest to understand, over JSON.parse: the judge of the one that reads bytes (fuzz.test.ts).

import { isUtf8 } from "node:buffer";
import { parseInstant } from "../../../lib/core/instant.ts";
import type { FieldRule, StreamRules } from "../../../lib/streams/declaration.ts";
import { digitsOf, numberTextIn, parseNotingNumbers } from "./number-texts.ts";

type JsonObject = { readonly [field: string]: unknown };

/** What is kept of an event by name, numbers as doubles; or why it is none. */
export type Reference =
  | { readonly refused: string; readonly field: string | null }
  | { readonly event: Readonly<Record<string, unknown>> };

class Broken extends Error {
  readonly refused: string;
  readonly field: string | null;
  constructor(refused: string, field: string | null = null) {
    super(refused);
    this.refused = refused;
    this.field = field;
  }
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function readObject(value: Buffer): JsonObject {
  if (value.length === 0) throw new Broken("empty_value");
  if (!isUtf8(value)) throw new Broken("invalid_utf8");
  let parsed: unknown;
  try {
    parsed = parseNotingNumbers(value.toString("utf8"));
  } catch {
    throw new Broken("malformed_json");
  }
  if (!isObject(parsed)) throw new Broken("not_an_object");
  return parsed;
}

function own(object: JsonObject, field: string): unknown {
  return Object.hasOwn(object, field) ? (object[field] ?? undefined) : undefined;
}

function readText(object: JsonObject, field: string, longest: number): string {
  const value = own(object, field);
  if (value === undefined) throw new Broken("missing_field", field);
  if (typeof value !== "string") throw new Broken("wrong_type", field);
  if (value === "") throw new Broken("empty_text", field);
  if (value.length > longest) throw new Broken("text_too_long", field);
  if (/\0|\ufffd/.test(value) || !value.isWellFormed()) throw new Broken("invalid_text", field);
  return value;
}

function readNumber(object: JsonObject, name: string, field: string, min: number, max: number): number {
  const value = own(object, name);
  if (value === undefined) throw new Broken("missing_field", field);
  if (typeof value !== "number") throw new Broken("wrong_type", field);
  const { digits, power } = digitsOf(numberTextIn(object, name));
  const isTaken = power >= -30 && digits + Math.max(0, power) <= 38;
  if (!isTaken || !(value >= min && value <= max)) throw new Broken("out_of_range", field);
  return value + 0;
}

const timeRefusals = {
  unreadable: "invalid_timestamp",
  ambiguous: "ambiguous_timestamp",
  nonexistent: "nonexistent_timestamp",
} as const;

function readField(rule: FieldRule, object: JsonObject, event: Record<string, unknown>): void {
  const { field } = rule;
  const isAbsent = own(object, field) === undefined;
  switch (rule.kind) {
    case "text":
      if (rule.optional && isAbsent) return;
      event[rule.as ?? ""] = readText(object, field, rule.longest);
      return;
    case "number":
      event[rule.as ?? ""] = readNumber(object, field, field, rule.min, rule.max);
      return;
    case "unit": {
      const unit = isAbsent ? Object.keys(rule.powers)[0] : readText(object, field, 20);
      if (!Object.hasOwn(rule.powers, unit ?? "")) throw new Broken("unknown_unit", field);
      event[rule.as] = unit;
      return;
    }
    case "instant": {
      const value = own(object, field);
      if (isAbsent) throw new Broken("missing_field", field);
      if (typeof value !== "string") throw new Broken("wrong_type", field);
      const timeUs = parseInstant(value);
      if (typeof timeUs === "string") throw new Broken(timeRefusals[timeUs], field);
      event.timeUs = timeUs;
      return;
    }
    case "place": {
      if (rule.optional && isAbsent) return;
      if (isAbsent) throw new Broken("missing_field", field);
      const place = own(object, field);
      if (!isObject(place)) throw new Broken("wrong_type", field);
      event[rule.as?.[0] ?? ""] = readNumber(place, "lat", `${field}.lat`, -90, 90);
      event[rule.as?.[1] ?? ""] = readNumber(place, "lon", `${field}.lon`, -180, 180);
      return;
    }
    case "stamp":
      event[rule.as] = own(object, field) === "ingest";
  }
}

function identityOf({ fields, identity }: StreamRules, object: JsonObject): string | null {
  const parts = identity?.map((field) => {
    const value = own(object, field);
    const isPlace = fields.some((rule) => rule.field === field && rule.kind === "place");
    return isPlace && isObject(value) ? `${value.lat} ${value.lon}` : value;
  });
  return parts?.every((part) => typeof part === "string") ? parts.join("\0") : null;
}

export function decodeByReference(rules: StreamRules, value: Buffer): Reference {
  const kept = rules.fields.flatMap((rule) => ("as" in rule ? (rule.as ?? []) : []));
  const event: Record<string, unknown> = Object.fromEntries(kept.map((name) => [name, null]));
  try {
    const object = readObject(value);
    for (const rule of rules.fields) readField(rule, object, event);
    delete event[""]; // what is checked and not kept
    return { event: { ...event, identity: identityOf(rules, object) } };
  } catch (error) {
    if (error instanceof Broken) return { refused: error.refused, field: error.field };
    throw error;
  }
}
