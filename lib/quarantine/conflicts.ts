// Conflicts for people and for programs: both events, with their positions.

import type { Pool } from "pg";
import { quoted } from "../terminal/printable.ts";
import { formatPosition } from "./position.ts";

interface ListedConflict {
  readonly id: number;
  readonly stream: string;
  readonly topic: string;
  readonly partition: number;
  readonly incarnation: number;
  readonly offset: number;
  readonly value: Buffer;
  readonly firstPartition: number;
  readonly firstIncarnation: number;
  readonly firstOffset: number;
  readonly firstValue: Buffer | null;
  readonly firstGone: boolean;
  readonly recordedAt: Date;
  /** Of the newest amendment in force that replaced the reading since. */
  readonly amendmentId: number | null;
  /** Whether it counts the second event in place of the first. */
  readonly countsNow: boolean;
}

/** The newest conflicts. @param id one of them; null for all */
export async function findConflicts(pool: Pool, id: number | null, limit: number): Promise<ListedConflict[]> {
  const { rows } = await pool.query<ListedConflict>(
    `SELECT id::float8 AS id, stream, topic, partition, incarnation, "offset"::float8 AS "offset", value,
       first_partition AS "firstPartition", first_incarnation AS "firstIncarnation",
       first_offset::float8 AS "firstOffset", first_value AS "firstValue", first_gone AS "firstGone",
       recorded_at AS "recordedAt", amendment_id::float8 AS "amendmentId", counts_now AS "countsNow"
     FROM conflict_listed WHERE $1::bigint IS NULL OR id = $1 ORDER BY conflict_listed.id DESC LIMIT $2`,
    [id, limit],
  );
  return rows;
}

function positionsOf(one: ListedConflict): { readonly counted: string; readonly other: string } {
  const { topic, partition, incarnation, offset } = one;
  return {
    counted: formatPosition({
      ...{ topic, partition: one.firstPartition, incarnation: one.firstIncarnation, offset: one.firstOffset },
    }),
    other: formatPosition({ topic, partition, incarnation, offset }),
  };
}

function firstText({ firstValue, firstGone }: ListedConflict): string {
  if (firstValue !== null) return quoted(firstValue.toString("utf8"));
  return firstGone
    ? "its value is gone from the topic"
    : "its value has not been read yet; the sweeper reads it";
}

/** Three lines: which, what was counted first, what was not. */
export function conflictText(conflict: ListedConflict): string {
  const { id, stream, recordedAt, amendmentId, countsNow, value } = conflict;
  const { counted, other } = positionsOf(conflict);
  const kept = amendmentId === null ? "counted" : "replaced";
  const set = countsNow ? "counts now" : "not counted";
  const by =
    amendmentId === null
      ? ""
      : ` (amendment ${amendmentId}${countsNow ? "" : " has set another value: npm run amend -- list"})`;
  return [
    `conflict ${id}  ${stream}  found ${recordedAt.toISOString()}${by}`,
    `  ${kept.padEnd(11)} ${counted}  ${firstText(conflict)}`,
    `  ${set.padEnd(11)} ${other}  ${quoted(value.toString("utf8"))}`,
  ].join("\n");
}

/** For programs; values as text, which a decoded event always is. */
export function conflictJson(conflict: ListedConflict): object {
  const { id, stream, recordedAt, amendmentId, countsNow, firstValue, firstGone, value } = conflict;
  const { counted, other } = positionsOf(conflict);
  return {
    ...{ id, stream, recordedAt, amendmentId, countsNow },
    counted: { position: counted, value: firstValue?.toString("utf8") ?? null, isGone: firstGone },
    other: { position: other, value: value.toString("utf8") },
  };
}
