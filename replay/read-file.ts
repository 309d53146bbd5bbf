// Reads a data file into readings, in the order of their times: the watermark of a stream follows its newest events,
// so meters that stand one after the other in a file have to be merged.

import { createReadStream } from "node:fs";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { parse } from "csv-parse";
import type { Format, Row } from "./formats.ts";
import { keyOf, type Reading, SkippedRow } from "./reading.ts";

export interface FileContents {
  /** Data rows, without the header. */
  readonly rows: number;
  readonly readings: readonly Reading[];
  /** Rows that give no reading: how many and the first line numbers, by reason. */
  readonly skipped: ReadonlyMap<string, { readonly count: number; readonly lines: readonly number[] }>;
}

const LISTED_LINES = 5;

interface Parsed {
  readonly record: Row;
  readonly info: { readonly lines: number; readonly error?: unknown };
}

/** Which of the meters to take: all, the first so many, or those named. */
export type Selection = "all" | number | readonly string[];

function selector(selection: Selection): (reading: Reading) => boolean {
  if (selection === "all") return () => true;
  const chosen = new Set<string>(typeof selection === "number" ? [] : selection);
  return (reading) => {
    const key = keyOf(reading);
    if (typeof selection === "number" && chosen.size < selection) chosen.add(key);
    return chosen.has(key) || (reading.kind === "meter" && chosen.has(reading.customerId));
  };
}

/**
 * @param path a file, read through gunzip where its name ends in .gz
 * @throws Error where the file cannot be read or lacks a column of the format
 */
export async function readDataFile(
  path: string,
  format: Format,
  selection: Selection,
): Promise<FileContents> {
  const raw = createReadStream(path);
  const text = path.endsWith(".gz") ? pipeline(raw, createGunzip(), () => undefined) : raw; // errors reach the parser
  const parser = parse({
    bom: true,
    delimiter: format.delimiter,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    columns: (header: string[]) => {
      const names = header.map((name) => name.trim());
      const missing = format.columns.filter((column) => !names.includes(column));
      if (missing.length > 0)
        throw new Error(`${path}: no column ${missing.join(", ")}; it has ${names.join(", ")}`);
      return names;
    },
  });
  for (const stream of [raw, text]) stream.once("error", (error: Error) => parser.destroy(error));
  text.pipe(parser);

  const isSelected = selector(selection);
  const readings: Reading[] = [];
  const skipped = new Map<string, { count: number; lines: number[] }>();
  let rows = 0;
  const parsed: AsyncIterable<Parsed> = Readable.from(parser);
  for await (const { record, info } of parsed) {
    rows++;
    try {
      const width = Object.keys(record).length;
      if (width < format.columns.length) throw new SkippedRow("the row is cut off");
      for (const reading of format.read(record)) if (isSelected(reading)) readings.push(reading);
    } catch (error) {
      if (!(error instanceof SkippedRow)) throw error;
      const entry = skipped.get(error.message) ?? { count: 0, lines: [] };
      entry.count++;
      if (entry.lines.length < LISTED_LINES) entry.lines.push(info.lines);
      skipped.set(error.message, entry);
    }
  }
  readings.sort((a, b) => a.timeMs - b.timeMs);
  return { rows, readings, skipped };
}

const DAY_MS = 86_400_000;

/** Whole days by which readings move so that the last one lies before now and the time of day stays. */
export function shiftToNow(readings: readonly Reading[], nowMs: number): number {
  const last = readings.at(-1);
  return last === undefined ? 0 : Math.floor((nowMs - last.timeMs) / DAY_MS) * DAY_MS;
}
