// What `npm run amend` can be told.

import { type Command, InvalidArgumentError, Option } from "commander";
import type { Amendment, Correction, Selector } from "../../lib/amend/entry.ts";
import type { Reading } from "../../lib/amend/find-reading.ts";
import { parseDecimal } from "../../lib/core/decimal.ts";
import { UsageError } from "../../lib/core/usage-error.ts";
import type { EnergyUnit } from "../../lib/streams/streams.ts";
import { instantUs, wholeNumber } from "../terminal/options.ts";

export interface SelectionOptions {
  readonly sensor?: string;
  readonly type?: string;
  readonly meter?: string;
  readonly eventId?: string;
  readonly customer?: string;
  readonly from?: number;
  readonly to?: number;
}

export interface CorrectionOptions {
  readonly multiply?: string;
  readonly unit?: string;
}

export function factor(text: string): string {
  if (parseDecimal(text) === null) throw new InvalidArgumentError("Expected a decimal number such as 0.001.");
  return text;
}

export function withSelection(command: Command): Command {
  return command
    .option("--sensor <id>", "a sensor's events")
    .option("--type <type>", "of this sensor type only")
    .option("--meter <id>", "a meter's readings, for all its customers")
    .option("--event-id <id>", "of the meter: this one reading, which needs no span")
    .option("--customer <id>", "all readings of a customer")
    .option("--from <instant>", "start of the span of event times", instantUs)
    .option("--to <instant>", "end of the span; events at this time are outside", instantUs);
}

export function withReason(command: Command): Command {
  return command
    .requiredOption("--reason <text>", "why (kept with the amendment)")
    .requiredOption("--by <name>", "who decides (kept with the amendment)")
    .option("--dry-run", "show what would change, and change nothing", false);
}

function selectorOf({ sensor, type, meter, eventId, customer }: SelectionOptions): Selector {
  const named = [sensor, meter, customer].filter((id) => id !== undefined);
  if (named.length !== 1) throw new UsageError("whose events? Name one of --sensor, --meter, --customer");
  if (type !== undefined && sensor === undefined) throw new UsageError("--type goes with --sensor");
  if (eventId !== undefined && meter === undefined) throw new UsageError("--event-id goes with --meter");
  if (sensor !== undefined) return { sensor, type: type ?? null };
  if (meter === undefined) return { customer: customer ?? "" };
  return eventId === undefined ? { meter } : { meter, eventId };
}

function correctionOf({ multiply, unit }: CorrectionOptions, selector: Selector): Correction {
  if (multiply !== undefined && unit === undefined) return { multiply };
  if (unit === undefined || multiply !== undefined)
    throw new UsageError("how? Give one of --multiply, --unit");
  if ("sensor" in selector) throw new UsageError("--unit is for readings: a sensor's values have no unit");
  return { unit };
}

/**
 * @param spanOf finds the span of one reading, which has to be told of all else
 * @throws Error where the options do not say whose events, of which span, or how to correct them
 */
export async function amendmentOf(
  options: SelectionOptions & CorrectionOptions,
  corrects: boolean,
  spanOf: (reading: Reading) => Promise<Pick<Amendment, "fromUs" | "toUs">>,
): Promise<Amendment> {
  const { meter, eventId, from, to } = options;
  const selector = selectorOf(options);
  const correction = corrects ? correctionOf(options, selector) : null;
  if (from === undefined && to === undefined && meter !== undefined && eventId !== undefined) {
    const { fromUs, toUs } = await spanOf({ meter, eventId });
    return { selector, correction, fromUs, toUs };
  }
  if (from === undefined || to === undefined)
    throw new UsageError(
      "which span of event times? Give --from and --to, such as --from 2026-01-15T10:00:00Z --to 2026-01-15T11:00:00Z",
    );
  if (from >= to) throw new UsageError("--from has to lie before --to");
  return { selector, correction, fromUs: from, toUs: to };
}

export interface ReplacementOptions {
  readonly meter?: string;
  readonly eventId?: string;
  readonly reading?: string;
  readonly unit: EnergyUnit;
  readonly conflict?: number;
}

export function withReplacement(command: Command): Command {
  return command
    .option("--meter <id>", "the reading of this meter")
    .option("--event-id <id>", "with this event_id")
    .option("--reading <number>", "counts with this value", factor)
    .addOption(new Option("--unit <unit>", "of the value").choices(["kWh", "Wh", "MWh"]).default("kWh"))
    .option(
      "--conflict <id>",
      "or: the second event of a conflict counts in place of the first",
      wholeNumber,
    );
}

/** @throws Error where the options do not say which reading, and what replaces it */
export function replacementOf({ meter, eventId, reading, unit, conflict }: ReplacementOptions) {
  if (conflict !== undefined) {
    if (meter !== undefined || eventId !== undefined || reading !== undefined)
      throw new UsageError(
        "--conflict says which reading and which value: leave --meter, --event-id, --reading out",
      );
    return { conflict };
  }
  if (meter === undefined || eventId === undefined || reading === undefined)
    throw new UsageError("which reading, by what? Give --meter, --event-id and --reading, or --conflict");
  return { reading: { meter, eventId }, value: reading, unit };
}
