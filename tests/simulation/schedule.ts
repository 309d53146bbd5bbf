// What a schedule is: whole numbers, so that fast-check makes and shrinks thousands a second. Each number says by
// its digits what a record, a delivery or an operator's act is; 0 is the simplest of each.

import fc from "fast-check";
import { windowStartUs } from "../../lib/core/window.ts";
import type { StreamRules } from "../../lib/streams/declaration.ts";
import { streamRules } from "../../lib/streams/declared.ts";
import { type StreamName, streamNames } from "../../lib/streams/stream.ts";
import { streams } from "../../lib/streams/streams.ts";
import type { LatenessRules } from "../../lib/windows/commit.ts";
import type { SweepRules } from "../../lib/windows/sweep.ts";

export interface Schedule {
  readonly stream: StreamName;
  readonly partitions: number;
  /** One number per record that producers append. */
  readonly appends: readonly number[];
  /** How many records the pollers take at once, in turn. */
  readonly batchSizes: readonly number[];
  /** Deliveries beside the pollers': repetitions, overlaps, later ranges first. */
  readonly extraDeliveries: readonly number[];
  /** Sweeps of each of two sweepers. */
  readonly sweeps: readonly [number, number];
  /** Retention, partitions added, topic deleted and created again. */
  readonly operations: readonly number[];
  /** Who goes on, how far the clock goes, who dies: see scheduler.ts. */
  readonly choices: readonly number[];
}

const list = (maxLength: number, minLength = 0, most = 0xffff) =>
  fc.array(fc.nat(most), { minLength, maxLength, size: "max" });

/** Steps that the producer leaves to others before a record: late ones must find windows that are final. */
const PATIENCE = [0, 0, 0, 5, 15, 40];
const MOST_RECORD_CODE = 24_576 * PATIENCE.length - 1; // 24,576 = 8 · 4 · 8 · 3 · 8 · 4, see contentOf

/** Streams whose rows have a key. Consumption, which has identities, is the simplest to shrink to. */
export const simulated: readonly StreamName[] = streamNames
  .filter((name) => streamRules[name].key !== null)
  .sort((a, b) => Number(b === "consumption") - Number(a === "consumption"));

export const schedules: fc.Arbitrary<Schedule> = fc.record({
  stream: fc.constantFrom(...simulated),
  partitions: fc.integer({ min: 1, max: 3 }),
  appends: list(12, 1, MOST_RECORD_CODE),
  batchSizes: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }),
  extraDeliveries: list(3),
  sweeps: fc.tuple(fc.nat(6), fc.nat(3)),
  operations: list(2),
  choices: list(120),
});

/** Times in fifths of the stream's window, so that windows, delays and clocks are of one size. */
export function rulesOf(unitUs: number): LatenessRules & SweepRules {
  return { delayUs: unitUs, idleUs: 2 * unitUs, futureSkewUs: 2 * unitUs, amendmentHorizonUs: 10 * unitUs };
}

/** How the events of a stream are made, by its declaration. */
function fieldsOf({ fields, key, columns }: StreamRules, group: number, eventId: string, time: string) {
  const keys = new Map(key?.columns.map(({ column, of }) => [of, column]));
  const isSummed = (name: string | undefined) => columns.some(({ of }) => of === name);
  const unitOf = (powers: Readonly<Record<string, number>>) => Object.keys(powers)[group === 2 ? 1 : 0] ?? "";
  const made = fields.map((rule): [field: string, text: string] | null => {
    if (rule.kind === "text" && rule.field === "event_id") return [rule.field, eventId];
    if (rule.kind === "text")
      // A type is one of few; what has a type is one of many.
      return [
        rule.field,
        rule.as !== undefined && /(_id)$/.test(keys.get(rule.as) ?? "") ? `g${group}` : "power",
      ];
    if (rule.kind === "unit") return [rule.field, unitOf(rule.powers)];
    if (rule.kind === "instant") return [rule.field, time];
    return null;
  });
  const value = fields.find((rule) => rule.kind === "number" && isSummed(rule.as))?.field ?? "";
  return { texts: made.filter((one) => one !== null), value };
}

/** What must become of a record, known without any code of the pipeline. Sums are texts. */
export type Meaning =
  | { readonly kind: "poison"; readonly reason: string }
  | {
      readonly kind: "event";
      readonly eventId: string;
      /** Null where the stream counts each record. */
      readonly identity: string | null;
      readonly timeUs: number;
      readonly windowStartUs: number;
      readonly windowEndUs: number;
      readonly group: readonly string[];
      readonly amount: string;
    };

export interface Content {
  readonly value: Buffer | null;
  readonly meaning: Meaning;
}

const latenessUnits = [0, 0.3, 0.8, 1.2, 3, 6, 11, 14];
/** As `digits`e`exponent`: decimals that doubles cannot hold, large beside small, more than six places. */
const amounts: readonly [number, number][] = [
  [1, -1],
  [2, -1],
  [3, -1],
  [100_000_001, -2],
  [99_999_999, -2],
  [15, -8],
  [3, 0],
  [671_088_645, -1],
];
const poison: readonly [Buffer | null, string][] = [
  [null, "null_value"],
  [Buffer.alloc(0), "empty_value"],
  [Buffer.from("{"), "malformed_json"],
  [Buffer.from([0xff]), "invalid_utf8"],
];

/** Splits a number into digits of the given bases, the least first. */
export function digitsOf(code: number, ...bases: number[]): number[] {
  let rest = code;
  return bases.map((base) => {
    const digit = rest % base;
    rest = Math.floor(rest / base);
    return digit;
  });
}

/** How many steps pass before the record that `code` stands for is made. */
export function patienceOf(code: number): number {
  return PATIENCE[Math.floor(code / 24_576) % PATIENCE.length] ?? 0;
}

/** The record that `code` stands for when it is made at `nowUs`. */
export function contentOf(
  stream: Schedule["stream"],
  code: number,
  serial: number,
  nowUs: number,
  earlier: readonly Content[],
): { readonly partition: number; readonly gap: number; readonly content: Content } {
  const [kind = 0, partition = 0, lateness = 0, group = 0, amount = 0, hole = 0] = digitsOf(
    code,
    8,
    4,
    8,
    3,
    8,
    4,
  );
  const place = { partition, gap: hole === 3 ? 2 : 0 };
  const { windowUs } = streams[stream];
  const unitUs = windowUs / 5;
  if (kind === 4) {
    const [value, reason] = poison[lateness % poison.length] ?? [null, "null_value"];
    return { ...place, content: { value, meaning: { kind: "poison", reason } } };
  }
  const repeated = kind === 6 ? earlier[lateness % Math.max(1, earlier.length)] : undefined;
  if (repeated !== undefined) return { ...place, content: repeated };
  // Of an identity that another record has, with other content.
  const contested = kind === 3 ? earlier[hole % Math.max(1, earlier.length)]?.meaning : undefined;
  const ageUs = (latenessUnits[lateness] ?? 0) * unitUs;
  let timeUs = nowUs - ageUs;
  if (kind === 5) timeUs = nowUs + 5 * unitUs + ageUs;
  // Of a device without a clock, or so old that its identity may be forgotten.
  else if (kind === 7) timeUs = lateness % 2 === 0 ? nowUs - 86_400e6 - 12 * unitUs - ageUs : ageUs;
  timeUs = Math.floor(timeUs);
  const [digits, exponent] = amounts[amount] ?? [1, 0];
  const timestamp = `${new Date(Math.floor(timeUs / 1000)).toISOString().slice(0, -1)}${String(timeUs % 1000).padStart(3, "0")}`;
  const start = windowStartUs(timeUs, windowUs);
  const event = { kind: "event", timeUs, windowStartUs: start, windowEndUs: start + windowUs } as const;
  const number = `${digits}e${exponent}`;
  const rules: StreamRules = streamRules[stream];
  const eventId = contested?.kind === "event" ? contested.eventId : `e${serial}`;
  const { texts, value } = fieldsOf(rules, group, eventId, timestamp);
  const byField = new Map(texts);
  const json = texts.map(([field, text]) => `${JSON.stringify(field)}:${JSON.stringify(text)}`);
  const unit = rules.fields.find((rule) => rule.kind === "unit");
  const power = unit?.kind === "unit" ? (unit.powers[byField.get(unit.field) ?? ""] ?? 0) : 0;
  const textOf = (name: string) =>
    byField.get(rules.fields.find((rule) => "as" in rule && rule.as === name)?.field ?? "") ?? "";
  const meaning: Meaning = {
    ...event,
    eventId,
    identity: rules.identity?.map((field) => byField.get(field)).join(" ") ?? null,
    group: rules.key?.columns.map(({ of }) => textOf(of)) ?? [],
    amount: `${digits}e${exponent + power}`,
  };
  const content = Buffer.from(`{${json.join(",")},"${value}":${number}}`);
  return { ...place, content: { value: content, meaning } };
}
