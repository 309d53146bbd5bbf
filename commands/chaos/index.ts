// `npm run chaos [-- --seed N --minutes M --faults a,b]`: the pipeline under faults, and what became of its promises.
// Exits with 1 where one was broken, with 2 where the laboratory itself does not work; the seed runs the same faults again.

import { messageOf } from "../../lib/log.ts";
import { type Report, runChaos } from "./laboratory.ts";
import { parseChaosOptions } from "./options.ts";
import { countBreaches } from "./verdict.ts";

const SHOWN = 20;
const { seed, minutes, faults } = parseChaosOptions(process.argv);
const stopped = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopped.abort());

const startMs = performance.now();
const say = (message: string) =>
  console.log(`${((performance.now() - startMs) / 1_000).toFixed(1).padStart(6)} s  ${message}`);

console.log(`chaos: seed ${seed}, ${minutes} minutes, ${faults.length} kinds of faults`);

function print({ breaches, injected, load, log, cut, amendments, samples }: Report): void {
  const kinds = [...injected.counts].sort(([a], [b]) => a.localeCompare(b));
  const total = kinds.reduce((sum, [, count]) => sum + count, 0);
  console.log(
    `\n${log.length} records in the log; ${load.confirmed} sends confirmed, ${load.unconfirmed} not`,
  );
  if (cut.records > 0)
    console.log(
      `${cut.records} records cut from the log: ${cut.counted} of them had been counted and stay counted once; the ` +
        "others were gone before, or stand there again",
    );
  console.log(`${amendments} late events, watermarks and ledgers seen ${samples} times`);
  console.log(
    `${total} faults of ${kinds.length} kinds: ${kinds.map(([kind, n]) => `${kind} ${n}`).join(", ")}`,
  );
  const without = faults.filter((kind) => !injected.counts.has(kind));
  if (without.length > 0) console.log(`not a single time: ${without.join(", ")}`);
  for (const failure of injected.failures) console.log(`not injected: ${failure}`);
  for (const { promise, what } of breaches.slice(0, SHOWN)) console.log(`${promise}: ${what}`);
  if (breaches.length > SHOWN) console.log(`… and ${breaches.length - SHOWN} more`);
  const counts = Object.entries(countBreaches(breaches)).map(([promise, count]) => `${promise} ${count}`);
  console.log(`seed ${seed}: ${counts.join(", ")}`);
}

try {
  const report = await runChaos({ seed, durationMs: minutes * 60_000, faults, say, signal: stopped.signal });
  if (report === null) console.log("stopped before there was a verdict");
  else print(report);
  process.exitCode = report !== null && report.breaches.length > 0 ? 1 : 0;
} catch (error) {
  // Nothing about the pipeline was found out.
  console.error(`chaos: no verdict, the laboratory does not work: ${messageOf(error)}`);
  process.exitCode = 2;
}
