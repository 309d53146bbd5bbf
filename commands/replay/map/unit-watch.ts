// A unit that nobody has named, or that a column's name contradicts.

import type { Doubt, EnergyUnit, PowerUnit } from "../layout.ts";
import type { Row } from "../table.ts";

const IN_NAME =
  /(?:^|[\s([_\-/])(m?wh|kwh|mwh|wh|mw|kw|w|m3|m\u00b3|ft3|ccf|therms?|gj|mj|kvarh?|kvah?)(?:$|[\s)\]_\-/])/i;
const UNIT_COLUMN = /^(units?|uom|unit of measure|reading ?units?|einheit|unit\u00e9|eenheid)$/i;

/** The unit that a column's name has, in small letters; null for none. */
function unitOfName(name: string): string | null {
  return IN_NAME.exec(name)?.[1]?.toLowerCase() ?? null;
}

export class UnitWatch {
  readonly #mapped: boolean;
  readonly #unitColumn: string | null;
  readonly #doubts = new Map<string, Doubt>();
  /** Whether the unit is so small that decimals are not expected. */
  isWhole = false;

  constructor(header: readonly string[], mapped: boolean) {
    this.#mapped = mapped;
    this.#unitColumn = mapped ? null : (header.find((name) => UNIT_COLUMN.test(name)) ?? null);
  }

  look(row: Row, columns: readonly string[], unit: EnergyUnit | PowerUnit): void {
    this.isWhole ||= unit === "Wh" || unit === "W";
    for (const column of columns) {
      const named = unitOfName(column);
      if (named !== null && named !== unit.toLowerCase())
        this.#doubt(column, `the column "${column}" names ${named}, and is taken as ${unit}`);
    }
    const beside = this.#unitColumn === null ? "" : row.text(this.#unitColumn);
    if (beside !== "" && beside.toLowerCase() !== unit.toLowerCase())
      this.#doubt(
        beside,
        `the column "${this.#unitColumn}" says ${beside} in line ${row.line}, and the numbers are taken as ${unit}`,
      );
  }

  doubts(): Doubt[] {
    return [...this.#doubts.values()];
  }

  #doubt(key: string, what: string): void {
    const answer = this.#mapped ? "correct unit= in --map" : "say unit=COLUMN or unit='Wh' in --map";
    if (!this.#doubts.has(key))
      this.#doubts.set(key, { kind: "doubt", name: "unit", text: `${what}; ${answer}` });
  }
}
