// Values of command line options, as Commander wants them read.

import { InvalidArgumentError } from "commander";
import { parseInstant } from "../../lib/core/instant.ts";
import { readableTimes } from "../../lib/core/written-time.ts";

/** µs since the epoch. */
export function instantUs(text: string): number {
  const timeUs = parseInstant(text);
  if (typeof timeUs === "string") throw new InvalidArgumentError(`Expected ${readableTimes}.`);
  return timeUs;
}

/** 0 or more, of at most 15 digits. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("Expected a whole number.");
  return Number(text);
}
