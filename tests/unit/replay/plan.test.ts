// Whether a file is sent with the times that it has: what people read who have not said a shift.
import { expect, test } from "vitest";
import { type Plan, refusalOf } from "../../../commands/replay/plan.ts";
import { UsageError } from "../../../lib/core/usage-error.ts";

const us = (text: string) => Date.parse(text) * 1000;
const times = { firstUs: us("2026-01-01T00:00Z"), lastUs: us("2026-01-31T23:00Z") };
const nowUs = us("2026-03-01T12:00Z");

function plan(late: number, future: number, shift: Partial<Plan["shift"]> = {}): Plan {
  return {
    shift: { days: 0, keptSince: null, isUnsaid: true, ...shift },
    outOfTime: {
      late: { count: late, fromUs: us("2026-02-22T10:00Z") },
      future: { count: future, toUs: us("2026-03-01T12:10Z") },
    },
  };
}

test.each([
  ["nobody has said", { isUnsaid: true }],
  ["was said", { isUnsaid: false, days: 28 }],
  ["is kept", { isUnsaid: false, keptSince: new Date(0) }],
])("a file whose times all count is sent, with the shift that %s", (_, shift) => {
  expect(refusalOf(plan(0, 0, shift), times, nowUs)).toBeNull();
});

test("times that would be too late are not moved by a guess: the message has the times and the options", () => {
  const refusal = refusalOf(plan(1, 0), times, nowUs);
  expect(refusal).toBeInstanceOf(UsageError);
  expect(refusal?.message).toBe(
    [
      "Nothing was sent: say by --shift which times the events shall have.",
      "The file's times are 2026-01-01T00:00Z to 2026-01-31T23:00Z; as they are, 1 event would be too late, recorded and not counted (the pipeline counts times from 2026-02-22T10:00Z on).",
      "  --shift now           moves them by 28 days, to 2026-01-29T00:00Z until 2026-02-28T23:00Z (--shift DAYS: by another number)",
      "  --shift none --force  sends them as they are; after `npm start -- --fresh --no-demo` --shift none counts old years",
    ].join("\n"),
  );
});

test.each([
  [0, 2, "2 events would lie in the future and go to quarantine (times up to 2026-03-01T12:10Z are taken)"],
  [
    744,
    1,
    "744 events would be too late, recorded and not counted (the pipeline counts times from 2026-02-22T10:00Z on), and 1 event would lie in the future",
  ],
])("%i too late and %i in the future: each is said", (late, future, words) => {
  expect(refusalOf(plan(late, future), times, nowUs)?.message).toContain(words);
});

test("with a shift that was said or kept the message is about that shift", () => {
  const refusal = refusalOf(plan(3, 0, { isUnsaid: false, days: 1 }), times, nowUs);
  expect(refusal).not.toBeInstanceOf(UsageError);
  expect(refusal?.message).toMatch(
    /^Nothing was sent: with a shift of 1 day 3 events would be too late.*--force$/,
  );
});
