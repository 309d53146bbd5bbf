// What `npm run quarantine` can be told of which records, and by whom.

import { type Command, InvalidArgumentError, Option } from "commander";
import type { DoubtfulFilter } from "../../lib/quarantine/doubtful.ts";
import { recordFields } from "../../lib/quarantine/known.ts";
import { reasonsInWords } from "../../lib/quarantine/reasons.ts";
import { doubtReasons } from "../../lib/streams/doubt.ts";
import { streams } from "../../lib/streams/streams.ts";
import { instantUs, wholeNumber } from "../terminal/options.ts";

/** Where a limit is not said, people are shown so many records, and so many are changed. */
export const USUAL_LIMIT = 100;

export interface Selection {
  readonly source?: string;
  readonly topic?: string;
  readonly partition?: number;
  readonly incarnation?: number;
  readonly offsets?: [number, number];
  readonly reason?: string;
  readonly field?: string;
  readonly since?: number;
  readonly until?: number;
  readonly state: "unresolved" | "replayed" | "discarded" | "all";
  readonly limit?: number;
}

/** How records are printed: for people, or for programs. */
export interface Form {
  readonly json: boolean;
  readonly csv: boolean;
}

export interface SignedNote {
  readonly by: string;
  readonly note?: string;
}

/** Which conflicts; since and until when they were found, µs. */
export interface DismissOptions {
  readonly stream?: string;
  readonly since?: number;
  readonly until?: number;
  readonly all: boolean;
}

export function withDismissal(command: Command): Command {
  return command
    .addOption(new Option("--stream <name>", "only conflicts of this stream").choices(Object.keys(streams)))
    .option("--since <instant>", "only conflicts found at or after", instantUs)
    .option("--until <instant>", "only conflicts found before", instantUs)
    .option("--all", "all that are to be looked at", false);
}

export interface ReplayOptions extends SignedNote {
  readonly edit?: string;
  readonly set: readonly string[];
  readonly setAll: boolean;
  readonly force: boolean;
  readonly dryRun: boolean;
}

function offsetRange(text: string): [number, number] {
  const match = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(text);
  if (match === null) throw new InvalidArgumentError("Expected an offset or first-last.");
  return [Number(match[1]), Number(match[2] ?? match[1])];
}

function atLeastOne(text: string): number {
  const number = wholeNumber(text);
  if (number === 0) throw new InvalidArgumentError("Expected 1 or more.");
  return number;
}

function limitOf(what: string): Option {
  return new Option(
    "--limit <number>",
    `at most this many ${what} (default: ${USUAL_LIMIT}; all with --json or --csv)`,
  ).argParser(atLeastOne);
}

export function withSelection(command: Command): Command {
  return command
    .argument(
      "[position...]",
      "as `list` names it: topic-partition@offset; without one, the filters below choose the records",
    )
    .option("--source <cluster>", "only records of this cluster")
    .option("--topic <name>", "only records of this topic")
    .option("--partition <number>", "only records of this partition", wholeNumber)
    .option("--incarnation <number>", "only records of this log of the topic; 0 is the first", wholeNumber)
    .option("--offsets <first-last>", "only records at these offsets", offsetRange)
    .addOption(
      new Option("--reason <code>", "only records refused for this reason").choices(
        Object.keys(reasonsInWords),
      ),
    )
    .addOption(
      new Option("--field <name>", "only records refused because of this field").choices(recordFields),
    )
    .option("--since <instant>", "only records quarantined at or after", instantUs)
    .option("--until <instant>", "only records quarantined before", instantUs)
    .addOption(
      new Option("--state <state>", "only records in this state")
        .choices(["unresolved", "replayed", "discarded", "all"])
        .default("unresolved"),
    )
    .addOption(limitOf("records"));
}

export interface DoubtfulOptions extends DoubtfulFilter {
  readonly limit?: number;
}

export function withDoubtful(command: Command): Command {
  return command
    .option("--topic <name>", "only values of this topic")
    .addOption(new Option("--field <name>", "only values of this field").choices(recordFields))
    .addOption(
      new Option("--reason <code>", "only values that are doubted for this reason").choices([
        ...doubtReasons,
      ]),
    )
    .option("--since <instant>", "only values recorded at or after", instantUs)
    .option("--until <instant>", "only values recorded before", instantUs)
    .addOption(limitOf("values, the newest"));
}

/** Which conflicts are listed. */
export interface ConflictOptions {
  readonly open: boolean;
  readonly limit?: number;
}

export function withConflicts(command: Command): Command {
  return command
    .option("--open", "only those that are to be looked at: neither dismissed nor replaced", false)
    .addOption(limitOf("conflicts, the newest"));
}

export function withForm(command: Command): Command {
  return command
    .addOption(
      new Option("--json", "print a JSON array with a record on each line").default(false).conflicts("csv"),
    )
    .option("--csv", "print CSV (RFC 4180) with a header", false);
}

export function withNote(command: Command): Command {
  return command
    .requiredOption("--by <name>", "who decides (kept with the record)")
    .option("--note <text>", "why (kept with the record)");
}
