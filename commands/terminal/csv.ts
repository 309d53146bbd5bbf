// CSV as RFC 4180 has it. Pure.

export type CsvCell = string | number | boolean | null;

/** A spreadsheet takes a cell that begins so for a formula; the apostrophe is in the list so that a guard can be undone. */
const needsGuard = /^[=+\-@\t\r'＝＋－＠]/u;

function cellText(cell: CsvCell): string {
  if (cell === null) return "";
  if (typeof cell !== "string") return String(cell);
  const guarded = needsGuard.test(cell) ? `'${cell}` : cell;
  return guarded === "" || /[",\r\n]|^ | $/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

/**
 * One line, with its CRLF. Null is an empty cell. Text that a spreadsheet would take for a formula gets an apostrophe
 * in front: a reader that wants the text as it was removes one apostrophe from each text cell that begins with one.
 */
export function csvLine(cells: readonly CsvCell[]): string {
  return `${cells.map(cellText).join(",")}\r\n`;
}
