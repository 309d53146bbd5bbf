// Values of `npm run replay`'s options, as Commander wants them read.

import { InvalidArgumentError } from "commander";
import { zoneProblem } from "../../lib/core/zone-names.ts";
import { messageOf } from "../../lib/log.ts";
import { doubtNames } from "./layout.ts";
import type { RowFilter } from "./map/layout.ts";
import type { Selection } from "./read.ts";
import type { WantedShift } from "./shift.ts";
import { type TimeFormat, timeFormat } from "./time-format.ts";
import { lengthIn } from "./times.ts";

export function speed(text: string): number {
  if (text === "max") return Number.POSITIVE_INFINITY;
  const factor = Number(text);
  if (!(factor > 0))
    throw new InvalidArgumentError("Expected max or a number above 0 (seconds of event time per second).");
  return factor;
}

export function selection(text: string): Selection {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  return text.split(",").map((name) => name.trim());
}

export function shift(text: string): Exclude<WantedShift, null> {
  if (text === "now") return "now";
  if (text === "none") return 0;
  if (!/^-?\d{1,5}$/.test(text)) throw new InvalidArgumentError("Expected now, none or a number of days.");
  return Number(text);
}

export function interval(text: string): number {
  const lengthUs = lengthIn(text);
  if (lengthUs === null) throw new InvalidArgumentError("Expected a length such as 15m, 1h, 900s or PT15M.");
  return lengthUs;
}

const DELIMITERS: Readonly<Record<string, string>> = {
  tab: "\t",
  "\\t": "\t",
  comma: ",",
  semicolon: ";",
  pipe: "|",
};

export function delimiter(text: string): string {
  const found = DELIMITERS[text] ?? text;
  if (found.length !== 1 || found === '"' || found === "\n" || found === "\r")
    throw new InvalidArgumentError("Expected one character, or tab.");
  return found;
}

export function lines(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError("Expected a number of lines.");
  return Number(text);
}

export function zone(text: string): string {
  const problem = zoneProblem(text);
  if (problem !== null) throw new InvalidArgumentError(`There is ${problem}.`);
  return text;
}

export function accepted(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !doubtNames.some((known) => known === name));
  if (unknown !== undefined) throw new InvalidArgumentError(`Expected some of ${doubtNames.join(", ")}.`);
  return names;
}

export function where(text: string, before: RowFilter[]): RowFilter[] {
  const [, column, sign, values] = /^\s*"?(.+?)"?\s*(!?=)\s*(.*?)\s*$/.exec(text) ?? [];
  if (column === undefined || values === undefined)
    throw new InvalidArgumentError("Expected COLUMN=text, COLUMN=a|b or COLUMN!=text.");
  return [
    ...before,
    { text, column, equal: sign === "=", values: values.split("|").map((value) => value.trim()) },
  ];
}

/** Of `--date-pattern`. */
export function datePattern(text: string): TimeFormat {
  try {
    return timeFormat(text);
  } catch (error) {
    // Commander says which option it was.
    throw new InvalidArgumentError(`${messageOf(error)}.`);
  }
}
