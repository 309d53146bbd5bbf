// The command as people run it, without a pipeline: what it shows, and with which code it ends.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { fileOf } from "./reading-files.ts";

const SCRIPT = fileURLToPath(new URL("../../../commands/replay/index.ts", import.meta.url));
const MAP = "meter_id=Meter,reading=Energy,timestamp=When";

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [SCRIPT, ...args], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
    });
  });
}

test.each([
  ["complete", "2026-01-01T00:00Z,m,1", [], 0, "m: 1 events, 1 kWh"],
  ["skipped", "2026-01-01T00:00Z,m,1\n2026-01-01T01:00Z,m,", [], 4, "skipped 1 × Energy is missing: line 3"],
  ["skipped, and allowed", "2026-01-01T00:00Z,m,1\n2026-01-01T01:00Z,m,", ["--allow-skipped"], 0, "line 3"],
  ["doubted", '2026-01-01T00:00Z,m,"1,5"', [], 3, "DOUBT Energy: a decimal comma"],
  ["answered", '2026-01-01T00:00Z,m,"1,5"', ["--decimal", ","], 0, "m: 1 events, 1.5 kWh"],
  ["accepted", "2026-01-01T00:00Z,m,-1", ["--accept", "negative"], 0, "accepted (negative)"],
  ["nothing to send", "2026-01-01T00:00Z,m,", [], 1, "skipped 1"],
])("--dry-run: %s", async (_, rows, options, code, text) => {
  const result = await run(fileOf(`When,Meter,Energy\n${rows}\n`), "--map", MAP, "--dry-run", ...options);
  expect([result.code, result.stdout]).toEqual([code, expect.stringContaining(text)]);
});

test("--format auto says that it knows no layout, and how the file begins", async () => {
  const result = await run(fileOf("When,Meter,Energy\n"), "--dry-run");
  expect([result.code, result.stderr]).toEqual([
    1,
    expect.stringMatching(/no layout.*--map.*When,Meter,Energy/),
  ]);
});

test.each([
  [["--map", "meter_id=a,meter_id=b"], "meter_id is given twice"],
  [["--format", "csv"], "--format csv needs --map"],
  [["--format", "half-hourly", "--decimal", ","], "--decimal goes with --format csv"],
  [["--map", MAP, "--stamp", "end"], "--stamp end needs the interval's length"],
])("%j are wrong options", async (options, message) => {
  const result = await run("any", ...options);
  expect([result.code, result.stderr]).toEqual([2, expect.stringContaining(message)]);
});
