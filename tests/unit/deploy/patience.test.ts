// For how long a step of a deployment waits out what goes wrong.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { patiently } from "../../../lib/deploy/patience.ts";

beforeEach(() => {
  vi.spyOn(process.stderr, "write").mockReturnValue(true); // each further try is logged
});
afterEach(() => vi.restoreAllMocks());

const refused = new Error("Access denied");

/** Fails `failures` times, each try taking `tryMs` of the function's `limitMs`. */
async function outcomeOf(limitMs: number, tryMs: number, failures: number) {
  let spentMs = 0;
  let tries = 0;
  const work = async () => {
    spentMs += tryMs;
    tries += 1;
    if (tries <= failures) throw refused;
    return "done";
  };
  const pause = async (delayMs: number) => {
    spentMs += delayMs;
  };
  const outcome = await patiently(work, () => limitMs - spentMs, pause).catch((thrown: unknown) => thrown);
  return { outcome, tries, spentMs };
}

test("it tries again until it succeeds", async () => {
  expect(await outcomeOf(290_000, 1_000, 3)).toMatchObject({ outcome: "done", tries: 4 });
});

test.each([
  ["a minute and a half before the end", 290_000, 200_000],
  ["after four minutes", 830_000, 240_000],
])("it gives up %s, with the last reason", async (_, limitMs, mostMs) => {
  const { outcome, spentMs } = await outcomeOf(limitMs, 1_000, Number.POSITIVE_INFINITY);
  expect(outcome).toBe(refused);
  expect(spentMs).toBeGreaterThan(mostMs - 10_000);
  expect(spentMs).toBeLessThanOrEqual(mostMs + 1_000); // the last try may begin then
});

test("with a minute left there is one try", async () => {
  expect(await outcomeOf(60_000, 0, 1)).toMatchObject({ outcome: refused, tries: 1 });
});
