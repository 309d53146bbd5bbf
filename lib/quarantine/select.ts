// The records that a command line means.

import type { Pool } from "pg";
import type { Selection } from "./options.ts";
import { parsePosition } from "./position.ts";
import { findRecords, type QuarantinedRecord, recordAt } from "./records.ts";

/** @throws Error where a position is none, or is not in quarantine */
export async function selectRecords(
  pool: Pool,
  positions: readonly string[],
  options: Selection,
): Promise<QuarantinedRecord[]> {
  if (positions.length > 0)
    return Promise.all(positions.map((text) => recordAt(pool, parsePosition(text), options.source)));
  const { since, until, ...filter } = options;
  return findRecords(pool, {
    ...filter,
    ...(since === undefined ? {} : { sinceUs: since }),
    ...(until === undefined ? {} : { untilUs: until }),
  });
}

function hasFilter(options: Selection): boolean {
  const filters = [
    "source",
    "topic",
    "partition",
    "incarnation",
    "offsets",
    "reason",
    "field",
    "since",
    "until",
  ];
  return filters.some((name) => name in options);
}

/** A change of everything in quarantine has to be meant: `--state unresolved` alone says too little. */
export function requireChoice(positions: readonly string[], options: Selection): void {
  if (positions.length === 0 && !hasFilter(options))
    throw new Error("which records? Name positions or at least one filter, such as --topic");
}

/** Said where no record is selected: whether quarantine has none, or none that fits. */
export function noneText(options: Selection): string {
  const records = options.state === "all" ? "records" : `${options.state} records`;
  return `quarantine has no ${records}${hasFilter(options) ? " that fit" : ""}`;
}
