// `npm run simulate -- [--seed N] [--schedules M] [--path P]`: more schedules than `npm test` runs, or one again.

import { Command, InvalidArgumentError } from "commander";
import { describeBroken, simulate } from "../../tests/simulation/simulate.ts";
import { tolerateClosedOutput } from "../terminal/output.ts";

const CHUNK = 20_000;

function wholeNumber(text: string): number {
  if (!/^-?\d{1,10}$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
}

tolerateClosedOutput();

const options = new Command("npm run simulate --")
  .description(
    "Random schedules of deliveries, crashes and sweeps against the promises; virtual time, no processes",
  )
  .option("--seed <n>", "the first seed", wholeNumber, Date.now() % 1_000_000)
  .option("--schedules <n>", "how many schedules", wholeNumber, 1_000_000)
  .option("--path <path>", "runs one schedule again, as a failure printed it")
  .parse()
  .opts<{ seed: number; schedules: number; path?: string }>();

const startMs = performance.now();
let done = 0;
for (let seed = options.seed; done < options.schedules; seed++) {
  const { schedules, broken } = await simulate(seed, Math.min(CHUNK, options.schedules - done), options.path);
  done += schedules;
  if (broken !== null) {
    console.error(describeBroken(broken));
    process.exitCode = 1;
    break;
  }
  if (options.path !== undefined) break;
  const perSecond = Math.round((done * 1000) / (performance.now() - startMs));
  console.log(`seed ${seed}: ${done} schedules, 0 LOST, 0 DOUBLED, 0 STUCK, 0 EARLY; ${perSecond} a second`);
}
