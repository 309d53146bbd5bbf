// Enedis (France): the load curve of a Linky meter from the customer's space, or from the grid operator's SGE. A power in W
// or an energy in Wh of each step; the stamp is the end of the step.

import { UsageError } from "../../../lib/core/usage-error.ts";
import type { FileTime, Found, Layout, LayoutOptions } from "../layout.ts";
import { SkippedRow } from "../layout.ts";
import { decimalIn } from "../numbers.ts";
import { rowsOf } from "../rows.ts";
import { isoTime, lengthIn, MINUTE_US } from "../times.ts";
import { isPowerUnit, unitIn } from "../units.ts";
import { meter } from "./meters.ts";

const STAMP = "horodate";
const VALUE = "valeur";
/** Steps that meters record, in minutes; another distance of two rows is a gap. */
const STEPS = [5, 10, 15, 20, 30, 60];
/** Columns of readings of registers (R64, daily index), which are standings. */
const REGISTER_COLUMNS = ["cadran", "type releve", "type de releve", "motif releve"];

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

/** A row that waits for the next one, whose distance may tell its step. */
interface Waiting {
  readonly line: number;
  readonly cells: readonly string[];
  readonly at: FileTime;
}

function clockUs(at: FileTime): number {
  return "timeUs" in at ? at.timeUs : at.localUs;
}

function isStep(us: number): boolean {
  return STEPS.some((minutes) => us === minutes * MINUTE_US);
}

/** Steps of rows that name none: each lasts from the row before on, or as long as the next one. */
class UnsaidSteps {
  #line: number | null = null;
  readonly #counts = new Map<number, number>();

  /** @returns null where neither neighbour tells it */
  of({ line, at }: Waiting, before: FileTime | null, after: FileTime | null): number | null {
    this.#line ??= line;
    const distances = [
      before === null ? 0 : clockUs(at) - clockUs(before),
      after === null ? 0 : clockUs(after) - clockUs(at),
    ];
    const step = distances.find(isStep) ?? null;
    if (step !== null) this.#counts.set(step, (this.#counts.get(step) ?? 0) + 1);
    return step;
  }

  *doubts(): Iterable<Found> {
    if (this.#line === null) return;
    const counts = [...this.#counts].map(([us, count]) => `${us / MINUTE_US} min (${count} rows)`);
    yield {
      kind: "doubt",
      name: "interval",
      text: `line ${this.#line} names no step (Pas en minutes): by the distances of the rows it is ${counts.join(", ")}; check that, and --accept interval takes it`,
    };
  }
}

function measurementOf(
  columns: Columns,
  { line, cells, at }: Waiting,
  options: LayoutOptions,
  stepUs: number | null,
): Found {
  const prm = columns.text(cells, "identifiant prm", "prm", "point") || options.meter;
  if (prm === null || prm === "") throw new UsageError("the file names no PRM: name the meter by --meter");
  const unit = unitIn(columns.text(cells, "unite"));
  const kind = plain(columns.text(cells, "grandeur metier"));
  if (kind !== "" && !/^(cons|prod|inj|sout)/.test(kind))
    throw new SkippedRow(`the quantity "${kind}" is not known`);
  const value = decimalIn(columns.text(cells, VALUE), "Valeur");
  if (stepUs === null) throw new SkippedRow("no step (Pas), and no row beside it that tells one");
  return {
    kind: "measurement",
    line,
    column: isPowerUnit(unit) ? "PA" : "EA",
    series: meter(prm, /^(prod|inj)/.test(kind) ? "export" : "import"),
    at,
    stamp: "end",
    value,
    of: isPowerUnit(unit)
      ? { quantity: "power", unit, lengthUs: stepUs }
      : { quantity: "energy", unit, lengthUs: stepUs },
  };
}

/** Reads the rows under one row of names. */
class Rows {
  readonly #columns: Columns;
  readonly #options: LayoutOptions;
  readonly #unsaid: UnsaidSteps;
  #before: FileTime | null = null;
  #waiting: Waiting | null = null;

  constructor(columns: Columns, options: LayoutOptions, unsaid: UnsaidSteps) {
    this.#columns = columns;
    this.#options = options;
    this.#unsaid = unsaid;
  }

  *row(line: number, cells: readonly string[]): Iterable<Found> {
    const at = isoTime(this.#options.zone ?? "Europe/Paris")(this.#columns.text(cells, STAMP));
    if (at === null) {
      yield { kind: "skipped", line, reason: "Horodate is no time" };
      return;
    }
    yield* this.end(at);
    this.#waiting = { line, cells, at };
  }

  /** The row that waits. @param after the time of the row behind it, null where there is none */
  *end(after: FileTime | null): Iterable<Found> {
    const waiting = this.#waiting;
    if (waiting === null) return;
    const said = stepIn(this.#columns.text(waiting.cells, "pas", "pas en minutes"));
    const step = said ?? this.#unsaid.of(waiting, this.#before, after);
    this.#before = waiting.at;
    this.#waiting = null;
    try {
      yield measurementOf(this.#columns, waiting, this.#options, step);
    } catch (error) {
      if (!(error instanceof SkippedRow)) throw error;
      yield { kind: "skipped", line: waiting.line, reason: error.message };
    }
  }
}

async function* read(text: AsyncIterable<string>, options: LayoutOptions): AsyncIterable<Found> {
  const columns = new Columns();
  const unsaid = new UnsaidSteps();
  let rows: Rows | null = null;
  let isUnderHead = false;
  for await (const row of rowsOf(text, ";")) {
    if ("problem" in row) {
      yield { kind: "skipped", line: row.line, reason: row.problem };
    } else if (isUnderHead) {
      columns.keep(row.cells);
      isUnderHead = false;
    } else if (rows !== null && !row.cells.some((cell) => plain(cell) === STAMP)) {
      yield* rows.row(row.line, row.cells);
    } else {
      yield* rows?.end(null) ?? [];
      columns.name(row.cells);
      if (columns.has(STAMP)) checkIsLoadCurve(columns, row.line);
      rows = columns.has(STAMP) ? new Rows(columns, options, unsaid) : null;
      isUnderHead = rows === null;
    }
  }
  if (rows === null) throw new Error("no row Horodate;Valeur");
  yield* rows.end(null);
  yield* unsaid.doubts();
}

/** @throws Error where the file has readings of registers */
function checkIsLoadCurve(columns: Columns, line: number): void {
  if (!columns.has(VALUE) || REGISTER_COLUMNS.some((name) => columns.has(name)))
    throw new Error(
      `line ${line}: readings of registers (index, R64); the layout reads load curves only. Read them by --map with --standing`,
    );
}

export const enedis: Layout = {
  name: "enedis",
  about:
    "Enedis (France), load curve: mean W of a step (or Wh), stamps are ends with an offset; Production is PRM-export",
  recognises: (head) => /^.*horodate.*;.*(valeur|eas f\d)/im.test(head),
  read,
};
