// `npm start` as a whole: ready, a line that counts, weather by HTTP, and nothing left after Ctrl-C.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePort } from "../../localstack/ports.ts";
import { until } from "./topics.ts";

async function processesIn(folder: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    // One that ends meanwhile has no line any more.
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
  );
  return lines.filter((line) => line.includes(folder)).map((line) => line.replaceAll("\0", " "));
}

interface Start {
  readonly folder: string;
  readonly port: number;
  /** All that was said so far. */
  said(): string;
  /** Waits until it has said this. */
  says(what: RegExp): Promise<void>;
  interrupt(): Promise<number | null>;
}

/** Runs `npm start` with servers of its own in a folder of its own, and ends it in the end. */
async function withStart(act: (start: Start) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), `smartgrid-test-${process.pid}-start-`));
  const { KAFKA_BROKER, POSTGRES_HOST, ...environment } = process.env;
  const port = await freePort();
  const args = ["commands/start/index.ts", "--port", String(port), "--backfill", "30m"];
  const started = spawn(process.execPath, args, {
    env: { ...environment, SMARTGRID_FOLDER: folder }, // a person's running stack is left alone
  });
  const exited = new Promise<number | null>((done) => started.once("exit", done));
  let said = "";
  for (const stream of [started.stdout, started.stderr])
    stream.on("data", (chunk) => {
      said += chunk;
    });
  try {
    await act({
      folder,
      port,
      said: () => said,
      says: (what) =>
        until(
          async () => said,
          (text) => what.test(text) || started.exitCode !== null,
        ).then(() => expect(said).toMatch(what)),
      interrupt() {
        started.kill("SIGINT");
        return exited;
      },
    });
  } finally {
    started.kill("SIGINT"); // killed harder, it would leave the functions' process behind
    await exited;
    await rm(folder, { recursive: true, force: true });
  }
}

test("starts, counts, takes weather, and ends with Ctrl-C", async () => {
  await withStart(async ({ folder, port, said, says, interrupt }) => {
    await says(/^ready http:\/\/127\.0\.0\.1:\d+ kafka .* postgres postgresql:/m);
    const generated = await fetch(`http://127.0.0.1:${port}/api/v1/weather/generate`, { method: "POST" });
    expect([generated.status, await generated.json()]).toMatchObject([201, { status: "success" }]);
    await says(/events\/s · lag \d+ · watermarks .* · windows \d+ open \d+ final/);
    expect(said()).not.toMatch(/^status: /m);
    expect(await interrupt()).toBe(0);
    expect(await processesIn(folder)).toEqual([]);
  });
}, 120_000);

test("Ctrl-C while the functions are starting ends it in order, and it never says that it is ready", async () => {
  await withStart(async ({ folder, said, interrupt }) => {
    await until(
      async () => existsSync(join(folder, "functions.pid")),
      (isThere) => isThere,
    );
    expect(await interrupt()).toBe(0);
    expect(said()).toContain("SIGINT: stopping");
    expect(said()).not.toContain("ready");
    expect(await processesIn(folder)).toEqual([]);
  });
}, 120_000);
