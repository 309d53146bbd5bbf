// Rows for a terminal: as aligned columns where they fit its width, else one part below the other.

/** Columns of the terminal; without one (a file, a pipe) a line may be as long as it is. */
export function terminalWidth(): number {
  return process.stdout.columns ?? Number.POSITIVE_INFINITY;
}

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  return (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
}

/** @returns one line for each row; the last column is as wide as it needs */
export function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = widthsOf(rows);
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/**
 * A table with a header, or where that is too wide a block for each row, a line for each cell.
 * @param width columns of the terminal
 */
export function fittingTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
): string {
  const table = tableOf([head, ...rows]);
  if (table.split("\n").every((line) => line.length <= width)) return table;
  return rows.map((row) => tableOf(head.map((name, i) => [name, row[i] ?? ""]))).join("\n\n");
}

/** Parts in one line, two spaces between them; what does not fit goes on in the next, indented. */
export function wrapped(parts: readonly string[], width: number): string {
  const lines: string[] = [];
  for (const part of parts) {
    const line = lines.at(-1);
    if (line === undefined) lines.push(part);
    else if (line.length + 2 + part.length <= width) lines[lines.length - 1] = `${line}  ${part}`;
    else lines.push(`    ${part}`);
  }
  return lines.join("\n");
}
