// Every promise at once: 70 seconds of faults of all kinds on real servers, and the oracle's verdict.
import { type ChildProcess, spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { chaosFaults, ownFaultKinds } from "../../commands/chaos/fault-kinds.ts";
import { runChaos } from "../../commands/chaos/laboratory.ts";
import { run } from "../../commands/terminal/run-command.ts";

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

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once("exit", resolve));
}

test("Ctrl-C in the middle of a fault ends a run, and nothing of it is left", async () => {
  const child = spawn(process.execPath, [
    "commands/chaos/index.ts",
    "--faults",
    "brokerFrozen,databaseFrozen",
  ]);
  const exit = ended(child);
  for await (const line of createInterface({ input: child.stdout })) {
    if (/fault \w+$/.test(line)) child.kill("SIGINT");
    if (line.startsWith("stopped")) break;
  }
  expect(await exit).toBe(0);
  // The folder goes when the servers, which work in it, have ended.
  expect((await readdir(tmpdir())).filter((name) => name.startsWith(`smartgrid-test-${child.pid}-`))).toEqual(
    [],
  );
});

test.each([
  [
    "a function that cannot start",
    // Of all of its processes only the functions' own end at their start.
    {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent('if(process.argv[1]?.endsWith("function-process.ts"))process.exit(7)')}`,
    },
    "its process ended at its start (exit code 7)",
  ],
  ["no Java", { PATH: "/nowhere" }, "java"],
])("%s: no verdict and exit code 2, never LOST", async (_, variables, reason) => {
  const { code, output } = await run(process.execPath, ["commands/chaos/index.ts"], {
    ...process.env,
    ...variables,
  });
  expect(output).toContain("chaos: no verdict, the laboratory does not work: ");
  expect(output).toContain(reason);
  expect(output).not.toMatch(/LOST|STUCK/);
  expect(code).toBe(2);
});
