// Numbers in cells: by a decimal mark that is known, or by the point with an eye on what says otherwise.

import { parseDecimal } from "../../lib/core/decimal.ts";
import type { Decimal } from "../../lib/core/exact.ts";
import { type Doubt, SkippedRow } from "./layout.ts";

export type DecimalMark = "." | ",";

const MISSING = new Set(["", "?", "NA", "N/A", "NaN", "null", "NULL", "None", "-", "unknown", "unavailable"]);

export function isMissing(text: string): boolean {
  return MISSING.has(text);
}

/** The text with a point as decimal mark, and without separators of thousands where they stand as they must. */
function withPoint(text: string, mark: DecimalMark): string {
  const separators = mark === "." ? "[,'\u2019 \u00a0\u202f]" : "[.'\u2019 \u00a0\u202f]";
  const grouped = new RegExp(`^[+-]?\\d{1,3}(?:(${separators})\\d{3})(?:\\1\\d{3})*(?:\\${mark}\\d*)?$`).exec(
    text,
  );
  const plain = grouped?.[1] === undefined ? text : text.replaceAll(grouped[1], "");
  if (mark === ".") return plain;
  return plain.includes(".") ? "" : plain.replace(",", ".");
}

function numberIn(text: string, mark: DecimalMark): Decimal | null {
  return parseDecimal(/^[+-]?\d*\.?\d*$/.test(text) && mark === "." ? text : withPoint(text, mark));
}

/**
 * A number as the file writes it.
 * @throws SkippedRow for an empty or missing value or one that is no decimal number
 */
export function decimalIn(text: string, column: string, mark: DecimalMark = "."): Decimal {
  if (isMissing(text)) throw new SkippedRow(`${column} is missing`);
  const value = numberIn(text, mark);
  if (value === null) throw new SkippedRow(`${column} is no number`);
  return value;
}

/** What a column's numbers have shown of their decimal mark. */
interface Seen {
  comma: string | null;
  /** A number that only a separator of thousands explains better. */
  thousands: string | null;
  /** A number with a point that is no separator of thousands. */
  point: string | null;
  whole: number;
}

const THREE_DIGITS_AFTER = /^[+-]?[1-9]\d{0,2}(\.\d{3})+$/;

/** Reads the numbers of a file whose decimal mark nobody has named, as points, and doubts what does not fit. */
export class NumberReader {
  readonly #mark: DecimalMark | null;
  readonly #seen = new Map<string, Seen>();
  readonly #unreadable = new Map<string, string>();

  constructor(mark: DecimalMark | null) {
    this.#mark = mark;
  }

  /** @throws SkippedRow as `decimalIn`, with the first of the column that is no number */
  read(text: string, column: string, line: number): Decimal {
    if (this.#mark === null) this.#look(text, column, line);
    if (isMissing(text)) throw new SkippedRow(`${column} is missing`);
    const value = numberIn(text, this.#mark ?? ".");
    if (value !== null) return value;
    const such = this.#unreadable.get(column) ?? text.slice(0, 40);
    this.#unreadable.set(column, such);
    throw new SkippedRow(`${column} is no number, such as "${such}"`);
  }

  #look(text: string, column: string, line: number): void {
    let seen = this.#seen.get(column);
    if (seen === undefined) {
      seen = { comma: null, thousands: null, point: null, whole: 0 };
      this.#seen.set(column, seen);
    }
    if (/^[+-]?[\d.,]*,[\d.,]*$/.test(text)) seen.comma ??= `${text} in line ${line}`;
    else if (THREE_DIGITS_AFTER.test(text)) seen.thousands ??= `${text} in line ${line}`;
    else if (text.includes(".")) seen.point ??= `${text} in line ${line}`;
    else if (/\d/.test(text)) seen.whole++;
  }

  /** @param wholeUnits whether the column's unit is so small (Wh, W) that decimals are not expected */
  doubts(wholeUnits: (column: string) => boolean): Doubt[] {
    const doubts: Doubt[] = [];
    for (const [column, { comma, thousands, point, whole }] of this.#seen) {
      const doubt = (what: string) =>
        doubts.push({
          kind: "doubt",
          name: "decimal",
          text: `${column}: ${what}; say --decimal , or --decimal .`,
        });
      if (comma !== null && (point ?? thousands) !== null)
        doubt(`both decimal marks, ${comma} and ${point ?? thousands}`);
      else if (comma !== null) doubt(`a decimal comma or a separator of thousands, ${comma}`);
      else if (thousands !== null && point === null && (whole > 0 || wholeUnits(column)))
        doubt(`points that may separate thousands, ${thousands}`);
    }
    return doubts;
  }
}
