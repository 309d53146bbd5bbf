// The laws that each look at watermarks and ledgers is judged by: who judges has to notice what is early, and nothing else.
import { expect, test } from "vitest";
import type { LoggedRecord } from "../../../commands/chaos/log.ts";
import { judgeSamples, type Sample } from "../../../commands/chaos/samples.ts";

const DELAY_MS = 600_000;
const noonMs = Date.UTC(2026, 0, 15, 12);

type Seen = Sample["sensor"];

const nothing: Seen = {
  ...{ watermarkMs: null, finalTooEarly: 0, aheadMs: null, applied: new Map(), ends: new Map() },
  ...{ endsAtMs: 0, sweptFromMs: 0, era: { cuts: 0, restores: 0 } },
};

/** Looks at one stream, half a second apart; each sweep began right before the look that sees its watermark. */
function lookedAt(looks: readonly Partial<Seen>[]): Sample[] {
  return looks.map((seen, i) => ({
    sensor: { ...nothing, endsAtMs: 500 * i, sweptFromMs: 500 * i - 100, ...seen },
    ...{ consumption: nothing, weather: nothing },
  }));
}

const applied = (end: number) => new Map([[0, [{ from: 0, to: end }]]]);
const held = (end: number) => new Map([[0, end]]);
/** One record a minute. */
const log = Array.from(
  { length: 10 },
  (_, offset): LoggedRecord => ({
    ...{ stream: "sensor", partition: 0, offset, fate: "count" },
    value: Buffer.from(JSON.stringify({ timestamp: new Date(noonMs + offset * 60_000).toISOString() })),
  }),
);
const judge = (...looks: Partial<Seen>[]) =>
  judgeSamples(lookedAt(looks), log, [], DELAY_MS).map(({ promise, what }) => `${promise} ${what}`);

test("a watermark that keeps to what was applied is right", () => {
  expect(
    judge(
      { applied: applied(2), ends: held(2) },
      { applied: applied(4), ends: held(10), watermarkMs: noonMs + 180_000 - DELAY_MS },
      { applied: applied(10), ends: held(10), watermarkMs: noonMs + 540_000 - DELAY_MS },
    ),
  ).toEqual([]);
});

test("one that moves past a partition with records that were not applied is early", () => {
  const looks = [
    { applied: applied(2), ends: held(10) },
    { applied: applied(4), ends: held(10), watermarkMs: noonMs + 240_000 - DELAY_MS },
  ];
  expect(judge(...looks)).toEqual([
    "EARLY sensor: the watermark moved to 2026-01-15T11:54:00.000Z past partition 0, which was lagging",
  ]);
});

test("a sweep cannot know of records that came after it began", () => {
  const moved = { applied: applied(4), ends: held(10), watermarkMs: noonMs + 240_000 - DELAY_MS };
  expect(
    judge({ applied: applied(4), ends: held(4) }, { ends: held(10) }, { ...moved, sweptFromMs: 400 }),
  ).toEqual([]);
});

test("a watermark that goes back, is ahead of the clock, or behind final rows is early", () => {
  expect(judge({ watermarkMs: 2 }, { watermarkMs: 1 })).toEqual(["EARLY sensor: the watermark went back"]);
  expect(judge({ aheadMs: 3 })).toEqual(["EARLY sensor: the watermark was 3 ms ahead of the clock"]);
  expect(judge({ finalTooEarly: 4 })).toEqual(["EARLY sensor: 4 rows were final before their watermark"]);
});
