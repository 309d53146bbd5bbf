// Every offset has exactly one name, and LOST is given exactly where a record is that was passed by.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkLedger, classifyOffsets, explainSuspects, judgeTotals } from "../../../lib/audit/classify.ts";
import { holds, type OffsetRanges, union } from "../../../lib/core/ranges.ts";

const END = 40;
const offset = fc.nat(END);
const ranges = fc.array(fc.tuple(offset, fc.integer({ min: 1, max: 8 })), { maxLength: 8 }).map(
  (all): OffsetRanges =>
    union(
      [],
      all.map(([from, n]) => ({ from, to: Math.min(END, from + n) })).filter((r) => r.from < r.to),
    ),
);
const facts = fc.record({
  first: offset,
  end: fc.constant(END),
  committed: fc.option(offset),
  applied: ranges,
  acknowledged: ranges,
});

describe("the offsets of a partition", () => {
  test("have exactly one name each, and the right one", () => {
    fc.assert(
      fc.property(facts, (given) => {
        const named = classifyOffsets(given);
        const passed = given.committed ?? given.applied.at(-1)?.to ?? 0;
        for (let at = 0; at < END; at++) {
          const names = Object.entries(named).flatMap(([name, set]) => (holds(set, at) ? [name] : []));
          const expected = holds(given.applied, at)
            ? "applied"
            : at < given.first
              ? at >= (given.applied[0]?.from ?? END) && at < passed && !holds(given.acknowledged, at)
                ? "expired"
                : "gone"
              : at < passed
                ? "suspect"
                : "lag";
          expect([at, names]).toEqual([at, [expected]]);
        }
      }),
    );
  });

  test("that are suspect are lost from the first to the last record of a range, and holes elsewhere", () => {
    fc.assert(
      fc.property(ranges, ranges, (suspect, records) => {
        const { lost, holes } = explainSuspects(suspect, records);
        for (let at = 0; at < END; at++) {
          const [isLost, isHole] = [holds(lost, at), holds(holes, at)];
          expect(isLost !== isHole).toBe(holds(suspect, at));
          if (isHole) expect(holds(records, at)).toBe(false);
        }
        for (const { from, to } of lost)
          expect([holds(records, from), holds(records, to - 1)]).toEqual([true, true]);
      }),
    );
    expect(
      explainSuspects(
        [{ from: 3, to: 9 }],
        [
          { from: 4, to: 5 },
          { from: 6, to: 8 },
        ],
      ),
    ).toEqual({
      lost: [{ from: 4, to: 8, records: 3 }],
      holes: [
        { from: 3, to: 4 },
        { from: 8, to: 9 },
      ],
    });
  });
});

const sound = {
  records: 13,
  counted: 6,
  quarantined: 2,
  tooLate: 1,
  duplicates: 1,
  conflicts: 3,
  offsets: 15,
  quarantineRows: 2,
  tooLateRows: 1,
  conflictRows: 3,
};

describe("the books", () => {
  test.each([
    [{}, []],
    [{ counted: 7 }, ["counted + quarantined + too late + duplicates + conflicts = 14, but 13 records"]],
    [{ offsets: 12 }, ["13 records, but only 12 offsets"]],
    [{ quarantineRows: 1 }, ["2 quarantined, but 1 row of quarantine"]],
    [{ tooLateRows: 2 }, ["1 too late, but 2 rows of too_late"]],
    [{ conflictRows: 2 }, ["3 conflicts, but 2 rows of conflict"]],
  ])("with %j: %j", (change, problems) => {
    expect(checkLedger({ ...sound, ...change })).toEqual(problems);
  });

  test("say what rows hold too much or too little, amendments aside", () => {
    expect(judgeTotals({ counted: 5, inRows: 5, inDroppedMonths: 0, amended: 0 })).toBeNull();
    expect(judgeTotals({ counted: 5, inRows: 3, inDroppedMonths: 0, amended: -2 })).toBeNull();
    expect(judgeTotals({ counted: 5, inRows: 3, inDroppedMonths: 2, amended: 0 })).toBeNull();
    expect(judgeTotals({ counted: 5, inRows: 6, inDroppedMonths: 0, amended: 0 })).toBe("DOUBLED by 1");
    expect(judgeTotals({ counted: 5, inRows: 5, inDroppedMonths: 0, amended: 2 })).toBe("LOST by 2");
  });
});
