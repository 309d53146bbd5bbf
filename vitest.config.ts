import { defineConfig } from "vitest/config";

// Four projects: "unit" needs nothing but Node; "integration" runs against a real Kafka broker and a real PostgreSQL
// server that tests/integration/stack.ts starts once per run, on free ports; "deploy" packages the stack;
// "chaos" tortures servers of its own, last, for it takes all of the machine. commands/test/index.ts runs them in three lanes.
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["tests/unit/**/*.test.ts"], testTimeout: 60_000 } },
      {
        test: {
          name: "integration",
          include: ["tests/integration/**/*.test.ts", "tests/faults/**/*.test.ts"],
          globalSetup: ["tests/integration/stack.ts"],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 240_000, // two outages of a minute each, at the worst
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "deploy",
          include: ["tests/deploy/**/*.test.ts"],
          globalSetup: ["tests/integration/stack.ts"],
          fileParallelism: false, // they build into the same dist
          sequence: { groupOrder: 2 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "chaos",
          include: ["tests/chaos/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 480_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
