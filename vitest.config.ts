import { defineConfig } from "vitest/config";

// Two projects: "unit" needs nothing but Node; "integration" runs against a real Kafka broker and a real
// PostgreSQL server that tests/integration/stack.ts starts once per run, on free ports.
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["tests/unit/**/*.test.ts"], testTimeout: 60_000 } },
      {
        test: {
          name: "integration",
          include: ["tests/integration/**/*.test.ts"],
          globalSetup: ["tests/integration/stack.ts"],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
