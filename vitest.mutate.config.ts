import { defineConfig } from "vitest/config";

// What `npm run mutate` runs against each mutant: the unit tests of what is mutated, with few schedules.
export default defineConfig({
  test: {
    include: ["tests/unit/{core,streams,aggregate,store,simulation}/**/*.test.ts"],
    exclude: ["tests/unit/streams/fuzz.test.ts", "tests/unit/simulation/reach.test.ts"],
    env: { SIMULATED_SCHEDULES: "600" },
    testTimeout: 60_000,
  },
});
