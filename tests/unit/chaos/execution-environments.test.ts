// A function that cannot be started is the laboratory's own trouble; one that is killed is a fault, which it injects itself.

import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterEach, expect, test } from "vitest";
import { ExecutionEnvironments, LaboratoryError } from "../../../commands/chaos/execution-environments.ts";

const started: ExecutionEnvironments[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

const environment = { POSTGRES_HOST: "127.0.0.1", POSTGRES_USER: "nobody", POSTGRES_PASSWORD: "none" };

function functionOf(name: string, timeOutMs = 60_000) {
  const troubles: LaboratoryError[] = [];
  const one = new ExecutionEnvironments(name, {
    environment,
    reservedConcurrency: 1,
    timeOutMs,
    drawClockOffsetMs: () => 0,
    onTrouble: (trouble) => troubles.push(trouble),
  });
  started.push(one);
  return { one, troubles };
}

test("a process that ends at its start: said with its own words, ahead of all invocations and at an invocation", async () => {
  const { one, troubles } = functionOf("no-such-function");
  await expect(one.start()).rejects.toThrow(LaboratoryError);
  await expect(one.start()).rejects.toThrow(
    /^no-such-function: its process ended at its start \(exit code 1\):[\s\S]*Cannot find module/,
  );
  await expect(one.invoke("{}")).rejects.toThrow("no-such-function");
  expect(troubles).toHaveLength(1);
});

test("a process that is killed before it is ready is no trouble of the laboratory", async () => {
  const { one, troubles } = functionOf("aggregate-sensor");
  const invoked = one.invoke("{}");
  one.signal("SIGKILL");
  await expect(invoked).rejects.toThrow("SIGKILL before it was ready");
  expect(troubles).toEqual([]);
});

test("a start that takes longer than an invocation may is told before there is any verdict", async () => {
  await expect(functionOf("aggregate-sensor", 1).one.start()).rejects.toThrow(
    /^aggregate-sensor took \d+ ms to start, more than its time-out of 1 ms/,
  );
});

const startThere = `
import { ExecutionEnvironments } from "./commands/chaos/execution-environments.ts";
const one = new ExecutionEnvironments("aggregate-sensor", {
  environment: ${JSON.stringify(environment)},
  reservedConcurrency: 1,
  timeOutMs: 60_000,
  drawClockOffsetMs: () => 0,
  onTrouble: () => undefined,
});
await one.start();
await one.stop();
console.log("started");
`;

test("functions start in a folder with a space, a percent sign, an apostrophe and an umlaut in its name", async () => {
  const folder = await mkdtemp(join(tmpdir(), "it's 100%20 größer (#1) "));
  try {
    for (const part of ["commands", "functions", "lib", "localstack/event-source-mapping", "package.json"])
      await cp(part, join(folder, part), { recursive: true });
    await symlink(resolve("node_modules"), join(folder, "node_modules"));
    const args = ["--input-type=module", "-e", startThere];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder });
    expect(stdout).toBe("started\n");
  } finally {
    await rm(folder, { recursive: true });
  }
});
