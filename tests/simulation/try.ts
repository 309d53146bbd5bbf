import fc from "fast-check";
import { judge } from "/work/wt/simulation/tests/simulation/oracle.ts";
import { runSchedule } from "/work/wt/simulation/tests/simulation/run.ts";
import { schedules } from "/work/wt/simulation/tests/simulation/schedule.ts";

const n = Number(process.argv[2]);
const seed = Number(process.argv[3] ?? 1);
const t = performance.now();

const r = await fc.check(
  fc.asyncProperty(schedules, async (s) => {
    const v = judge(await runSchedule(s));
    if (v.length) throw new Error(v.join("\n"));
  }),
  { numRuns: n, seed },
);
console.log(Math.round(performance.now() - t), "ms", r.numRuns, r.failed, r.counterexamplePath);
if (r.failed) {
  console.log(JSON.stringify(r.counterexample));
  console.log(r.errorInstance instanceof Error ? r.errorInstance.stack : r.errorInstance);
}
