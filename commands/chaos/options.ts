// What `npm run chaos` can be told.

import { randomInt } from "node:crypto";
import { Command, InvalidArgumentError } from "commander";
import { type ChaosFault, chaosFaults } from "./fault-kinds.ts";

export interface ChaosOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly faults: readonly ChaosFault[];
}

function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError("Expected a number above 0.");
  return number;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("Expected a whole number of at most 9 digits.");
  return Number(text);
}

function faultKinds(text: string): ChaosFault[] {
  return text.split(",").map((name) => {
    const kind = chaosFaults.find((one) => one === name.trim());
    if (kind === undefined) throw new InvalidArgumentError(`Expected some of ${chaosFaults.join(", ")}.`);
    return kind;
  });
}

/** Parses the command line; prints help or what is wrong and ends the process. */
export function parseChaosOptions(argv: readonly string[]): ChaosOptions {
  const command = new Command()
    .name("npm run chaos --")
    .description(
      "Tortures the pipeline on a real broker and database of its own, and says what it lost, doubled, left unfinished " +
        "or finished too early. The same seed draws the same faults and events.",
    )
    .option("--seed <number>", "default: another one each time", wholeNumber, randomInt(1, 1_000_000))
    .option("--minutes <number>", "for how long", positive, 3)
    .option("--faults <kinds>", `only these: ${chaosFaults.join(",")}`, faultKinds, [...chaosFaults])
    .helpOption("--help", "show this")
    .parse([...argv]);
  const { seed, minutes, faults } = command.opts<ChaosOptions>();
  return { seed, minutes, faults };
}
