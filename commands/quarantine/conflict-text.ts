// Conflicts for people and for programs: both events, with their positions.

import { countOf } from "../../lib/core/count.ts";
import { quoted } from "../../lib/core/printable.ts";
import type { ConflictCounts, ListedConflict } from "../../lib/quarantine/conflicts.ts";
import { formatPosition } from "../../lib/quarantine/position.ts";
import type { Column } from "../terminal/columns.ts";
import { bytesColumns, shown } from "./record-columns.ts";

/** One line below the list. */
export function conflictCountsText({ all, open, read }: ConflictCounts): string {
  const reading = read === all ? "" : `; the sweeper has read ${read} of ${all} first events so far`;
  return `${countOf(all, "conflict")} on record, ${open} to look at${reading}`;
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
    : "its value has not been read yet; the sweeper will read it";
}

function fateText({
  amendmentId,
  countsNow,
  dismissedAt,
  dismissedBy,
  dismissedNote,
}: ListedConflict): string {
  if (amendmentId !== null)
    return ` (amendment ${amendmentId}${countsNow ? "" : " has set another value: npm run amend -- list"})`;
  if (dismissedAt === null || dismissedBy === null) return "";
  const why = dismissedNote === null ? "" : `: ${quoted(dismissedNote)}`;
  return ` (dismissed ${dismissedAt.toISOString()} by ${quoted(dismissedBy)}${why})`;
}

/** Three lines: which, what was counted first, what was not. */
export function conflictText(conflict: ListedConflict): string {
  const { id, stream, recordedAt, amendmentId, countsNow, value } = conflict;
  const { counted, other } = positionsOf(conflict);
  const kept = amendmentId === null ? "counted" : "replaced";
  const set = countsNow ? "counts now" : "not counted";
  return [
    `conflict ${id}  ${stream}  found ${recordedAt.toISOString()}${fateText(conflict)}`,
    `  ${kept.padEnd(11)} ${counted}  ${firstText(conflict)}`,
    `  ${set.padEnd(11)} ${other}  ${quoted(value.toString("utf8"))}`,
  ].join("\n");
}

/** For programs and spreadsheets; docs/quarantine.md explains them. */
export const conflictColumns: readonly Column<ListedConflict>[] = [
  ["id", ({ id }) => id],
  ["stream", ({ stream }) => stream],
  ["recorded_at", ({ recordedAt }) => recordedAt.toISOString()],
  ["position", (conflict) => positionsOf(conflict).other],
  ...bytesColumns<ListedConflict>("value", ({ value }) => value),
  ["first_position", (conflict) => positionsOf(conflict).counted],
  ...bytesColumns<ListedConflict>("first_value", ({ firstValue }) => firstValue),
  ["first_gone", ({ firstGone }) => firstGone],
  ["amendment_id", ({ amendmentId }) => amendmentId],
  ["counts_now", ({ countsNow }) => countsNow],
  ["dismissed_at", ({ dismissedAt }) => dismissedAt?.toISOString() ?? null],
  ["dismissed_by", ({ dismissedBy }) => shown(dismissedBy)],
  ["dismissed_note", ({ dismissedNote }) => shown(dismissedNote)],
];
