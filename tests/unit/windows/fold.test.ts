// The laws of a fold: each new record ends as one of five, bounds belong to one side, and the batch settles all that
// lies between its first and its last offset.
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LogRecord } from "../../../lib/core/log-record.ts";
import { holds } from "../../../lib/core/ranges.ts";
import { isRefusal } from "../../../lib/streams/refusal.ts";
import { consumptionStream } from "../../../lib/streams/streams.ts";
import { contentHashOf, eventKeyOf, type Facts, foldRecords, noFacts } from "../../../lib/windows/fold.ts";
import { contentOf } from "../../simulation/schedule.ts";

const HOUR_US = 3600e6;
const BASE_US = Date.UTC(2026, 0, 15, 10) * 1000;

function reading(
  offset: number,
  timeUs: number,
  eventId = `e${offset}`,
  recordTimeMs = 1_000 + offset,
): LogRecord {
  const timestamp = new Date(timeUs / 1000).toISOString();
  const event = { event_id: eventId, meter_id: "m", customer_id: "c", reading: 1, timestamp };
  return { offset, recordTimeMs, value: Buffer.from(JSON.stringify(event)) };
}

function poison(offset: number, recordTimeMs = 1_000 + offset): LogRecord {
  return { offset, recordTimeMs, value: null };
}

const fold = (records: readonly LogRecord[], facts: Partial<Facts> = {}) =>
  foldRecords(consumptionStream, records, { ...noFacts, ...facts });

/** What the database knows after it has counted a reading of log 7. */
function factsOf({ offset, value }: LogRecord): Facts["seen"] {
  const event = consumptionStream.decode(value ?? Buffer.alloc(0));
  if (isRefusal(event) || event.identity === null) throw new Error("no reading");
  const content = contentHashOf(consumptionStream.contentOf(event));
  return new Map([[eventKeyOf(event.identity), { content, log: 7, offset }]]);
}

describe("a fold", () => {
  test("ends each new record as one of counted, refused, too late, duplicate, conflict", () => {
    const codes = fc.array(fc.nat(24_575), { minLength: 1, maxLength: 20 });
    const applied = fc.constantFrom(
      [],
      [{ from: 0, to: 3 }],
      [
        { from: 2, to: 4 },
        { from: 6, to: 30 },
      ],
    );
    fc.assert(
      fc.property(codes, applied, (list, known) => {
        const made: ReturnType<typeof contentOf>["content"][] = [];
        const records = list.map((code, offset) => {
          const { content } = contentOf("consumption", code, offset, BASE_US, made);
          made.push(content);
          return { offset, recordTimeMs: offset, value: content.value };
        });
        const facts = { applied: known, futureAfterUs: BASE_US, tooLateUpToUs: BASE_US - HOUR_US };
        const batch = fold(records, facts);
        const aside = batch.refused.length + batch.tooLate.length + batch.conflicts.length;
        expect(batch.counted + batch.duplicates + aside).toBe(batch.records);
        expect(batch.records).toBe(records.filter(({ offset }) => !holds(known, offset)).length);
        expect(batch.identities).toHaveLength(batch.counted);
        expect(batch.rows.counts.reduce((sum, count) => sum + count, 0)).toBe(batch.counted);
        const timed = batch.lateness.reduce((sum, { events }) => sum + events, 0);
        expect(timed).toBe(batch.counted + batch.tooLate.length);
        expect(batch.duplicates).toBeGreaterThanOrEqual(0);
        const judged = [...batch.refused, ...batch.tooLate, ...batch.conflicts].map(({ offset }) => offset);
        expect(judged.every((offset) => !holds(known, offset))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("settles from its first to its last offset what was not settled before", () => {
    const records = [poison(3), poison(5), poison(9)];
    expect(fold(records).offsets).toEqual([{ from: 3, to: 10 }]);
    expect(fold(records, { applied: [{ from: 0, to: 4 }] }).offsets).toEqual([{ from: 4, to: 10 }]);
    expect(fold([]).offsets).toEqual([]);
  });

  test("takes an event at the last moment that is not the future, and none after it", () => {
    const batch = fold([reading(0, BASE_US), reading(1, BASE_US + 1000)], { futureAfterUs: BASE_US });
    expect(batch.counted).toBe(1);
    expect(batch.refused).toMatchObject([{ offset: 1, refused: "in_future", field: "timestamp" }]);
    expect(batch.maxEventTimeUs).toBe(BASE_US);
  });

  test("calls a window too late that ends at the bound, and not one that ends after it", () => {
    const batch = fold([reading(0, BASE_US - 1000), reading(1, BASE_US)], { tooLateUpToUs: BASE_US });
    expect(batch.tooLate).toMatchObject([{ offset: 0, timeUs: BASE_US - 1000 }]);
    expect(batch.counted).toBe(1);
    expect(batch.firstWindowEndUs).toBe(BASE_US + HOUR_US);
    expect(batch.maxEventTimeUs).toBe(BASE_US);
  });

  test("counts an identity once, in the batch and against what was seen", () => {
    const seen = factsOf(reading(9, BASE_US, "seen"));
    const records = [reading(0, BASE_US, "a"), reading(1, BASE_US, "a"), reading(2, BASE_US, "seen")];
    const batch = fold(records, { seen });
    expect(batch).toMatchObject({ counted: 1, duplicates: 2, conflicts: [] });
    expect(batch.identities).toMatchObject([{ eventKey: eventKeyOf("m\0a"), timeUs: BASE_US, offset: 0 }]);
  });

  test("knows an identity by the first half of its SHA-256, written as a UUID", () => {
    const hex = createHash("sha256").update("s-1").digest("hex");
    expect(eventKeyOf("s-1").replaceAll("-", "")).toBe(hex.slice(0, 32));
    expect(eventKeyOf("s-1")).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });

  test("says the largest of its times and the first of its windows, whatever the order", () => {
    const times = [2, 0, 3, 1].map((hours, offset) =>
      reading(offset, BASE_US + hours * HOUR_US, `e${offset}`, 10 - offset),
    );
    expect(fold(times)).toMatchObject({
      maxEventTimeUs: BASE_US + 3 * HOUR_US,
      firstWindowEndUs: BASE_US + HOUR_US,
    });
  });

  test("has no times where its records have none", () => {
    const nothing = { maxEventTimeUs: null, firstWindowEndUs: null, rows: { length: 0 } };
    expect(fold([poison(0, -1)])).toMatchObject(nothing);
  });

  test("puts events of one customer and window into one row, and those of two windows into two", () => {
    const batch = fold([reading(0, BASE_US), reading(1, BASE_US + 1000), reading(2, BASE_US + HOUR_US)]);
    expect(batch.rows.windowStartsUs).toEqual([BASE_US, BASE_US + HOUR_US]);
    expect(batch.rows.counts).toEqual([2, 1]);
  });
});
