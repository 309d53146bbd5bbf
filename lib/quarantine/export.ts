// Quarantined records for programs and spreadsheets: JSON and CSV of the same columns, piece by piece.

import { type CsvCell, csvLine } from "../terminal/csv.ts";
import { printable } from "../terminal/printable.ts";
import { formatPosition } from "./position.ts";
import { readableBytes } from "./readable.ts";
import { reasonsInWords } from "./reasons.ts";
import type { QuarantinedRecord } from "./records.ts";

type Column = readonly [name: string, cellOf: (record: QuarantinedRecord) => CsvCell];

function bytesColumns(name: string, bytesOf: (record: QuarantinedRecord) => Buffer | null): Column[] {
  const readable = (record: QuarantinedRecord) => {
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
function shown(text: string | null): string | null {
  return text === null ? null : printable(text);
}

/** docs/quarantine.md explains them. */
const columns: readonly Column[] = [
  ["position", formatPosition],
  ["source", (record) => record.source],
  ["topic", (record) => record.topic],
  ["partition", (record) => record.partition],
  ["incarnation", (record) => record.incarnation],
  ["offset", (record) => record.offset],
  ["reason", (record) => record.reason],
  ["reason_in_words", (record) => `the record's value ${reasonsInWords[record.reason]}`],
  ["field", (record) => record.field],
  ...bytesColumns("value", (record) => record.value),
  ["quarantined_at", (record) => record.quarantinedAt.toISOString()],
  ["resolution", (record) => record.resolution ?? "unresolved"],
  ["outcome", (record) => record.outcome],
  ["resolved_at", (record) => record.resolvedAt?.toISOString() ?? null],
  ["resolved_by", (record) => shown(record.resolvedBy)],
  ["note", (record) => shown(record.note)],
  ...bytesColumns("edited_value", (record) => record.editedValue),
  ["attempts", (record) => record.attempts],
  ["attempted_at", (record) => record.attemptedAt?.toISOString() ?? null],
  ["attempted_by", (record) => shown(record.attemptedBy)],
  ["last_reason", (record) => record.lastReason],
  ["last_field", (record) => record.lastField],
];

/** A header, then a line for each record; lines end as RFC 4180 has it. */
export async function* csvOf(records: AsyncIterable<QuarantinedRecord>): AsyncGenerator<string> {
  yield csvLine(columns.map(([name]) => name));
  for await (const record of records) yield csvLine(columns.map(([, cellOf]) => cellOf(record)));
}

/** One JSON array, a record a line. A part of it is no JSON, so that nobody takes a part for the whole. */
export async function* jsonOf(records: AsyncIterable<QuarantinedRecord>): AsyncGenerator<string> {
  let before = "[\n";
  for await (const record of records) {
    const cells = columns.map(([name, cellOf]): [string, CsvCell] => [name, cellOf(record)]);
    yield `${before}${JSON.stringify(Object.fromEntries(cells))}`;
    before = ",\n";
  }
  yield before === "[\n" ? "[]\n" : "\n]\n";
}
