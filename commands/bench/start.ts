// `npm run bench:start`: what a person waits for. Runs `npm start` in a folder of its own and measures: until ready,
// until the demo's day is final, from a POST to the row, and the memory of all Node processes.

import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

interface Stack {
  readonly http: string;
  readonly postgres: string;
  readonly pid: number;
}

const folder = await mkdtemp(join(tmpdir(), "smartgrid-bench-"));
const startMs = performance.now();
const seconds = () => ((performance.now() - startMs) / 1000).toFixed(1);
const child = spawn("npm", ["start"], {
  env: { ...process.env, SMARTGRID_FOLDER: folder },
  stdio: ["ignore", "pipe", "inherit"],
});

/** Waits for a line of the output that begins so. */
async function line(prefix: string): Promise<string> {
  for await (const text of createInterface({ input: child.stdout })) if (text.startsWith(prefix)) return text;
  throw new Error(`npm start ended before "${prefix}"`);
}

/** Resident memory of the process and what it started, MB, of those that are Node. */
function nodeMemoryMb(root: number): number {
  const rows = execFileSync("ps", ["-eo", "pid=,ppid=,rss=,comm="], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((row) => row.trim().split(/\s+/));
  const family = new Set([String(root)]);
  for (const [pid = "", parent = ""] of rows) if (family.has(parent)) family.add(pid);
  const ours = rows.filter(([pid = "", , , name = ""]) => family.has(pid) && /node|MainThread/.test(name));
  return ours.reduce((sum, [, , kilobytes]) => sum + Number(kilobytes), 0) / 1000;
}

async function latencyMs(stack: Stack, database: pg.Client, i: number): Promise<number> {
  const sensorId = `bench-${i}`;
  const sentMs = performance.now();
  const response = await fetch(`${stack.http}/api/v1/ingest/sensor`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      sensor_id: sensorId,
      sensor_type: "voltage",
      value: 230,
      location: { lat: 41, lon: 20 },
    }),
  });
  await response.text();
  const find =
    "SELECT 1 FROM sensor_aggregates_realtime WHERE sensor_type = 'voltage' AND sensor_id = $1 AND window_start > now() - interval '10 minutes'";
  while ((await database.query(find, [sensorId])).rowCount === 0) await sleep(10);
  return performance.now() - sentMs;
}

try {
  await line("ready");
  console.log(`ready after ${seconds()} s`);
  const stack: Stack = JSON.parse(await readFile(join(folder, "stack.json"), "utf8"));
  const database = new pg.Client({ connectionString: stack.postgres });
  await database.connect();
  child.stdout.resume();
  for (;;) {
    const { rows } = await database.query(
      `SELECT min(watermark) > now() - interval '15 minutes' AND (SELECT sum(records) FROM ledger) > 300000
         AND NOT EXISTS (SELECT 1 FROM sensor_aggregates_realtime AS t, stream_state AS s
           WHERE s.stream = 'sensor' AND t.state = 'open' AND t.window_end <= s.watermark) AS done,
         (SELECT count(*) FROM sensor_aggregates_realtime WHERE state = 'final') AS final FROM stream_state`,
    );
    if (rows[0]?.done === true) {
      console.log(`a day of history final after ${seconds()} s (${rows[0].final} sensor windows)`);
      break;
    }
    await sleep(200);
  }
  const latencies: number[] = [];
  for (let i = 0; i < 20; i++) latencies.push(await latencyMs(stack, database, i));
  latencies.sort((a, b) => a - b);
  console.log(
    `from POST to row: median ${latencies[10]?.toFixed(0)} ms, longest ${latencies.at(-1)?.toFixed(0)} ms`,
  );
  await sleep(30_000);
  console.log(`memory of all Node processes, 30 s later: ${nodeMemoryMb(stack.pid).toFixed(0)} MB`);
  await database.end();
} finally {
  const { pid }: Stack = JSON.parse(await readFile(join(folder, "stack.json"), "utf8"));
  process.kill(pid, "SIGINT");
  await new Promise((resolve) => child.once("exit", resolve));
  await rm(folder, { recursive: true, force: true });
}
