// `npm run bench -- store`: what PostgreSQL works for an event, with the commit before finality became a fact about the
// stream beside the present code, in turns. docs/performance.md keeps the figures.

import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { tableOf } from "../terminal/table.ts";
import { median } from "./scale/measure.ts";

/** What it is compared with. */
const BEFORE = "b48debb";
const ROUNDS = 3;
const EVENTS = 300_000;

const root = join(import.meta.dirname, "../..");
const run = promisify(execFile);

/** Figures of a side, by name; `most` is what the ratio to the side before may be at most. */
const figures = [
  ["PostgreSQL's CPU, µs an event", "postgresCpuUs", { 1000: 0.5, 100000: 0.35 }],
  ["of it for finality, µs an event", "finalisingCpuUs", {}],
  ["the function's CPU, µs an event", "functionCpuUs", { 1000: 1, 100000: 1 }],
  ["write-ahead log, bytes an event", "walBytes", { 1000: 0.6, 100000: 0.6 }],
  ["bytes a row with indexes", "bytesPerRow", {}],
  ["making all rows final, ms", "finaliseMs", {}],
] as const;
type Figure = (typeof figures)[number][1];
type Side = Readonly<Record<Figure | "rows", number>>;

async function measure(folder: string, keys: number): Promise<Side> {
  const side = join(root, "commands/bench/store/side.ts");
  const { stdout } = await run(process.execPath, [side, folder, String(keys), String(EVENTS)]);
  return JSON.parse(stdout);
}

const folder = await mkdtemp(join(tmpdir(), "smartgrid-bench-before-"));
try {
  await run("sh", ["-c", `git archive ${BEFORE} | tar -x -C "$0"`, folder], { cwd: root });
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  for (const keys of [1_000, 100_000] as const) {
    const before: Side[] = [];
    const now: Side[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      before.push(await measure(folder, keys));
      now.push(await measure(root, keys));
      process.stderr.write(`${keys} sensors: round ${round + 1} of ${ROUNDS}\n`);
    }
    const rows = figures.map(([title, figure, limits]) => {
      const [old, present] = [before, now].map((sides) => median(sides.map((side) => side[figure])));
      if (old === undefined || present === undefined) throw new Error("no round was measured");
      const most = new Map(Object.entries(limits)).get(String(keys));
      return [
        title,
        old.toFixed(2),
        present.toFixed(2),
        (present / old).toFixed(2),
        most === undefined ? "" : `≤ ${most}`,
      ];
    });
    console.log(`\n${EVENTS} sensor events of ${keys} sensors, ${now[0]?.rows} rows, batches of 2,500`);
    console.log(tableOf([["", BEFORE, "now", "ratio", "wanted"], ...rows]));
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
