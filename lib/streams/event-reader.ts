// Reads events of one stream from the bytes of records, one after another: a cursor, so that nothing is made for an event
// but what somebody asks for. Fields are named by their places in the declaration.

import { isUtf8 } from "node:buffer";
import { type Decimal, doubleOf, type Exact, readExact } from "../core/exact.ts";
import { parseInstant, readInstant, type TimeProblem } from "../core/instant.ts";
import { JsonMembers, NULL, NUMBER, OBJECT, PLAIN_STRING, STRING } from "../core/json-bytes.ts";
import type { FieldRule, StreamRules } from "./declaration.ts";
import { textProblem } from "./fields.ts";
import { type Refusal, type RefusalReason, refuse } from "./refusal.ts";

/** The value by which HTTP says that an event's time is of its own making. */
export const BY_INGEST = "ingest";

/** What is kept of an event, by name. */
export interface EventFields {
  [name: string]: Exact | string | boolean | null;
}

const LONGEST_UNIT = 20;
const LATITUDE = 0;
const LONGITUDE = 1;

const timeRefusals: Readonly<Record<TimeProblem, RefusalReason>> = {
  unreadable: "invalid_timestamp",
  ambiguous: "ambiguous_timestamp",
  nonexistent: "nonexistent_timestamp",
};

interface Unit {
  readonly name: string;
  /** Power of ten that leads to the unit that is summed. */
  readonly power: number;
}

const noUnit: Unit = { name: "", power: 0 };

/** A field with its rule. All have one shape: V8 reads them fastest. */
interface Field {
  readonly kind: FieldRule["kind"];
  /** Its name in the JSON object, and in the event; null where it is not kept. */
  readonly name: string;
  readonly as: string | null;
  readonly asPlace: readonly [string, string] | null;
  readonly mayBeMissing: boolean;
  /** Of a text. */
  readonly longest: number;
  /** Of a number. */
  readonly min: number;
  readonly max: number;
  /** The field with a number's unit; −1 without one. */
  readonly unitField: number;
  /** The usual one first. */
  readonly units: readonly Unit[];
}

function fieldOf(rule: FieldRule, unitField: number): Field {
  const { kind, field: name } = rule;
  return {
    kind,
    name,
    as: "as" in rule && typeof rule.as === "string" ? rule.as : null,
    asPlace: kind === "place" ? (rule.as ?? null) : null,
    mayBeMissing: kind === "unit" || kind === "stamp" || ("optional" in rule && rule.optional === true),
    longest: kind === "text" ? rule.longest : LONGEST_UNIT,
    min: kind === "number" ? rule.min : 0,
    max: kind === "number" ? rule.max : 0,
    unitField,
    units: kind === "unit" ? Object.entries(rule.powers).map(([name, power]) => ({ name, power })) : [],
  };
}

/** Another one in each process, so that nobody can prepare keys that all meet in one place of a table. */
const HASH_SEED = Math.floor(Math.random() * 2 ** 32);

/** The place of the field that is kept under a name. @throws Error where none is */
export function placeOf({ stream, fields }: StreamRules, name: string): number {
  const place = fields.findIndex((rule) => "as" in rule && rule.as === name);
  if (place < 0) throw new Error(`the stream ${stream.name} keeps no field as ${name}`);
  return place;
}

export class EventReader {
  /** Event time, whole µs since the epoch. */
  timeUs = 0;
  /** After `readKey`: the texts of the event's key as UTF-8 with NUL between them, how many bytes that is, and their hash. */
  keyBytes: Buffer = Buffer.alloc(64);
  keyLength = 0;
  keyHash = 0;
  readonly #fields: readonly Field[];
  readonly #keyFields: readonly number[];
  readonly #identityFields: readonly number[] | null;
  readonly #members: JsonMembers;
  readonly #placeMembers: readonly JsonMembers[];
  // Of each field the value that its kind has.
  readonly #doubles: Float64Array;
  /** Numbers that a double does not hold. */
  readonly #longs: (Decimal | null)[];
  readonly #places: { latitude: number; longitude: number }[];
  readonly #units: Unit[];
  readonly #texts: string[];
  #value: Buffer = Buffer.alloc(0);

  /** @throws Error where the declaration names a field that it does not keep, or a key that is no text */
  constructor(rules: StreamRules) {
    const { stream, fields, identity, key, columns } = rules;
    this.#fields = fields.map((rule) => {
      const of = rule.kind === "number" ? rule.as : undefined;
      const unit = columns.find((column) => column.of === of && column.in !== undefined)?.in;
      return fieldOf(rule, unit === undefined ? -1 : placeOf(rules, unit));
    });
    this.#keyFields = key?.columns.map(({ of }) => placeOf(rules, of)) ?? [];
    if (this.#keyFields.some((place) => fields[place]?.kind !== "text"))
      throw new Error(`the stream ${stream.name} has a key that is no text`);
    this.#identityFields = identity?.map((name) => fields.findIndex(({ field }) => field === name)) ?? null;
    const inner = new Map<string, JsonMembers>();
    this.#placeMembers = this.#fields.map(({ kind, name }) => {
      const members = new JsonMembers(["lat", "lon"]);
      if (kind === "place") inner.set(name, members);
      return members;
    });
    this.#members = new JsonMembers(
      fields.map(({ field }) => field),
      inner,
    );
    this.#doubles = new Float64Array(fields.length);
    this.#longs = fields.map(() => null);
    this.#places = fields.map(() => ({ latitude: 0, longitude: 0 }));
    this.#units = fields.map(() => noUnit);
    this.#texts = fields.map(() => "");
  }

  /**
   * Reads the value of a record. Never throws for bad data. A byte order mark is malformed JSON; of duplicate keys the
   * last one counts, as in `JSON.parse`.
   * @param zone in which a time stamp without a zone is written: an IANA name or a fixed offset
   * @returns why it is no event; null where it is one, which the reader then holds until it reads the next
   */
  read(value: Buffer, zone: string): Refusal | null {
    if (value.length === 0) return refuse("empty_value");
    this.#value = value;
    const malformed = this.#members.scan(value);
    if (malformed !== null || this.#members.hasWideBytes) {
      if (!isUtf8(value)) return refuse("invalid_utf8");
      if (malformed !== null) return refuse(malformed);
    }
    for (let i = 0; i < this.#fields.length; i++) {
      const field = this.#fields[i];
      const problem = field === undefined ? null : this.#readField(field, i, zone);
      if (problem !== null) return typeof problem === "string" ? refuse(problem, field?.name) : problem;
    }
    return null;
  }

  /** @returns why the field breaks its rule, or null */
  #readField(field: Field, i: number, zone: string): RefusalReason | Refusal | null {
    if ((this.#members.kinds[i] ?? NULL) <= NULL) {
      if (field.kind === "unit") this.#units[i] = field.units[0] ?? noUnit;
      return field.mayBeMissing ? null : "missing_field";
    }
    switch (field.kind) {
      case "text":
        return this.#readText(i, field.longest);
      case "number": {
        const number = this.#numberIn(this.#members, i, field.min, field.max);
        if (typeof number === "string") return number;
        if (typeof number === "number") this.#doubles[i] = number;
        this.#longs[i] = typeof number === "number" ? null : number;
        return null;
      }
      case "unit":
        return this.#readUnit(field, i);
      case "instant":
        return this.#readInstant(i, zone);
      case "place":
        return this.#readPlace(field.name, i);
      case "stamp":
        return null;
    }
  }

  #readText(i: number, longest: number): RefusalReason | null {
    const kind = this.#members.kinds[i];
    if (kind === PLAIN_STRING) {
      const length = (this.#members.ends[i] ?? 0) - (this.#members.starts[i] ?? 0);
      return length === 0 ? "empty_text" : length > longest ? "text_too_long" : null;
    }
    if (kind !== STRING) return "wrong_type";
    const text = this.#members.text(i);
    this.#texts[i] = text;
    return textProblem(text, longest);
  }

  #numberIn(members: JsonMembers, i: number, min: number, max: number): Exact | RefusalReason {
    if (members.kinds[i] !== NUMBER)
      return (members.kinds[i] ?? NULL) <= NULL ? "missing_field" : "wrong_type";
    const number = readExact(this.#value, members.starts[i] ?? 0, members.ends[i] ?? 0);
    if (number === null) return "out_of_range";
    const double = typeof number === "number" ? number : doubleOf(number);
    return double >= min && double <= max ? number : "out_of_range";
  }

  #readUnit({ units }: Field, i: number): RefusalReason | null {
    const problem = this.#readText(i, LONGEST_UNIT);
    if (problem !== null) return problem;
    const text = this.#members.text(i);
    const unit = units.find(({ name }) => name === text);
    this.#units[i] = unit ?? noUnit;
    return unit === undefined ? "unknown_unit" : null;
  }

  #readInstant(i: number, zone: string): RefusalReason | null {
    const { kinds, starts, ends } = this.#members;
    const kind = kinds[i];
    if (kind !== PLAIN_STRING && kind !== STRING) return "wrong_type";
    const time =
      kind === PLAIN_STRING
        ? readInstant(this.#value, starts[i] ?? 0, ends[i] ?? 0, zone)
        : parseInstant(this.#members.text(i), zone);
    if (typeof time === "string") return timeRefusals[time];
    this.timeUs = time;
    return null;
  }

  #readPlace(name: string, i: number): RefusalReason | Refusal | null {
    const place = this.#places[i];
    const members = this.#placeMembers[i];
    if (this.#members.kinds[i] !== OBJECT || place === undefined || members === undefined)
      return "wrong_type";
    const latitude = this.#numberIn(members, LATITUDE, -90, 90);
    if (typeof latitude === "string") return refuse(latitude, `${name}.lat`);
    const longitude = this.#numberIn(members, LONGITUDE, -180, 180);
    if (typeof longitude === "string") return refuse(longitude, `${name}.lon`);
    place.latitude = doubleOf(latitude);
    place.longitude = doubleOf(longitude);
    return null;
  }

  /** The value of a number's field. */
  exact(field: number): Exact {
    return this.#longs[field] ?? this.#doubles[field] ?? 0;
  }

  /** By which power of ten a number has to be multiplied, by the unit that it came in. */
  power(field: number): number {
    const unitField = this.#fields[field]?.unitField ?? -1;
    return unitField < 0 ? 0 : (this.#units[unitField]?.power ?? 0);
  }

  /** The text of a field; null where it is absent. */
  text(field: number): string | null {
    const kind = this.#members.kinds[field] ?? NULL;
    if (kind <= NULL) return null;
    return kind === PLAIN_STRING ? this.#members.text(field) : (this.#texts[field] ?? null);
  }

  /** Makes `keyBytes`, by which events of one key are known: the same for a text with escapes and without. */
  readKey(): void {
    let at = 0;
    let hash = HASH_SEED; // FNV-1a
    for (let k = 0; k < this.#keyFields.length; k++) {
      const field = this.#keyFields[k] ?? 0;
      const isPlain = this.#members.kinds[field] === PLAIN_STRING;
      const bytes = isPlain ? this.#value : Buffer.from(this.text(field) ?? "");
      const from = isPlain ? (this.#members.starts[field] ?? 0) : 0;
      const to = isPlain ? (this.#members.ends[field] ?? 0) : bytes.length;
      if (at + to - from + 1 > this.keyBytes.length)
        this.keyBytes = Buffer.concat([this.keyBytes], 2 * (at + to - from + 1));
      if (k > 0) this.keyBytes[at++] = 0;
      for (let i = from; i < to; i++) {
        const byte = bytes[i] ?? 0;
        this.keyBytes[at++] = byte;
        hash = Math.imul(hash ^ byte, 0x01000193);
      }
    }
    this.keyLength = at;
    this.keyHash = hash;
  }

  /** The texts of the event's key. */
  key(): string[] {
    return this.#keyFields.map((field) => this.text(field) ?? "");
  }

  /** The texts by which a producer's retry is known, with NUL between them; null where the event lacks one of them. */
  identity(): string | null {
    if (this.#identityFields === null) return null;
    let identity = "";
    for (let k = 0; k < this.#identityFields.length; k++) {
      const field = this.#identityFields[k] ?? 0;
      const place = this.#fields[field]?.kind === "place" ? this.#places[field] : undefined;
      const part = place === undefined ? this.text(field) : `${place.latitude} ${place.longitude}`;
      if (part === null) return null;
      identity = k === 0 ? part : `${identity}\0${part}`;
    }
    return identity;
  }

  /** Everything that is kept of the event, by name. */
  fields(): EventFields {
    const fields: EventFields = {};
    for (const [i, { kind, as, asPlace }] of this.#fields.entries()) {
      if (asPlace !== null) {
        const place = this.#members.kinds[i] === OBJECT ? this.#places[i] : undefined;
        fields[asPlace[0]] = place?.latitude ?? null;
        fields[asPlace[1]] = place?.longitude ?? null;
      }
      if (as === null) continue;
      if (kind === "number") fields[as] = this.exact(i);
      else if (kind === "unit") fields[as] = this.#units[i]?.name ?? null;
      else fields[as] = kind === "stamp" ? this.text(i) === BY_INGEST : this.text(i);
    }
    return fields;
  }
}
