// How a run of the laboratory ends before its time.
import { type ChildProcess, spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { run } from "../../commands/terminal/run-command.ts";

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
