// Enedis (France): the load curve of a Linky meter from the customer's space, or from the grid operator's SGE. A power in W
// or an energy in Wh of each step; the stamp is the end of the step.

import type { Found, Layout, LayoutOptions } from "../layout.ts";
import { SkippedRow } from "../layout.ts";
import { decimalIn } from "../numbers.ts";
import { rowsOf } from "../rows.ts";
import { isoTime, lengthIn, MINUTE_US } from "../times.ts";
import { isPowerUnit, unitIn } from "../units.ts";
import { meter } from "./meters.ts";

const STAMP = "horodate";
const VALUE = "valeur";
const USUAL_STEP_US = 30 * MINUTE_US;

/** A name of a column or its value, without accents and in small letters. */
function plain(text: string): string {
  return text.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase().trim();
}

/** The columns that hold for the rows below, by name: those of the head of the file, and those of the row itself. */
class Columns {
  readonly #above = new Map<string, string>();
  #names: readonly string[] = [];

  /** Takes a row of names. */
  name(cells: readonly string[]): void {
    this.#names = cells.map(plain);
  }

  /** Takes the row under the names of the file's head. */
  keep(cells: readonly string[]): void {
    this.#names.forEach((name, i) => {
      if (name !== "") this.#above.set(name, cells[i] ?? "");
    });
  }

  has(name: string): boolean {
    return this.#names.includes(name);
  }

  text(cells: readonly string[], ...names: readonly string[]): string {
    const here = names.map((name) => cells[this.#names.indexOf(name)] ?? "").find((text) => text !== "");
    return here ?? names.map((name) => this.#above.get(name) ?? "").find((text) => text !== "") ?? "";
  }
}

/** Minutes, or a length such as PT30M. */
function stepIn(text: string): number | null {
  return /^\d+$/.test(text) ? Number(text) * MINUTE_US : lengthIn(text);
}

function measurementOf(
  columns: Columns,
  cells: readonly string[],
  line: number,
  options: LayoutOptions,
  stepUs: number,
): Found {
  const prm = columns.text(cells, "identifiant prm", "prm", "point") || options.meter;
  if (prm === null || prm === "") throw new Error("the file names no PRM: name the meter by --meter");
  const at = isoTime(options.zone ?? "Europe/Paris")(columns.text(cells, STAMP));
  if (at === null) throw new SkippedRow("Horodate is no time");
  const unit = unitIn(columns.text(cells, "unite"));
  const kind = plain(columns.text(cells, "grandeur metier"));
  if (kind !== "" && !/^(cons|prod|inj|sout)/.test(kind))
    throw new SkippedRow(`the quantity "${kind}" is not known`);
  return {
    kind: "measurement",
    line,
    column: isPowerUnit(unit) ? "PA" : "EA",
    series: meter(prm, /^(prod|inj)/.test(kind) ? "export" : "import"),
    at,
    stamp: "end",
    value: decimalIn(columns.text(cells, VALUE), "Valeur"),
    of: isPowerUnit(unit)
      ? { quantity: "power", unit, lengthUs: stepUs }
      : { quantity: "energy", unit, lengthUs: stepUs },
  };
}

async function* read(text: AsyncIterable<string>, options: LayoutOptions): AsyncIterable<Found> {
  const columns = new Columns();
  let state: "head" | "underHead" | "rows" = "head";
  let unsaidStep: number | null = null;
  for await (const row of rowsOf(text, ";")) {
    if ("problem" in row) {
      yield { kind: "skipped", line: row.line, reason: row.problem };
      continue;
    }
    if (state === "head" || row.cells.some((cell) => plain(cell) === STAMP)) {
      columns.name(row.cells);
      state = columns.has(STAMP) ? "rows" : "underHead";
      if (state === "rows" && !columns.has(VALUE))
        throw new Error(`line ${row.line}: no column Valeur: only load curves are read, no daily registers`);
      continue;
    }
    if (state === "underHead") {
      columns.keep(row.cells);
      state = "head";
      continue;
    }
    const step = stepIn(columns.text(row.cells, "pas", "pas en minutes"));
    if (step === null) unsaidStep ??= row.line;
    try {
      yield measurementOf(columns, row.cells, row.line, options, step ?? USUAL_STEP_US);
    } catch (error) {
      if (!(error instanceof SkippedRow)) throw error;
      yield { kind: "skipped", line: row.line, reason: error.message };
    }
  }
  if (state !== "rows") throw new Error("no row Horodate;Valeur");
  if (unsaidStep !== null)
    yield {
      kind: "doubt",
      name: "interval",
      text: `line ${unsaidStep} names no step (Pas en minutes): half an hour is assumed; --accept interval takes it`,
    };
}

export const enedis: Layout = {
  name: "enedis",
  about:
    "Enedis (France), load curve: mean W of a step (or Wh), stamps are ends with an offset; Production is PRM-export",
  recognises: (head) => /^.*horodate.*;.*valeur/im.test(head),
  read,
};
