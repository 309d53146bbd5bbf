// The columns of quarantined records for programs and spreadsheets.

import { printable } from "../../lib/core/printable.ts";
import { formatPosition } from "../../lib/quarantine/position.ts";
import { readableBytes } from "../../lib/quarantine/readable.ts";
import { reasonsInWords } from "../../lib/quarantine/reasons.ts";
import type { QuarantinedRecord } from "../../lib/quarantine/records.ts";
import type { Column } from "../terminal/columns.ts";

/** Bytes as text, how they are written in it, and how many they are; null for none. */
export function bytesColumns<T>(name: string, bytesOf: (record: T) => Buffer | null): Column<T>[] {
  const readable = (record: T) => {
    const bytes = bytesOf(record);
    return bytes === null ? null : readableBytes(bytes);
  };
  return [
    [name, (record) => readable(record)?.text ?? null],
    [`${name}_encoding`, (record) => readable(record)?.encoding ?? null],
    [`${name}_bytes`, (record) => bytesOf(record)?.length ?? null],
  ];
}

/** What an operator wrote is text; only its control characters are made visible. */
export function shown(text: string | null): string | null {
  return text === null ? null : printable(text);
}

/** docs/quarantine.md explains them. */
export const quarantineColumns: readonly Column<QuarantinedRecord>[] = [
  ["position", formatPosition],
  ["source", (record) => record.source],
  ["topic", (record) => record.topic],
  ["partition", (record) => record.partition],
  ["incarnation", (record) => record.incarnation],
  ["offset", (record) => record.offset],
  ["reason", (record) => record.reason],
  ["reason_in_words", (record) => `the record's value ${reasonsInWords[record.reason]}`],
  ["field", (record) => record.field],
  ...bytesColumns<QuarantinedRecord>("value", (record) => record.value),
  ["quarantined_at", (record) => record.quarantinedAt.toISOString()],
  ["resolution", (record) => record.resolution ?? "unresolved"],
  ["outcome", (record) => record.outcome],
  ["resolved_at", (record) => record.resolvedAt?.toISOString() ?? null],
  ["resolved_by", (record) => shown(record.resolvedBy)],
  ["note", (record) => shown(record.note)],
  ...bytesColumns<QuarantinedRecord>("edited_value", (record) => record.editedValue),
  ["attempts", (record) => record.attempts],
  ["attempted_at", (record) => record.attemptedAt?.toISOString() ?? null],
  ["attempted_by", (record) => shown(record.attemptedBy)],
  ["last_reason", (record) => record.lastReason],
  ["last_field", (record) => record.lastField],
];
