import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { advanceWatermark, isIdle, type PartitionProgress } from "../../../lib/core/watermark.ts";

const rules = { nowUs: 1_000_000, delayUs: 100, idleUs: 50 };

const progress = fc.record({
  partition: fc.nat(5),
  lag: fc.constantFrom(0, 0, 7),
  maxEventTimeUs: fc.option(fc.integer({ min: 0, max: 2_000_000 })),
  silentForUs: fc.integer({ min: 0, max: 100 }),
});

function partition(overrides: Partial<PartitionProgress>): PartitionProgress {
  return { partition: 0, lag: 0, maxEventTimeUs: 5_000, silentForUs: 0, ...overrides };
}

describe("the watermark", () => {
  test("never goes back, and never passes the clock less the delay", () => {
    fc.assert(
      fc.property(fc.option(fc.nat(900_000)), fc.array(progress), (previous, partitions) => {
        const { atUs } = advanceWatermark(previous, partitions, rules);
        if (previous !== null) expect(atUs).toBeGreaterThanOrEqual(previous);
        if (atUs !== null && atUs !== previous) expect(atUs).toBeLessThanOrEqual(rules.nowUs - rules.delayUs);
      }),
      { numRuns: 2_000 },
    );
  });

  test("is never ahead of a partition that is not idle", () => {
    fc.assert(
      fc.property(fc.array(progress, { minLength: 1 }), (partitions) => {
        const { atUs } = advanceWatermark(null, partitions, rules);
        for (const p of partitions)
          if (!isIdle(p, rules.idleUs) && atUs !== null)
            expect(atUs).toBeLessThanOrEqual((p.maxEventTimeUs ?? Number.NEGATIVE_INFINITY) - rules.delayUs);
      }),
    );
  });

  test("waits for a lagging partition, however long it has been silent", () => {
    const lagging = partition({ partition: 1, lag: 1, maxEventTimeUs: 700, silentForUs: 10_000 });
    expect(advanceWatermark(null, [partition({}), lagging], rules)).toEqual({ atUs: 600, heldBy: 1 });
  });

  test("waits for a partition that has never been read", () => {
    const unread = partition({ partition: 2, lag: 3, maxEventTimeUs: null });
    expect(advanceWatermark(400, [partition({}), unread], rules)).toEqual({ atUs: 400, heldBy: 2 });
  });

  test("does not wait for an idle one", () => {
    const idle = partition({ partition: 1, maxEventTimeUs: 700, silentForUs: 50 });
    expect(advanceWatermark(null, [partition({}), idle], rules)).toEqual({ atUs: 4_900, heldBy: 0 });
  });

  test("follows the clock when all partitions are idle", () => {
    const idle = partition({ silentForUs: 50 });
    expect(advanceWatermark(400, [idle], rules)).toEqual({ atUs: 999_900, heldBy: null });
  });

  test("stays unset while the stream has never had an event", () => {
    const empty = partition({ maxEventTimeUs: null, silentForUs: 1_000 });
    expect(advanceWatermark(null, [empty], rules)).toEqual({ atUs: null, heldBy: null });
  });

  test("names the first of those that hold it back equally, and none where the clock does", () => {
    const tied = [partition({ partition: 3 }), partition({ partition: 1 })];
    expect(advanceWatermark(null, tied, rules)).toEqual({ atUs: 4_900, heldBy: 3 });
    const upToNow = partition({ maxEventTimeUs: rules.nowUs });
    expect(advanceWatermark(null, [upToNow], rules)).toEqual({ atUs: 999_900, heldBy: null });
  });

  test("begins before 1970 where the first events do", () => {
    expect(advanceWatermark(null, [partition({ maxEventTimeUs: -5_000 })], rules)).toEqual({
      atUs: -5_100,
      heldBy: 0,
    });
  });

  test("is not moved past the clock by an absurd time stamp", () => {
    const absurd = partition({ maxEventTimeUs: 4e15 });
    expect(advanceWatermark(null, [absurd], rules)).toEqual({ atUs: 999_900, heldBy: null });
  });
});
