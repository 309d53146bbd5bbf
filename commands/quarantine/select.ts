// The records that a command line means.

import type { Pool } from "pg";
import { UsageError } from "../../lib/core/usage-error.ts";
import { parsePosition } from "../../lib/quarantine/position.ts";
import {
  eachRecord,
  findRecords,
  type QuarantinedRecord,
  type RecordFilter,
  recordAt,
} from "../../lib/quarantine/records.ts";
import { type Selection, USUAL_LIMIT } from "./options.ts";

function filterOf({ since, until, ...filter }: Selection, limit: number): RecordFilter {
  return {
    ...filter,
    limit,
    ...(since === undefined ? {} : { sinceUs: since }),
    ...(until === undefined ? {} : { untilUs: until }),
  };
}

/** All records that are meant, one after the other. @throws Error where a position is none, or is not in quarantine */
export async function* eachSelected(
  pool: Pool,
  positions: readonly string[],
  options: Selection,
): AsyncGenerator<QuarantinedRecord> {
  for (const text of new Set(positions)) yield await recordAt(pool, parsePosition(text), options.source);
  if (positions.length === 0)
    yield* eachRecord(pool, filterOf(options, options.limit ?? Number.POSITIVE_INFINITY));
}

export interface SelectedRecords {
  readonly records: readonly QuarantinedRecord[];
  /** The limit, where more records fit than it lets through. */
  readonly cutAt: number | null;
}

/** The records that are meant, up to the limit. @throws Error where a position is none, or is not in quarantine */
export async function selectRecords(
  pool: Pool,
  positions: readonly string[],
  options: Selection,
): Promise<SelectedRecords> {
  const limit = options.limit ?? USUAL_LIMIT;
  if (positions.length > 0) {
    const records = await Promise.all(
      [...new Set(positions)].map((text) => recordAt(pool, parsePosition(text), options.source)),
    );
    return { records, cutAt: null };
  }
  const records = await findRecords(pool, filterOf(options, limit + 1));
  return { records: records.slice(0, limit), cutAt: records.length > limit ? limit : null };
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
    throw new UsageError("which records? Name positions or at least one filter, such as --topic");
}

/** Said where no record is selected: whether quarantine has none, or none that matches. */
export function noneText(options: Selection): string {
  const records = options.state === "all" ? "records" : `${options.state} records`;
  return `quarantine has no ${records}${hasFilter(options) ? " that match" : ""}`;
}
