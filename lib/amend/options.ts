// What `npm run amend` can be told.

import { type Command, InvalidArgumentError } from "commander";
import { instantUs } from "../terminal/options.ts";
import { type Amendment, type Correction, parseDecimal, type Selector } from "./entry.ts";

export interface SelectionOptions {
  readonly sensor?: string;
  readonly type?: string;
  readonly meter?: string;
  readonly customer?: string;
  readonly from: number;
  readonly to: number;
}

export interface CorrectionOptions {
  readonly multiply?: string;
  readonly unit?: string;
}

export function factor(text: string): string {
  try {
    parseDecimal(text);
  } catch {
    // Commander says which option it was.
    throw new InvalidArgumentError("Expected a decimal number such as 0.001.");
  }
  return text;
}

export function withSelection(command: Command): Command {
  return command
    .option("--sensor <id>", "a sensor's events")
    .option("--type <type>", "of this sensor type only")
    .option("--meter <id>", "a meter's readings, whoever its customer is")
    .option("--customer <id>", "all readings of a customer")
    .requiredOption("--from <instant>", "start of the span of event times", instantUs)
    .requiredOption("--to <instant>", "end of the span; events at this time are outside", instantUs);
}

export function withDecision(command: Command): Command {
  return command
    .requiredOption("--reason <text>", "why (kept with the amendment)")
    .requiredOption("--by <name>", "who decides (kept with the amendment)")
    .option("--dry-run", "show what would change, and change nothing", false);
}

function selectorOf({ sensor, type, meter, customer }: SelectionOptions): Selector {
  const named = [sensor, meter, customer].filter((id) => id !== undefined);
  if (named.length !== 1) throw new Error("whose events? Name one of --sensor, --meter, --customer");
  if (type !== undefined && sensor === undefined) throw new Error("--type goes with --sensor");
  if (sensor !== undefined) return { sensor, type: type ?? null };
  return meter !== undefined ? { meter } : { customer: customer ?? "" };
}

function correctionOf({ multiply, unit }: CorrectionOptions, selector: Selector): Correction {
  if (multiply !== undefined && unit === undefined) return { multiply };
  if (unit === undefined || multiply !== undefined) throw new Error("how? Give one of --multiply, --unit");
  if ("sensor" in selector) throw new Error("--unit is for readings: a sensor's values have no unit");
  return { unit };
}

/** @throws Error where the options do not say whose events, of which span, or how to correct them */
export function amendmentOf(options: SelectionOptions & CorrectionOptions, corrects: boolean): Amendment {
  const { from, to } = options;
  if (from >= to) throw new Error("--from has to lie before --to");
  const selector = selectorOf(options);
  return { selector, correction: corrects ? correctionOf(options, selector) : null, fromUs: from, toUs: to };
}
