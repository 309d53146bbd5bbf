// Between reading and the summary: order, identity, shift, and where each row stands.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Entry } from "../../../commands/replay/entry.ts";
import { lineAt, offsetsBelow, Positions } from "../../../commands/replay/positions.ts";
import { eventOf, identityOf } from "../../../commands/replay/reading.ts";
import { chooseShift } from "../../../commands/replay/shift.ts";
import { fateLines, verdict } from "../../../commands/replay/show.ts";
import { SortedEntries } from "../../../commands/replay/sorted.ts";
import { DAY_US } from "../../../commands/replay/times.ts";
import { Troubles } from "../../../commands/replay/troubles.ts";

const series = { kind: "meter", meterId: "m", customerId: "c" } as const;
const entry = (timeUs: number, line: number): Entry => ({
  ...{ timeUs, line, series, column: "Energy", what: "energy", value: "1.50", unit: "kWh" },
});

test("pieces on disk give the order that memory gives, as often as asked", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 40 }), async (times) => {
      const sorted = new SortedEntries(3);
      const entries = times.map((time, i) => entry(time, i + 2));
      for (const one of entries) await sorted.add(one);
      const expected = [...entries].sort((a, b) => a.timeUs - b.timeUs || a.line - b.line);
      for (let turn = 0; turn < 2; turn++) {
        const given: Entry[] = [];
        for await (const one of sorted) given.push(one);
        expect(given).toEqual(expected);
      }
      sorted.close();
    }),
    { numRuns: 50 },
  );
});

test("the identity is that of the file's own time: a shift does not change it", () => {
  const reading = entry(Date.UTC(2026, 0, 1) * 1000, 2);
  const [first, later] = [0, 7 * DAY_US].map((shiftUs) => JSON.parse(eventOf(reading, shiftUs)));
  expect(first.event_id).toBe("m@2026-01-01T00:00:00.000000Z/Energy");
  expect(later.event_id).toBe(first.event_id);
  expect([first.timestamp, later.timestamp]).toEqual([
    "2026-01-01T00:00:00.000000Z",
    "2026-01-08T00:00:00.000000Z",
  ]);
});

test("a long identity is cut to 300 characters, and stays one of its own", () => {
  const ids = ["a", "b"].map((end) => identityOf({ ...entry(0, 2), column: "x".repeat(400) + end }));
  expect(ids.every((id) => id.length <= 300)).toBe(true);
  expect(ids[0]).not.toBe(ids[1]);
});

describe("the shift", () => {
  const kept = [{ series: "m", days: 333, chosenAt: new Date(0) }];
  const nowUs = Date.UTC(2026, 11, 1) * 1000;

  test("is chosen in whole days to before now, and kept from then on", () => {
    expect(chooseShift("now", nowUs - 2.5 * DAY_US, nowUs, [])).toEqual({
      ...{ days: 2, keptSince: null, isUnsaid: false },
    });
    expect(chooseShift("now", nowUs - 2.5 * DAY_US, nowUs + DAY_US, kept)).toEqual({
      days: 333,
      keptSince: new Date(0),
      isUnsaid: false,
    });
    expect(chooseShift(0, nowUs, nowUs, [])).toEqual({ days: 0, keptSince: null, isUnsaid: false });
  });

  test("that nobody has chosen is none; one that is kept wins", () => {
    expect(chooseShift(null, nowUs - 40 * DAY_US, nowUs, [])).toEqual({
      ...{ days: 0, keptSince: null, isUnsaid: true },
    });
    expect(chooseShift(null, nowUs, nowUs, kept)).toMatchObject({ days: 333, isUnsaid: false });
  });

  test("another one than before is refused, and so are two", () => {
    expect(() => chooseShift(0, nowUs, nowUs, kept)).toThrow("m was sent with a shift of 333 days before");
    expect(() =>
      chooseShift("now", nowUs, nowUs, [...kept, { series: "n", days: 1, chosenAt: new Date(0) }]),
    ).toThrow("n with one of 1");
  });
});

test("the line of each record, in several partitions and sends", () => {
  const positions = new Positions();
  positions.add(
    "t",
    [
      { partition: 0, offset: 10, indexes: [0, 2] },
      { partition: 1, offset: 5, indexes: [1] },
    ],
    [2, 3, 4],
  );
  positions.add("t", [{ partition: 0, offset: 12, indexes: [0] }], [5]);
  positions.add("t", [{ partition: 0, offset: 20, indexes: [0] }], [6]); // others have written in between
  const [first] = positions.partitions;
  if (first === undefined) throw new Error("no partition");
  expect([9, 10, 11, 12, 13, 20, 21].map((offset) => lineAt(first, offset))).toEqual([
    null,
    2,
    4,
    5,
    null,
    6,
    null,
  ]);
  const ranges = [
    { from: 10, to: 13 },
    { from: 20, to: 21 },
  ];
  expect([offsetsBelow(first, null), positions.records]).toEqual([ranges, 5]);
  expect(offsetsBelow(first, 12)).toEqual([{ from: 10, to: 12 }]);
});

test("an offset that comes again is of another log: from the lowest on, no line is told by it", () => {
  const positions = new Positions();
  for (const offset of [5, 6, 7, 6, 7, 4, 9])
    positions.add("t", [{ partition: 0, offset, indexes: [0] }], [offset]);
  const [first] = positions.partitions;
  if (first === undefined) throw new Error("no partition");
  expect([first.cutFrom, first.records]).toEqual([4, 7]);
  expect(offsetsBelow(first, first.cutFrom)).toEqual([]);
});

test("what was not counted is said with its lines, and why last", () => {
  const conflicts = new Troubles();
  conflicts.add("", 7);
  const fate = {
    sent: 5,
    applied: 4,
    counted: 3,
    others: new Map([["conflict", conflicts] as const]),
    unclear: 0,
    cuts: [],
    unseen: [],
  };
  expect(fateLines(fate)).toEqual([
    "counted 3 · quarantined 0 · too late 0 · in conflict 1 · duplicates 0",
    "in conflict: line 7",
  ]);
  expect(verdict(fate, 2)).toMatch(
    /^not everything was counted: 2 values were skipped, 1 in conflict, 1 event has not/,
  );
  expect(verdict({ ...fate, sent: 4, others: new Map() }, 0)).toBeNull();
});
