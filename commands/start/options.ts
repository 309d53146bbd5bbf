// What `npm start` can be told.

import { InvalidArgumentError, Option, program } from "commander";

export interface StartOptions {
  readonly fresh: boolean;
  readonly port: number;
  readonly seed: number;
  readonly backfillMs: number;
  /** Whether the simulated grid and weather are sent. */
  readonly demo: boolean;
}

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const USUAL_BACKFILL = "24h";
const LONGEST_BACKFILL_MS = 6 * unitMs.d;

function isUnit(text: string | undefined): text is keyof typeof unitMs {
  return text !== undefined && Object.hasOwn(unitMs, text);
}

/** `90m`, `24h`, `2d`. */
function duration(text: string): number {
  const [, digits, unit] = /^(\d+)([mhd])$/.exec(text) ?? [];
  const ms = isUnit(unit) ? Number(digits) * unitMs[unit] : Number.NaN;
  if (!(ms >= 0 && ms <= LONGEST_BACKFILL_MS))
    throw new InvalidArgumentError("Expected 0m to 6d, such as 90m, 24h or 2d.");
  return ms;
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < min || number > max)
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
    return number;
  };
}

/** Parses the command line; prints help or what is wrong and ends the process where there is nothing to start. */
export function parseOptions(argv: readonly string[]): StartOptions {
  const { fresh, port, seed, backfill, demo } = program
    .name("npm start --")
    .description(
      "Runs the whole pipeline on this machine: Kafka, PostgreSQL, the functions and the demo's producers.",
    )
    .option("--fresh", "empty Kafka and PostgreSQL first", false)
    .option(
      "--port <port>",
      "port of the HTTP API; the next free one where it is taken",
      wholeNumber(1, 65_535),
      5006,
    )
    .option(
      "--seed <number>",
      "seed of the simulated weather, sensors and meters",
      wholeNumber(0, 2 ** 31 - 1),
      1,
    )
    .addOption(
      new Option("--backfill <span>", "history that the demo sends first: minutes, hours or days, up to 6d")
        .argParser(duration)
        .default(duration(USUAL_BACKFILL), USUAL_BACKFILL),
    )
    .option("--demo", "simulated events, also into a Kafka of your own (KAFKA_BROKER)")
    .option("--no-demo", "no simulated events; the default with KAFKA_BROKER")
    .addHelpText(
      "after",
      "\nEnvironment: KAFKA_BROKER and POSTGRES_HOST, POSTGRES_PORT, POSTGRES_DB, POSTGRES_USER, POSTGRES_PASSWORD\n" +
        "use servers of your own instead of starting them; README.md lists the rest.",
    )
    .parse(argv)
    .opts<{ fresh: boolean; port: number; seed: number; backfill: number; demo?: boolean }>();
  return { fresh, port, seed, backfillMs: backfill, demo: demo ?? !process.env.KAFKA_BROKER };
}
