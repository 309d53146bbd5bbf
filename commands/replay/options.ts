// What `npm run replay` can be told.

import { Command, InvalidArgumentError, Option } from "commander";
import { isZone } from "../../lib/core/zone.ts";
import { exitCodes, exitHelp } from "./exit-codes.ts";
import { doubtNames, type Layout, type LayoutOptions } from "./layout.ts";
import { layouts } from "./layouts/index.ts";
import { mappedLayout, type RowFilter, type TableOptions } from "./map/layout.ts";
import { parseMap } from "./map/parse.ts";
import type { Selection } from "./read.ts";
import { type Encoding, encodings } from "./text.ts";
import { epochTime, isEpochUnit, isoTime, lengthIn, patternTime, type TimeReader } from "./times.ts";

export interface ReplayOptions {
  readonly file: string;
  /** null: the layout that the file's start tells. */
  readonly layout: Layout | null;
  readonly layoutOptions: LayoutOptions;
  readonly encoding: Encoding | null;
  readonly negative: "doubt" | "export" | "skip";
  readonly accept: ReadonlySet<string>;
  readonly dryRun: boolean;
  readonly allowSkipped: boolean;
  /** Seconds of event time per second, or Infinity. */
  readonly speed: number;
  /** Days, or whole days to before now. */
  readonly shift: "now" | number;
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

function shift(text: string): "now" | number {
  if (text === "now") return "now";
  if (text === "none") return 0;
  if (!/^-?\d{1,5}$/.test(text)) throw new InvalidArgumentError("Expected now, none or a number of days.");
  return Number(text);
}

function interval(text: string): number {
  const lengthUs = lengthIn(text);
  if (lengthUs === null) throw new InvalidArgumentError("Expected a length such as 15m, 1h, 900s or PT15M.");
  return lengthUs;
}

function delimiter(text: string): string {
  const known: Readonly<Record<string, string>> = {
    tab: "\t",
    "\\t": "\t",
    comma: ",",
    semicolon: ";",
    pipe: "|",
  };
  const found = known[text] ?? text;
  if (found.length !== 1 || found === '"' || found === "\n" || found === "\r")
    throw new InvalidArgumentError("Expected one character, or tab.");
  return found;
}

function lines(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError("Expected a number of lines.");
  return Number(text);
}

function zone(text: string): string {
  if (!isZone(text)) throw new InvalidArgumentError("Expected a zone such as Europe/Paris, UTC or +10:00.");
  return text;
}

function accepted(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !doubtNames.some((known) => known === name));
  if (unknown !== undefined) throw new InvalidArgumentError(`Expected some of ${doubtNames.join(", ")}.`);
  return names;
}

function where(text: string, before: RowFilter[]): RowFilter[] {
  const [, column, sign, values] = /^\s*"?(.+?)"?\s*(!?=)\s*(.*?)\s*$/.exec(text) ?? [];
  if (column === undefined || values === undefined)
    throw new InvalidArgumentError("Expected COLUMN=text, COLUMN=a|b or COLUMN!=text.");
  return [
    ...before,
    { text, column, equal: sign === "=", values: values.split("|").map((value) => value.trim()) },
  ];
}

/** Makes the reader of times by `--date-pattern`. @throws Error where the pattern is none */
function timeReader(pattern: string | undefined): (zone: string) => TimeReader {
  if (pattern === undefined) return isoTime;
  const epoch = /^epoch-(\w+)$/.exec(pattern)?.[1];
  if (epoch === undefined) {
    patternTime(pattern, "UTC");
    return (zoneName) => patternTime(pattern, zoneName);
  }
  if (!isEpochUnit(epoch)) throw new Error("--date-pattern: epoch-s, epoch-ms, epoch-us or epoch-ns");
  return () => epochTime(epoch);
}

interface Given {
  format: string;
  map?: string;
  delimiter?: string;
  header: boolean;
  skipLines?: number;
  decimal?: "." | ",";
  datePattern?: string;
  stamp?: "start" | "end";
  interval?: number;
  standing?: boolean;
  where: RowFilter[];
  encoding?: Encoding;
  zone?: string;
  meter?: string;
  negative: "doubt" | "export" | "skip";
  accept: string[];
  dryRun: boolean;
  allowSkipped: boolean;
  speed: number;
  shift: "now" | number;
  meters: Selection;
  force: boolean;
}

function commandLine(): Command {
  const abouts = [...layouts.values()].map(({ name, about }) => `  ${name.padEnd(18)} ${about}`);
  return new Command()
    .name("npm run replay --")
    .description(
      "Sends real data through Kafka as sensor and meter events, in the order of their times. A reading's time stamp is the\n" +
        "start of its interval. Tells first what the file is; where a number is doubtful it sends nothing. See docs/replay.md.",
    )
    .argument("<file>", "a text file, or one packed by gzip")
    .addOption(
      new Option("--format <name>", "layout of the file")
        .choices(["auto", ...layouts.keys(), "csv"])
        .default("auto"),
    )
    .option("--dry-run", "send nothing: show what would be sent, what is doubted and what is skipped", false)
    .option("--accept <doubts>", `send all the same: ${doubtNames.join(", ")}`, accepted, [])
    .option("--allow-skipped", `exit with 0 where without it is ${exitCodes.incomplete}`, false)
    .option("--meter <name>", "the meter's name, for files that name none")
    .option(
      "--meters <names>",
      "only these meters, customers or sensors (a,b,c), or the first so many",
      selection,
      "all",
    )
    .option("--zone <zone>", "zone of local times, such as Europe/Paris or +10:00", zone)
    .addOption(
      new Option("--encoding <name>", "where it is not UTF-8 and no mark says so").choices(encodings),
    )
    .addOption(
      new Option("--negative <what>", "negative energy: a meter METER-export of its own, or left out")
        .choices(["doubt", "export", "skip"])
        .default("doubt"),
    )
    .option("--speed <factor>", "max, or seconds of event time per second", speed, Number.POSITIVE_INFINITY)
    .option(
      "--shift <to>",
      "now: whole days, so that the last event lies before now; none; or a number of days",
      shift,
      "now",
    )
    .option("--force", "send even what would be recorded as too late", false)
    .optionsGroup("Tables (--format csv):")
    .option("--map <fields>", "field=column,… see below")
    .option("--delimiter <character>", "between fields, also tab (,)", delimiter)
    .option("--no-header", "there is no header row: columns are #1, #2, …")
    .option("--skip-lines <number>", "lines before the header", lines)
    .addOption(
      new Option("--decimal <mark>", "decimal mark; the other one separates thousands").choices([".", ","]),
    )
    .option(
      "--date-pattern <pattern>",
      'such as "dd/MM/yyyy HH:mm", "M/d/yyyy h:mm a"; epoch-s, -ms, -us, -ns (ISO 8601)',
    )
    .addOption(
      new Option("--stamp <what>", "what a time stamp is of its interval (start)").choices(["start", "end"]),
    )
    .option("--interval <length>", "of an interval: 15m, 1h; for power, ends and @step", interval)
    .option("--standing", "readings are standings of a register: their differences are sent")
    .option(
      "--where <filter>",
      "only rows with COLUMN=text, COLUMN=a|b, COLUMN!=text (may be repeated)",
      where,
      [],
    )
    .addHelpText(
      "after",
      () => `
Layouts:
${abouts.join("\n")}
  ${"csv".padEnd(18)} any table, with --map

--map "meter_id=Meter,reading=Energy,unit='Wh',timestamp=When,zone=Europe/Paris"
  meters:  meter_id, customer_id, register, reading, unit     sensors: sensor_id, sensor_type, value
  both:    timestamp, or date and time, or date and period (1, 2, … of its day); zone
  sources: Column, "Column, in quotes", #3 (third column), 'constant', @column (name of the value's column),
           @step (its time of day: its place × --interval); a+b joins texts and adds numbers
  reading and value: a|b and a..b are several columns, each a value of its own

${exitHelp}`,
    );
}

function tableOptions(given: Given): TableOptions {
  return {
    delimiter: given.delimiter ?? ",",
    header: given.header,
    skipLines: given.skipLines ?? 0,
    decimal: given.decimal ?? null,
    timeReader: timeReader(given.datePattern),
    stamp: given.stamp ?? "start",
    intervalUs: given.interval ?? null,
    standing: given.standing ?? false,
    where: given.where,
  };
}

/** Options that say what a table is, and mean nothing for a layout that knows it. */
function strayTableOption(given: Given): string | undefined {
  const { delimiter, skipLines, decimal, datePattern, stamp, interval, standing } = given;
  const tableOnly = {
    "--map": given.map,
    "--delimiter": delimiter,
    "--skip-lines": skipLines,
    "--decimal": decimal,
  };
  const more = {
    "--date-pattern": datePattern,
    "--stamp": stamp,
    "--interval": interval,
    "--standing": standing,
  };
  if (!given.header) return "--no-header";
  if (given.where.length > 0) return "--where";
  return Object.entries({ ...tableOnly, ...more }).find(([, value]) => value !== undefined)?.[0];
}

/** Parses the command line; prints help or what is wrong and ends the process where there is nothing to replay. */
export function parseReplayOptions(argv: readonly string[]): ReplayOptions {
  const command = commandLine().parse(argv);
  const given = command.opts<Given>();
  const fail = (message: string) => command.error(`error: ${message}`, { exitCode: exitCodes.usage });
  let layout = layouts.get(given.format) ?? null;
  const isTable = given.format === "csv" || (given.format === "auto" && given.map !== undefined);
  if (isTable && given.map === undefined) fail("--format csv needs --map");
  const stray = isTable ? undefined : strayTableOption(given);
  if (stray !== undefined) fail(`${stray} goes with --format csv`);
  try {
    if (isTable) layout = mappedLayout(parseMap(given.map ?? ""), tableOptions(given));
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
  return {
    file: command.args[0] ?? "",
    layout,
    layoutOptions: { meter: given.meter ?? null, zone: given.zone ?? null },
    encoding: given.encoding ?? null,
    negative: given.negative,
    accept: new Set(given.accept),
    dryRun: given.dryRun,
    allowSkipped: given.allowSkipped,
    speed: given.speed,
    shift: given.shift,
    selection: given.meters,
    force: given.force,
  };
}
