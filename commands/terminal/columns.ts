// Records for programs and spreadsheets: CSV and JSON of the same columns, piece by piece.

import { type CsvCell, csvLine } from "./csv.ts";

export type Column<T> = readonly [name: string, cellOf: (record: T) => CsvCell];

type Records<T> = AsyncIterable<T> | Iterable<T>;

/** A header, then a line for each record; lines end as RFC 4180 has it. */
export async function* csvOf<T>(columns: readonly Column<T>[], records: Records<T>): AsyncGenerator<string> {
  yield csvLine(columns.map(([name]) => name));
  for await (const record of records) yield csvLine(columns.map(([, cellOf]) => cellOf(record)));
}

/** One JSON array, a record a line. A part of it is no JSON, so that nobody takes a part for the whole. */
export async function* jsonOf<T>(columns: readonly Column<T>[], records: Records<T>): AsyncGenerator<string> {
  let before = "[\n";
  for await (const record of records) {
    const cells = columns.map(([name, cellOf]): [string, CsvCell] => [name, cellOf(record)]);
    yield `${before}${JSON.stringify(Object.fromEntries(cells))}`;
    before = ",\n";
  }
  yield before === "[\n" ? "[]\n" : "\n]\n";
}
