// What `npm run replay` can be told.

import { Command, InvalidArgumentError, Option } from "commander";
import { type Format, formats } from "./formats.ts";
import { mappedFormat } from "./mapped-csv.ts";
import type { Selection } from "./read-file.ts";

export interface ReplayOptions {
  readonly file: string;
  readonly format: Format;
  /** Seconds of event time per second, or Infinity. */
  readonly speed: number;
  readonly shift: "now" | "none";
  readonly selection: Selection;
  readonly force: boolean;
}

function speed(text: string): number {
  if (text === "max") return Number.POSITIVE_INFINITY;
  const factor = Number(text);
  if (!(factor > 0))
    throw new InvalidArgumentError("Expected max or a number above 0 (seconds of event time per second).");
  return factor;
}

function selection(text: string): Selection {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  return text.split(",").map((name) => name.trim());
}

/**
 * Parses the command line; prints help or what is wrong and ends the process where there is nothing to replay.
 * @throws Error where --map is wrong
 */
export function parseReplayOptions(argv: readonly string[]): ReplayOptions {
  const abouts = Object.entries(formats).map(([name, format]) => `  ${name.padEnd(16)} ${format.about}`);
  const command = new Command()
    .name("npm run replay --")
    .description("Sends real data through Kafka as sensor and meter events, in the order of their times.")
    .argument("<file>", "a text file, or one packed by gzip (.gz)")
    .addOption(
      new Option("--format <name>", "layout of the file")
        .choices([...Object.keys(formats), "csv"])
        .makeOptionMandatory(),
    )
    .option("--map <fields>", "with --format csv: field=column,… (a value in 'quotes' is a constant)")
    .option("--delimiter <character>", "with --format csv", ",")
    .option("--speed <factor>", "max, or seconds of event time per second", speed, Number.POSITIVE_INFINITY)
    .addOption(
      new Option("--shift <to>", "now: whole days, so that the last event lies before now")
        .choices(["now", "none"])
        .default("now"),
    )
    .option(
      "--meters <names>",
      "only these meters, customers or sensors (a,b,c), or the first so many",
      selection,
      "all",
    )
    .option("--force", "send even what would be recorded as too late", false)
    .addHelpText(
      "after",
      `\nFormats:\n${abouts.join("\n")}\n  ${"csv".padEnd(16)} plain CSV with --map "meter_id=Meter,reading=Energy,unit='Wh',timestamp=When,zone=Europe/Paris"`,
    )
    .parse(argv);
  const options = command.opts<{
    format: string;
    map?: string;
    delimiter: string;
    speed: number;
    shift: "now" | "none";
    meters: Selection;
    force: boolean;
  }>();
  if (options.format === "csv" && options.map === undefined) command.error("error: --format csv needs --map");
  if (options.format !== "csv" && options.map !== undefined)
    command.error("error: --map goes with --format csv");
  const format = formats[options.format] ?? mappedFormat(options.map ?? "", options.delimiter);
  const { speed: factor, shift, meters, force } = options;
  return { file: command.args[0] ?? "", format, speed: factor, shift, selection: meters, force };
}
