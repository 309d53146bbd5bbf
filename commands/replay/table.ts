// Layouts that are tables with a header row.

import { UsageError } from "../../lib/core/usage-error.ts";
import { type Found, type Layout, type LayoutOptions, SkippedRow } from "./layout.ts";
import { cellsOf, rowsOf } from "./rows.ts";

/** A row by the names of its columns. */
export interface Row {
  readonly line: number;
  /** The trimmed text of a column, empty where the cell is. @throws Error where there is no such column, or two */
  text(column: string): string;
}

/** Reads the rows of one file. */
export interface RowReader {
  /** @throws SkippedRow where the row gives no reading */
  row(row: Row): Iterable<Found>;
  /** What the whole file has shown. */
  end?(): Iterable<Found>;
}

export interface Table {
  readonly name: string;
  readonly about: string;
  readonly zoneOfLocalTimes?: string | null;
  readonly delimiter: string;
  /** Columns that every file of this layout has; the first row that holds them all is the header. */
  readonly columns: readonly string[];
  /** Tells the header of layouts whose columns are not named alike in every file; `columns` is then an example. */
  readonly isHeader?: (cells: readonly string[]) => boolean;
  /** false: there is none, and the columns are #1, #2, … as many as the first row has. */
  readonly header?: boolean;
  /** Lines before the header that are passed over unread. */
  readonly skipLines?: number;
  /** @param header the columns' names, for layouts with columns that differ from file to file */
  open(options: LayoutOptions, header: readonly string[]): RowReader;
}

/** The header stands within so many rows. */
const HEADER_ROWS = 50;

/** Positions of the columns by name; a name that occurs twice has none. */
class Header {
  readonly names: readonly string[];
  readonly #positions = new Map<string, number>();
  /** Cells that a row must have: up to the last column with a name. */
  readonly width: number;

  constructor(names: readonly string[]) {
    this.names = names;
    this.width = names.findLastIndex((name) => name !== "") + 1;
    names.forEach((name, i) => {
      this.#positions.set(name, this.#positions.has(name) ? -1 : i);
    });
  }

  has(column: string): boolean {
    return this.#positions.has(column);
  }

  /** @throws Error where there is no such column, or two */
  position(column: string): number {
    const numbered = /^#(\d+)$/.exec(column)?.[1];
    const position =
      this.#positions.get(column) ?? (numbered === undefined ? undefined : Number(numbered) - 1);
    if (position === undefined || position >= this.names.length) {
      const [, other] = this.names.length === 1 ? (/([;\t|,])/.exec(this.names[0] ?? "") ?? []) : [];
      const hint = other === undefined ? "" : `; say --delimiter ${other === "\t" ? "tab" : `"${other}"`}?`;
      throw new UsageError(
        `no column ${column}; it has ${this.names.filter((name) => name !== "").join(", ")}${hint}`,
      );
    }
    if (position < 0)
      throw new UsageError(`the column ${column} occurs twice: say which by its number, #1 is the first`);
    return position;
  }
}

/** @throws SkippedRow where the row has too few cells, or more than the header has names for */
function checkWidth(cells: readonly string[], width: number): void {
  const filled = cells.findLastIndex((cell) => cell !== "") + 1;
  if (cells.length >= width && filled <= width) return;
  const has = cells.length < width ? cells.length : filled;
  throw new SkippedRow(
    has < width
      ? `the row has fewer fields than the header: ${has} of ${width}`
      : `the row has more fields than the header: ${has}, not ${width} (a decimal comma without quotes?)`,
  );
}

/** Whether two cells beside each other may be a number that its own decimal comma has cut. */
function hasSplitNumber(cells: readonly string[]): boolean {
  return cells.some((cell, i) => /^[+-]?\d+$/.test(cell) && /^\d{1,6}$/.test(cells[i + 1] ?? ""));
}

/** The last cells of the rows, by which a last row is told that a cut has shortened: all others are of one length. */
class LastCells {
  #length = 0;
  #rows = 0;

  /** Takes a row. @returns whether it may have been cut within its last cell */
  isCut(cells: readonly string[], isEnded: boolean): boolean {
    const length = cells.at(-1)?.length ?? 0;
    if (!isEnded) return this.#rows >= 2 && this.#length >= SHORTENED && length < this.#length;
    this.#length = this.#rows === 0 || length === this.#length ? length : 0;
    this.#rows++;
    return false;
  }
}

/** Shorter cells differ in length anyway. */
const SHORTENED = 4;

export function tableLayout(table: Table): Layout {
  const isHeader =
    table.isHeader ?? ((cells: readonly string[]) => table.columns.every((column) => cells.includes(column)));

  return {
    name: table.name,
    about: table.about,
    zoneOfLocalTimes: table.zoneOfLocalTimes ?? null,
    recognises: (head) =>
      head
        .split(/\r\n|\n|\r/, HEADER_ROWS)
        .map((line) => cellsOf(line, table.delimiter))
        .some((cells) => typeof cells !== "string" && isHeader(cells)),
    async *read(text, options) {
      let header: Header | null = null;
      let reader: RowReader | null = null;
      let candidate: Header | null = null;
      let rowsBefore = 0;
      let commaDoubted = false;
      const lastCells = new LastCells();
      const fits = (cells: readonly string[]) => header === null || cells.length === header.names.length;
      for await (const row of rowsOf(text, table.delimiter, fits)) {
        if (row.line <= (table.skipLines ?? 0)) continue;
        if ("problem" in row) {
          if (header !== null) yield { kind: "skipped", line: row.line, reason: row.problem };
          continue;
        }
        if (header === null || reader === null) {
          const hasNames = table.header !== false;
          if (!hasNames || isHeader(row.cells)) {
            header = new Header(hasNames ? row.cells : row.cells.map((_, i) => `#${i + 1}`));
            if (table.isHeader === undefined) for (const column of table.columns) header.position(column);
            reader = table.open(options, header.names);
            if (hasNames) continue;
          } else {
            candidate ??= new Header(row.cells);
            if (++rowsBefore >= HEADER_ROWS) break;
            continue;
          }
        }
        const { position, width } = { position: header.position.bind(header), width: header.width };
        try {
          if (!commaDoubted && row.cells.length > width && hasSplitNumber(row.cells)) {
            commaDoubted = true;
            yield {
              kind: "doubt",
              name: "decimal",
              text: `line ${row.line} has more fields than the header, as decimal commas without quotes make them; --accept decimal skips such rows`,
            };
          }
          checkWidth(row.cells, width);
          if (lastCells.isCut(row.cells, row.isEnded))
            yield {
              kind: "doubt",
              name: "layout",
              text: `the last row (line ${row.line}) has no line end, and its last cell "${row.cells.at(-1)}" is shorter than all others: the file may be cut off; --accept layout takes what is there`,
            };
          yield* reader.row({ line: row.line, text: (column) => row.cells[position(column)] ?? "" });
        } catch (error) {
          if (!(error instanceof SkippedRow)) throw error;
          yield { kind: "skipped", line: row.line, reason: error.message };
        }
      }
      if (header === null) {
        if (candidate === null) throw new Error("the file has no rows: it is empty, or has blank lines only");
        if (table.isHeader !== undefined)
          throw new Error(`no header row such as ${table.columns.join(table.delimiter)}`);
        const missing = table.columns.find((column) => candidate?.has(column) !== true);
        candidate.position(missing ?? "");
      }
      yield* reader?.end?.() ?? [];
    },
  };
}
