// Promise 7: whatever the bytes are, decoding does not throw, and a record is either valid by the published schema
// or refused with a reason: never both, never neither. No NaN, no Infinity, no changed prototype. And it is what the plain
// decoder over JSON.parse makes of them: the same refusal of the same field, or the same event.
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import { streamRules } from "../../../lib/streams/declared.ts";
import { isRefusal, refusalReasons } from "../../../lib/streams/refusal.ts";
import { type Event, type Stream, type StreamName, streamNames } from "../../../lib/streams/stream.ts";
import { streams } from "../../../lib/streams/streams.ts";
import { mutatedRecord, randomOf, validFields } from "./mutated-records.ts";
import { decodeByReference } from "./reference-decoder.ts";
import { invalidBecause } from "./schema-rules.ts";

const SEED = Number(process.env.FUZZ_SEED ?? 1);
const RECORDS_PER_STREAM = Number(process.env.FUZZ_RECORDS ?? 100_000);
const reasons: ReadonlySet<string> = new Set(refusalReasons);

/** What the reference decoder makes otherwise; null where both agree. */
function differenceOf(stream: StreamName, value: Buffer, decoded: object): string | null {
  const reference = decodeByReference(streamRules[stream], value);
  const found = isRefusal(decoded)
    ? { refused: decoded.refused, field: decoded.field }
    : { event: Object.fromEntries(Object.entries(decoded).map(([name, one]) => [name, inDouble(one)])) };
  return isDeepStrictEqual(found, reference)
    ? null
    : `${JSON.stringify(found)}, but by JSON.parse ${JSON.stringify(reference)}`;
}

const inDouble = (value: unknown) =>
  typeof value === "object" && value !== null && "unscaled" in value && "scale" in value
    ? Number(`${value.unscaled}e-${value.scale}`)
    : value;

/** What is wrong with what the decoder made of a record; null where nothing is. */
function faultOf<E extends Event>(stream: Stream<E>, value: Buffer): string | null {
  const because = invalidBecause(stream.name, value);
  let decoded: ReturnType<typeof stream.decode>;
  try {
    decoded = stream.decode(value);
  } catch (error) {
    // Any error is the finding.
    return `threw ${error}`;
  }
  const otherwise = differenceOf(stream.name, value, decoded);
  if (otherwise !== null) return otherwise;
  if (isRefusal(decoded)) {
    if (!reasons.has(decoded.refused)) return `refused for the unknown reason ${decoded.refused}`;
    return because === null
      ? `refused as ${decoded.refused} ${decoded.field}, but valid by the schema`
      : null;
  }
  if (because !== null) return `taken, but invalid by the schema: ${because}`;
  if (Object.getPrototypeOf(decoded) !== Object.prototype) return "the event has another prototype";
  if (!Number.isSafeInteger(decoded.timeUs)) return `the event time is ${decoded.timeUs}`;
  for (const field of Object.values(decoded))
    if (typeof field === "number" && (!Number.isFinite(field) || Object.is(field, -0)))
      return `holds ${field}`;
  const rows = stream.rows();
  rows.add(0, stream.reader);
  for (const column of rows.parameters())
    for (const parameter of column)
      if (typeof parameter === "number" && !Number.isFinite(parameter)) return `folds to ${parameter}`;
  return null;
}

function fuzz<E extends Event>(stream: Stream<E>): { taken: number; refused: number } {
  const random = randomOf(SEED);
  let before = Buffer.from(JSON.stringify(validFields[stream.name]));
  let refused = 0;
  for (let i = 0; i < RECORDS_PER_STREAM; i++) {
    const value = mutatedRecord(stream.name, random, before);
    const fault = faultOf(stream, value);
    if (fault !== null)
      throw new Error(
        `FUZZ_SEED=${SEED}, record ${i} of ${stream.name}: ${fault}\n${JSON.stringify(value.toString("latin1").slice(0, 2_000))}`,
      );
    if (isRefusal(stream.decode(value))) refused++;
    before = Buffer.from(value.subarray(0, 4_000));
  }
  return { taken: RECORDS_PER_STREAM - refused, refused };
}

describe(`${streamNames.length * RECORDS_PER_STREAM} mutated records are valid by the schema or refused, never both, never neither`, () => {
  test.each(streamNames)("%s", { timeout: 240_000 }, (name) => {
    const { taken, refused } = fuzz(streams[name]);
    // A fuzzer that makes only rubbish, or only good records, shows little.
    expect(taken).toBeGreaterThan(RECORDS_PER_STREAM / 10);
    expect(refused).toBeGreaterThan(RECORDS_PER_STREAM / 3);
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect("lat" in {}).toBe(false);
  });
});
