// A stream as it works, made once from its declaration: what reads an event, knows it again, and adds it up.

import { canonicalDecimal, doubleOf, type Exact, writeExact } from "../core/exact.ts";
import type { StreamRules } from "./declaration.ts";
import { type Doubt, doubtRules, noDoubts } from "./doubt.ts";
import { BY_INGEST, type EventFields, EventReader, placeOf } from "./event-reader.ts";
import { Rows } from "./rows.ts";
import type { Event, Stream, StreamName } from "./stream.ts";
import { columnOf } from "./sums.ts";

type ValueOf<R> = R extends { kind: "text"; optional: true }
  ? string | null
  : R extends { kind: "text" }
    ? string
    : R extends { kind: "unit"; powers: infer P }
      ? keyof P & string
      : R extends { kind: "stamp" }
        ? boolean
        : R extends { kind: "number" }
          ? Exact
          : number;

/** The decoded event of a declared stream: what is kept of each field, by its name there. */
export type EventOf<R extends StreamRules> = Event & {
  readonly [F in R["fields"][number] as F extends { as: infer A extends string }
    ? A
    : F extends { as: readonly (infer A extends string)[] }
      ? A
      : never]: ValueOf<F>;
};

type Fields = EventFields & Event;

const isExact = (value: EventFields[string] | undefined): value is Exact =>
  typeof value === "number" || (typeof value === "object" && value !== null);

const double = (value: EventFields[string] | undefined) => (isExact(value) ? doubleOf(value) : Number.NaN);

/** By which power of ten a value of the event has to be multiplied; null for one without a unit of its own. */
function powerOf({ fields, columns }: StreamRules, of: string): ((event: EventFields) => number) | null {
  const unit = columns.find((column) => column.of === of && column.in !== undefined)?.in;
  const rule = fields.find((field) => field.kind === "unit" && field.as === unit);
  if (rule?.kind !== "unit") return null;
  const { powers, as } = rule;
  return (event) => powers[String(event[as])] ?? 0;
}

function contentReader(rules: StreamRules): (event: Fields) => string {
  const stamp = rules.fields.find((field) => field.kind === "stamp")?.as;
  const parts = rules.content.map((name) => ({ name, power: powerOf(rules, name) }));
  return (event) => {
    let content = stamp !== undefined && event[stamp] === true ? BY_INGEST : `${event.timeUs}`;
    for (const { name, power } of parts) {
      const value = event[name];
      if (!isExact(value)) content += `\0${value}`;
      else content += `\0${power === null ? writeExact(value) : canonicalDecimal(value, power(event))}`;
    }
    return content;
  };
}

/** What is likely to be another unit, by the declaration's rule. An event is made only where something may be. */
function doubtReader(rules: StreamRules): (reader: EventReader, fieldsOf: () => Fields) => readonly Doubt[] {
  const { doubts } = rules;
  if (doubts === undefined) return () => noDoubts;
  const { suspect, doubtsOf } = doubtRules[doubts];
  const field = suspect === undefined ? -1 : placeOf(rules, suspect.of);
  return (reader, fieldsOf) => {
    if (suspect !== undefined && !suspect.mayBeDoubtful(doubleOf(reader.exact(field)))) return noDoubts;
    const event = Object.entries(fieldsOf()).map(([name, value]) => [
      name,
      isExact(value) ? doubleOf(value) : value,
    ]);
    return doubtsOf(Object.fromEntries(event));
  };
}

/**
 * Makes what the declaration says.
 * @returns a stream whose events have the fields of `rules.fields` that are kept
 */
export function streamOf<R extends StreamRules & { readonly stream: { readonly name: StreamName } }>(
  rules: R,
): Stream<EventOf<R>>;
export function streamOf(
  rules: StreamRules & { readonly stream: { readonly name: StreamName } },
): Stream<Fields> {
  const { stream, station, key, columns } = rules;
  const keys = (key?.columns.map(({ of }) => of) ?? []).toReversed();
  const reader = new EventReader(rules);
  const doubtsOf = doubtReader(rules);
  const contentOf = contentReader(rules);
  const eventOf = (): Fields => ({ timeUs: reader.timeUs, identity: reader.identity(), ...reader.fields() });
  const inZone = (zone: string): Stream<Fields> => ({
    name: stream.name,
    windowUs: stream.windowMinutes * 60e6,
    zone,
    inZone,
    reader,
    decode: (value) => reader.read(value, zone) ?? eventOf(),
    eventOf,
    contentOf,
    doubtsOf: () => doubtsOf(reader, eventOf),
    ...(station === undefined
      ? {}
      : {
          stationReadingOf: (event) => ({
            latitude: double(event[station.latitude]),
            longitude: double(event[station.longitude]),
            celsius: double(event[station.celsius]),
          }),
        }),
    groupOf: (event) => keys.map((name) => `${event[name]}`).join("\0"),
    rows: () =>
      new Rows(
        keys.length,
        columns.map(({ merge, of }) => columnOf[merge](placeOf(rules, of))),
      ),
  });
  return inZone("UTC");
}
