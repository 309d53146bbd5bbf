// The histogram of lateness: each event in one bucket, which is a function of its record alone.
import fc from "fast-check";
import { expect, test } from "vitest";
import { Lateness } from "../../../lib/windows/lateness.ts";

const DAY_MS = 86_400_000;
const NOON_MS = 100 * DAY_MS + DAY_MS / 2;

function countsOf(events: readonly (readonly [recordTimeMs: number, timeUs: number])[]) {
  const lateness = new Lateness();
  for (const [recordTimeMs, timeUs] of events) lateness.add(recordTimeMs, timeUs);
  return lateness.counts();
}

test.each([
  ["a clock ahead by 1 µs", -0.001, 0],
  ["no lateness", 0, 1],
  ["just below 1 s", 999.999, 1],
  ["1 s", 1_000, 2],
  ["just below 2 s", 1_999.999, 2],
  ["2 s", 2_000, 4],
  ["an hour", 3_600_000, 4_096],
  ["2^31 s", 2 ** 31 * 1_000, 2 ** 32],
  ["2^32 s", 2 ** 32 * 1_000, 2 ** 32],
  ["2,000 years", 63e12, 2 ** 32],
])("%s", (_, latenessMs, belowS) => {
  const timeUs = Math.round((NOON_MS - latenessMs) * 1_000);
  expect(countsOf([[NOON_MS, timeUs]])).toEqual([{ day: 100, belowS, events: 1 }]);
});

test("the day is the UTC day of the record's time, whatever day the event is of", () => {
  const at = (recordTimeMs: number): [number, number] => [recordTimeMs, (recordTimeMs - 3 * DAY_MS) * 1_000];
  expect(
    countsOf([at(DAY_MS), at(2 * DAY_MS - 1), at(2 * DAY_MS), at(DAY_MS)]).map((c) => [c.day, c.events]),
  ).toEqual([
    [1, 3],
    [2, 1],
  ]);
});

test("records without a time, and with one that no calendar has, are left out", () => {
  const times = [-1, -DAY_MS, 2 ** 63, 253_402_300_800_000, Number.NaN, Number.POSITIVE_INFINITY];
  expect(countsOf(times.map((recordTimeMs) => [recordTimeMs, 0]))).toEqual([]);
  expect(countsOf([[253_402_300_799_999, 0]])).toHaveLength(1);
  expect(countsOf([[0, 0]])).toEqual([{ day: 0, belowS: 1, events: 1 }]);
});

test("any events in any order: as many as there were, each in the bucket that holds its lateness", () => {
  const events = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 5 * DAY_MS }), fc.integer({ min: -1e15, max: 5 * DAY_MS * 1_000 })),
    { maxLength: 50 },
  );
  fc.assert(
    fc.property(events, (list) => {
      const counts = countsOf(list);
      const sorted = (some: typeof counts) => some.map((one) => JSON.stringify(one)).sort();
      expect(sorted(countsOf(list.toReversed()))).toEqual(sorted(counts));
      expect(counts.reduce((sum, { events }) => sum + events, 0)).toBe(list.length);
      for (const { day, belowS, events } of counts) {
        const held = list.filter(([recordTimeMs, timeUs]) => {
          const seconds = recordTimeMs / 1_000 - timeUs / 1e6;
          const from = belowS === 0 ? Number.NEGATIVE_INFINITY : belowS === 1 ? 0 : belowS / 2;
          return Math.floor(recordTimeMs / DAY_MS) === day && seconds >= from && seconds < belowS;
        });
        expect(events).toBe(held.length);
      }
    }),
  );
});
