// Values of command line options, as Commander wants them read.

import { InvalidArgumentError } from "commander";
import { parseInstant } from "../core/instant.ts";

/** µs since the epoch. */
export function instantUs(text: string): number {
  const timeUs = parseInstant(text);
  if (timeUs === null) throw new InvalidArgumentError("Expected an instant such as 2026-01-15T10:00:00Z.");
  return timeUs;
}

/** 0 or more, of at most 15 digits. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("Expected a whole number.");
  return Number(text);
}
