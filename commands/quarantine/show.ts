// A quarantined record as text for a terminal: nothing in it can move the cursor or colour the screen. Pure.

import { countOf } from "../../lib/core/count.ts";
import { printable } from "../../lib/core/printable.ts";
import { formatPosition } from "../../lib/quarantine/position.ts";
import { reasonsInWords } from "../../lib/quarantine/reasons.ts";
import type { QuarantinedRecord } from "../../lib/quarantine/records.ts";

const HEX_COLUMNS = 16;

/** `00000000  7b 22 …  {"…`, 16 bytes a line. */
function hexLines(bytes: Buffer): string[] {
  return Array.from({ length: Math.ceil(bytes.length / HEX_COLUMNS) }, (_, line) => {
    const at = line * HEX_COLUMNS;
    const part = bytes.subarray(at, at + HEX_COLUMNS);
    const hex = (part.toString("hex").match(/../g) ?? []).join(" ");
    const ascii = part.toString("latin1").replaceAll(/[^ -~]/g, ".");
    return `  ${at.toString(16).padStart(8, "0")}  ${hex.padEnd(3 * HEX_COLUMNS - 1)}  ${ascii}`;
  });
}

function valueLines(title: string, value: Buffer | null): string[] {
  if (value === null) return [`${title}: none (null)`];
  return [
    `${title}, ${countOf(value.length, "byte")}:`,
    ...hexLines(value),
    `  as text: ${printable(value.toString("utf8"))}`,
  ];
}

function reasonText(reason: string, field: string | null): string {
  return field === null ? reason : `${reason} (${printable(field)})`;
}

function resolutionText(record: QuarantinedRecord): string {
  const { resolution, outcome, resolvedAt, resolvedBy, note } = record;
  if (resolution === null) return "unresolved";
  const what = outcome === null ? resolution : `${resolution} (${outcome})`;
  return `${what} ${resolvedAt?.toISOString()} by ${printable(resolvedBy ?? "")}${note === null ? "" : `: ${printable(note)}`}`;
}

function attemptsText({
  attempts,
  attemptedAt,
  attemptedBy,
  lastReason,
  lastField,
}: QuarantinedRecord): string {
  if (attempts === 0) return "";
  const why = lastReason === null ? "" : `, refused as ${reasonText(lastReason, lastField)}`;
  return `${countOf(attempts, "replay was", "replays were")} refused, the last one ${attemptedAt?.toISOString()} by ${printable(attemptedBy ?? "")}${why}`;
}

/** The parts of a line of a list. */
export function summaryOf(record: QuarantinedRecord): string[] {
  return [
    formatPosition(record),
    reasonText(record.reason, record.field),
    record.quarantinedAt.toISOString(),
    record.value === null ? "null" : countOf(record.value.length, "byte"),
    resolutionText(record),
    attemptsText(record),
  ].filter((part) => part !== "");
}

/** Everything that is known of a record. */
export function describeRecord(record: QuarantinedRecord): string {
  const attempts = attemptsText(record);
  return [
    `${formatPosition(record)} of ${printable(record.source)}`,
    `quarantined ${record.quarantinedAt.toISOString()} as ${reasonText(record.reason, record.field)}: the record's value ${reasonsInWords[record.reason]}`,
    ...(attempts === "" ? [] : [attempts]),
    resolutionText(record),
    ...valueLines("value", record.value),
    ...(record.editedValue === null ? [] : valueLines("replayed instead", record.editedValue)),
  ].join("\n");
}
