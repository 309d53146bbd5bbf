// Doubtful values for people and for programs.

import { countOf } from "../../lib/core/count.ts";
import { printable } from "../../lib/core/printable.ts";
import { type DoubtfulKind, type DoubtfulValue, doubtsInWords } from "../../lib/quarantine/doubtful.ts";
import type { Column } from "../terminal/columns.ts";

/** Kinds first, each with its words, then values, newest first. */
export function doubtfulText(kinds: readonly DoubtfulKind[], values: readonly DoubtfulValue[]): string[] {
  return [
    ...kinds.flatMap((kind) => [
      `${kind.stream} ${kind.field} ${kind.reason}: ${countOf(kind.values, "value")} from ${kind.least} to ${kind.most}, events of ${kind.first.toISOString()} to ${kind.last.toISOString()}`,
      `  the value ${doubtsInWords[kind.reason]}`,
    ]),
    ...values.map(
      ({ position, eventTime, field, value, reason }) =>
        `${printable(position)}  ${eventTime.toISOString()}  ${field} ${value}  ${reason}`,
    ),
  ];
}

/** For programs and spreadsheets. */
export const doubtfulColumns: readonly Column<DoubtfulValue>[] = [
  ["position", ({ position }) => position],
  ["stream", ({ stream }) => stream],
  ["event_time", ({ eventTime }) => eventTime.toISOString()],
  ["field", ({ field }) => field],
  ["value", ({ value }) => Number(value)],
  ["reason", ({ reason }) => reason],
  ["reason_in_words", ({ reason }) => `the value ${doubtsInWords[reason]}`],
  ["recorded_at", ({ recordedAt }) => recordedAt.toISOString()],
];
