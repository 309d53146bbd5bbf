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

/** A change of everything in quarantine has to be meant: `--state unresolved` alone says too little. */
export function requireChoice(positions: readonly string[], options: Selection): void {
  const { state: _, limit: __, ...chosen } = options;
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
  if (positions.length === 0 && !filters.some((name) => name in chosen))
    throw new Error("which records? Name positions or at least one filter, such as --topic");
}
