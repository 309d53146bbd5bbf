// Promises 1 to 5 and 8 over random schedules: deliveries in any order, cut and repetition, crashes between any two
// steps, two sweepers, idle and lagging partitions, retention, partitions added, topics deleted and created again.
import { describe, expect, test } from "vitest";
import { describeBroken, simulate } from "../../simulation/simulate.ts";

/**
 * Each defence that was removed is seen by one of these seeds (docs/guarantees.md); `npm run simulate` runs a million. Fewer
 * where each of a thousand mutants is to be found out (`npm run mutate`).
 */
const SCHEDULES = Number(process.env.SIMULATED_SCHEDULES ?? 20_000);
const SEEDS = [1, 2, 3, 4];

describe(`${SCHEDULES} schedules: nothing lost, doubled, stuck or early`, () => {
  test.each(SEEDS)("seed %i", { timeout: 240_000 }, async (seed) => {
    const { schedules, broken } = await simulate(seed, SCHEDULES / SEEDS.length);
    expect(broken === null ? "" : describeBroken(broken)).toBe("");
    expect(schedules).toBe(SCHEDULES / SEEDS.length);
  });
});
