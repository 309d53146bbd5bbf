// Every promise at once: 70 seconds of faults of all kinds on real servers, and the oracle's verdict.
import { expect, test } from "vitest";
import { chaosFaults, ownFaultKinds } from "../../commands/chaos/fault-kinds.ts";
import { runChaos } from "../../commands/chaos/laboratory.ts";

const SEED = 20_260_115;

test(`70 seconds of faults (seed ${SEED}): nothing lost, doubled, stuck or early`, async () => {
  const said: string[] = [];
  const report = await runChaos({
    seed: SEED,
    durationMs: 70_000,
    faults: chaosFaults,
    say: (message) => said.push(message),
    signal: new AbortController().signal,
  });
  expect(report?.breaches, `seed ${SEED}: ${said.join(", ")}`).toEqual([]);
  const own = [...(report?.injected.counts ?? [])].filter(([kind]) =>
    ownFaultKinds.some((one) => one === kind),
  );
  expect(own.length).toBeGreaterThanOrEqual(10);
  expect(own.reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThanOrEqual(30);
  expect(report?.log.length).toBeGreaterThan(5_000);
});
