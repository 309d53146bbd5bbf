// What `npm run replay` can be told.

import { type Command, Option } from "commander";
import { UsageError } from "../../lib/core/usage-error.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { asUsage, commandLine } from "../terminal/usage.ts";
import { exitHelp } from "./exit-codes.ts";
import { doubtNames, type Layout, type LayoutOptions } from "./layout.ts";
import { layouts } from "./layouts/index.ts";
import { mappedLayout, type RowFilter, type TableOptions } from "./map/layout.ts";
import { parseMap } from "./map/parse.ts";
import {
  accepted,
  datePattern,
  delimiter,
  interval,
  lines,
  selection,
  shift,
  speed,
  where,
  zone,
} from "./option-values.ts";
import type { Selection } from "./read.ts";
import type { WantedShift } from "./shift.ts";
import { type Encoding, encodings } from "./text.ts";
import { isoFormat, type TimeFormat } from "./time-format.ts";

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
  readonly shift: WantedShift;
  readonly selection: Selection;
  readonly force: boolean;
}

interface Given {
  format: string;
  map?: string;
  delimiter?: string;
  header: boolean;
  skipLines?: number;
  decimal?: "." | ",";
  datePattern?: TimeFormat;
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
  shift?: "now" | number;
  meters: Selection;
  force: boolean;
}

function replayCommand(): Command {
  const abouts = [...layouts.values()].map(({ name, about }) => `  ${name.padEnd(18)} ${about}`);
  return commandLine("replay")
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
      "of all times: now (by whole days, so that the last event lies before now), none, or a number of days (none, where the pipeline counts all of the file's times as they are)",
      shift,
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
      datePattern,
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
    times: given.datePattern ?? isoFormat,
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

function layoutOf(given: Given): Layout | null {
  const isTable = given.format === "csv" || (given.format === "auto" && given.map !== undefined);
  if (!isTable) {
    const stray = strayTableOption(given);
    if (stray !== undefined)
      throw new UsageError(`${stray} is for tables: say --map as well, or leave ${stray} out`);
    return layouts.get(given.format) ?? null;
  }
  const { map } = given;
  if (map === undefined)
    throw new UsageError(
      '--format csv needs --map, such as --map "meter_id=COLUMN,reading=COLUMN,timestamp=COLUMN"',
    );
  return asUsage(() => mappedLayout(parseMap(map), tableOptions(given)));
}

/**
 * Parses the command line; prints help or what Commander finds wrong, and ends the process then.
 * @throws UsageError where the options do not fit together
 */
export function parseReplayOptions(argv: readonly string[]): ReplayOptions {
  const command = replayCommand().parse(argv);
  const given = command.opts<Given>();
  return {
    file: command.args[0] ?? "",
    layout: layoutOf(given),
    layoutOptions: { meter: given.meter ?? null, zone: given.zone ?? null },
    encoding: given.encoding ?? null,
    negative: given.negative,
    accept: new Set(given.accept),
    dryRun: given.dryRun,
    allowSkipped: given.allowSkipped,
    speed: given.speed,
    shift: given.shift ?? null,
    selection: given.meters,
    force: given.force,
  };
}
