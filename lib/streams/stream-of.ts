// A stream as it works, made once from its declaration: what reads an event, knows it again, and adds it up.

import { canonicalDecimal } from "../core/exact.ts";
import type { FieldRule, StreamRules } from "./declaration.ts";
import { doubtRules, noDoubts } from "./doubt.ts";
import {
  isAbsent,
  type JsonObject,
  readInstant,
  readNumber,
  readObject,
  readPlace,
  readText,
} from "./fields.ts";
import { isRefusal, type Refusal, refuse } from "./refusal.ts";
import type { Event, Stream, StreamName } from "./stream.ts";
import { type EventFields, type PowerOf, sums, type WindowSums } from "./sums.ts";

/** The value by which HTTP says that an event's time is of its own making. */
export const BY_INGEST = "ingest";

type ValueOf<R> = R extends { kind: "text"; optional: true }
  ? string | null
  : R extends { kind: "text" }
    ? string
    : R extends { kind: "unit"; powers: infer P }
      ? keyof P & string
      : R extends { kind: "stamp" }
        ? boolean
        : number;

/** The decoded event of a declared stream: what is kept of each field, by its name there. */
export type EventOf<R extends StreamRules> = Event & {
  readonly [F in R["fields"][number] as F extends { as: infer A extends string }
    ? A
    : F extends { as: readonly (infer A extends string)[] }
      ? A
      : never]: ValueOf<F>;
};

/** An event while it is read. */
interface Draft extends EventFields {
  timeUs: number;
  identity: string | null;
}

/** Reads one field into the event. @returns null, or why it breaks its rule */
type Step = (object: JsonObject, event: Draft, zone: string | undefined) => Refusal | null;

const LONGEST_UNIT = 20;

function stepOf(rule: FieldRule): Step {
  const { field } = rule;
  if (field in {}) throw new Error(`a field cannot be named ${field}: every object has that`);
  switch (rule.kind) {
    case "text": {
      const { longest, as, optional } = rule;
      return (object, event) => {
        if (optional && isAbsent(object, field)) return null;
        const text = readText(object, field, longest);
        if (typeof text === "object") return text;
        if (as !== undefined) event[as] = text;
        return null;
      };
    }
    case "number": {
      const { min, max, as } = rule;
      return (object, event) => {
        const value = readNumber(object, field, min, max);
        if (typeof value === "object") return value;
        if (as !== undefined) event[as] = value;
        return null;
      };
    }
    case "unit": {
      const { powers, as } = rule;
      const [usual = ""] = Object.keys(powers);
      return (object, event) => {
        const unit = isAbsent(object, field) ? usual : readText(object, field, LONGEST_UNIT);
        if (typeof unit === "object") return unit;
        if (!Object.hasOwn(powers, unit)) return refuse("unknown_unit", field);
        event[as] = unit;
        return null;
      };
    }
    case "instant":
      return (object, event, zone) => {
        const timeUs = readInstant(object, field, zone);
        if (typeof timeUs === "object") return timeUs;
        event.timeUs = timeUs;
        return null;
      };
    case "place": {
      const { as, optional } = rule;
      return (object, event) => {
        if (optional && isAbsent(object, field)) return null;
        const place = readPlace(object, field);
        if (isRefusal(place)) return place;
        if (as !== undefined) {
          event[as[0]] = place.lat;
          event[as[1]] = place.lon;
        }
        return null;
      };
    }
    case "stamp": {
      const { as } = rule;
      return (object, event) => {
        event[as] = object[field] === BY_INGEST;
        return null;
      };
    }
  }
}

/** A field that has been read as a part of the identity; null where the event has none. */
function identityPart(value: unknown): string | null {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null || !("lat" in value && "lon" in value)) return null;
  return `${value.lat} ${value.lon}`;
}

/** One text of the parts, none of which holds NUL; null where one is missing. */
function identityOf(object: JsonObject, fields: readonly string[]): string | null {
  let identity = "";
  for (let i = 0; i < fields.length; i++) {
    const part = identityPart(object[fields[i] ?? ""]);
    if (part === null) return null;
    identity = i === 0 ? part : `${identity}\0${part}`;
  }
  return identity;
}

function decoderOf({ fields, identity }: StreamRules): (bytes: Buffer, zone?: string) => Draft | Refusal {
  const steps = fields.map(stepOf);
  const kept = fields.flatMap((rule) => ("as" in rule ? (rule.as ?? []) : []));
  // Events of one shape: V8 reads them fastest.
  const blank: Draft = { timeUs: 0, identity: null, ...Object.fromEntries(kept.map((name) => [name, null])) };
  return (bytes, zone) => {
    const object = readObject(bytes);
    if (isRefusal(object)) return object;
    const event = { ...blank };
    for (let i = 0; i < steps.length; i++) {
      const refusal = steps[i]?.(object, event, zone) ?? null;
      if (refusal !== null) return refusal;
    }
    if (identity !== null) event.identity = identityOf(object, identity);
    return event;
  };
}

/** By which power of ten a value of the event has to be multiplied; null for one without a unit of its own. */
function powerOf({ fields, columns }: StreamRules, of: string): PowerOf | null {
  const unit = columns.find((column) => column.of === of && column.in !== undefined)?.in;
  const rule = fields.find((field) => field.kind === "unit" && field.as === unit);
  if (rule?.kind !== "unit") return null;
  const { powers, as } = rule;
  return (event) => powers[String(event[as])] ?? 0;
}

function contentReader(rules: StreamRules): (event: EventFields & Event) => string {
  const stamp = rules.fields.find((field) => field.kind === "stamp")?.as;
  const parts = rules.content.map((name) => ({ name, power: powerOf(rules, name) }));
  return (event) => {
    let content = stamp !== undefined && event[stamp] === true ? BY_INGEST : `${event.timeUs}`;
    for (const { name, power } of parts) {
      const value = event[name];
      const isScaled = typeof value === "number" && power !== null;
      content += `\0${isScaled ? canonicalDecimal(value, power(event)) : value}`;
    }
    return content;
  };
}

/**
 * Makes what the declaration says.
 * @returns a stream whose events have the fields of `rules.fields` that are kept
 */
export function streamOf<R extends StreamRules & { readonly stream: { readonly name: StreamName } }>(
  rules: R,
): Stream<EventOf<R>, WindowSums>;
export function streamOf(
  rules: StreamRules & { readonly stream: { readonly name: StreamName } },
): Stream<EventFields & Event, WindowSums> {
  const { stream, doubts, station, key, columns } = rules;
  const keys = key?.columns.map(({ of }) => of) ?? [];
  const [first = null, ...more] = keys.toReversed();
  const steps = columns.map(({ merge, of }) => ({ make: sums[merge], of, powerOf: powerOf(rules, of) }));
  const doubtsOf = doubts === undefined ? () => noDoubts : doubtRules[doubts];
  return {
    name: stream.name,
    windowUs: stream.windowMinutes * 60e6,
    decode: decoderOf(rules),
    contentOf: contentReader(rules),
    doubtsOf,
    ...(station === undefined
      ? {}
      : {
          stationReadingOf: (event) => ({
            latitude: Number(event[station.latitude]),
            longitude: Number(event[station.longitude]),
            celsius: Number(event[station.celsius]),
          }),
        }),
    groupOf(event) {
      if (first === null) return "";
      let group = `${event[first]}`;
      for (const name of more) group += `\0${event[name]}`;
      return group;
    },
    emptyPartial: (event) => ({
      key: keys.map((name) => `${event[name]}`),
      count: 0,
      sums: steps.map(({ make }) => make()),
    }),
    fold(partial, event) {
      partial.count++;
      for (let i = 0; i < steps.length; i++) {
        const step = steps[i];
        if (step !== undefined)
          partial.sums[i]?.add(event[step.of], step.powerOf === null ? 0 : step.powerOf(event));
      }
    },
    parameters: (partials) => [
      ...keys.map((_, i) => partials.map((partial) => partial.key[i] ?? "")),
      partials.map((partial) => partial.count),
      ...columns.map((_, i) => partials.map((partial) => partial.sums[i]?.written() ?? 0)),
    ],
  };
}
