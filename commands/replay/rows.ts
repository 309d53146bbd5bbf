// Lines as rows of cells. A row that cannot be read is one row, never the end of the file.

import { type Line, linesOf } from "./lines.ts";

export type RowOfCells =
  | { readonly line: number; readonly cells: readonly string[]; readonly isEnded: boolean }
  | { readonly line: number; readonly problem: string };

/** A cell in quotes may go over so many lines; a quote that is not closed within them is a stray one. */
const MOST_LINES = 20;

/** Spreadsheets' `="00123"`, whose quotes were doubled where the file was written as CSV. */
function textOf(value: string): string {
  return /^="([^"]*)"$/.exec(value)?.[1]?.trim() ?? value;
}

/**
 * The cells of a row, trimmed. A cell in quotes may hold the delimiter, line ends and doubled quotes; `="00123"`, the way of
 * spreadsheets to write text, is the text 00123.
 * @returns "open" where a quoted cell does not end, "stray" where a quote stands where none may
 */
export function cellsOf(text: string, delimiter: string): string[] | "open" | "stray" {
  if (!text.includes('"')) return text.split(delimiter).map((cell) => cell.trim());
  const cells: string[] = [];
  for (let at = 0; ; ) {
    const cell = /^[^\S\t]*=?"/.exec(text.slice(at, at + 64)) ?? null;
    if (cell === null) {
      const found = text.indexOf(delimiter, at);
      const end = found < 0 ? text.length : found;
      const plain = text.slice(at, end);
      if (plain.includes('"')) return "stray";
      cells.push(plain.trim());
      if (found < 0) return cells;
      at = end + delimiter.length;
      continue;
    }
    let value = "";
    let from = at + cell[0].length;
    for (;;) {
      const quote = text.indexOf('"', from);
      if (quote < 0) return "open";
      value += text.slice(from, quote);
      from = quote + 1;
      if (text[from] !== '"') break;
      value += '"';
      from++;
    }
    cells.push(textOf(value.trim()));
    while (text[from] === " ") from++;
    if (from >= text.length) return cells;
    if (!text.startsWith(delimiter, from)) return "stray";
    at = from + delimiter.length;
  }
}

/**
 * Rows of a text; empty lines are passed over. A quoted cell that goes on in the next line makes one row with it only where
 * the row then has the width of the header (`fits`); otherwise its first line alone is unreadable.
 */
export async function* rowsOf(
  text: AsyncIterable<string>,
  delimiter: string,
  fits: (cells: readonly string[]) => boolean = () => true,
): AsyncIterable<RowOfCells> {
  const held: Line[] = [];
  /** Takes the first of the held lines, or as many as make one row; null where more lines are needed. */
  function take(ended: boolean): RowOfCells | null {
    while (held[0]?.text.trim() === "") held.shift();
    const first = held[0];
    if (first === undefined) return null;
    let joined = "";
    for (let n = 0; n < held.length; n++) {
      joined += n === 0 ? first.text : `\n${held[n]?.text}`;
      const cells = cellsOf(joined, delimiter);
      if (cells === "open") continue;
      if (cells === "stray" || (n > 0 && !fits(cells))) break;
      const isEnded = held[n]?.isEnded ?? true;
      held.splice(0, n + 1);
      return { line: first.number, cells, isEnded };
    }
    if (!ended && held.length < MOST_LINES && cellsOf(joined, delimiter) === "open") return null;
    held.shift();
    return { line: first.number, problem: "the row has a stray quote" };
  }
  for await (const line of linesOf(text)) {
    held.push(line);
    for (let row = take(false); row !== null; row = take(false)) yield row;
  }
  for (let row = take(true); row !== null; row = take(true)) yield row;
}
