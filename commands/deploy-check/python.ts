// The Python tools of the check, in an environment of their own under .local/, installed when it is first needed.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Run, run } from "../terminal/run-command.ts";

const REQUIREMENTS = "localstack/mock-aws/requirements.txt";
const FOLDER = resolve(".local/deploy-check/venv");

/** The environment's interpreter. */
export const PYTHON = join(FOLDER, "bin", "python");

/**
 * Runs one of the tools. Not as a program of its own: its first line names the interpreter by a path, and the system
 * takes that to end at the first space.
 */
export function runTool(name: string, args: readonly string[]): Promise<Run> {
  return run(PYTHON, [join(FOLDER, "bin", name), ...args]);
}

function hasPython(): Promise<boolean> {
  return new Promise((done) =>
    execFile("python3", ["-m", "venv", "--help"], (error) => done(error === null)),
  );
}

/** @throws Error where there is no Python 3 with venv, or where the packages cannot be installed */
export async function installTools(): Promise<void> {
  const stamp = join(FOLDER, ".stamp");
  const hash = createHash("sha256")
    .update(await readFile(REQUIREMENTS))
    .digest("hex");
  if (existsSync(stamp) && (await readFile(stamp, "utf8")) === hash) return;
  if (!(await hasPython()))
    throw new Error(
      "Python 3 with venv is needed for cfn-lint, checkov and the mock AWS (Debian: apt install python3-venv)",
    );
  await rm(FOLDER, { recursive: true, force: true });
  for (const [command, args] of [
    ["python3", ["-m", "venv", FOLDER]],
    [PYTHON, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS]],
  ] as const) {
    const { code, output } = await run(command, args);
    if (code !== 0) throw new Error(`${command} ${args.join(" ")}: ${output.trim()}`);
  }
  await writeFile(stamp, hash);
}
