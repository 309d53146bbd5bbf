// The rows of a stream's windows in the model of PostgreSQL: the upsert of commit_<stream>, and what the history's
// triggers keep.

import type { StreamRules, SumColumn } from "../../lib/streams/declaration.ts";
import { streamRules } from "../../lib/streams/declared.ts";
import { byStream, type Event, type Stream } from "../../lib/streams/stream.ts";
import type { FoldedBatch } from "../../lib/windows/fold.ts";
import { addNumeric, compareNumeric, plainNumeric } from "./numeric.ts";

export interface WindowRow {
  readonly windowStartUs: number;
  readonly windowEndUs: number;
  /** Group and sums as texts, in the order of the stream's columns. */
  readonly values: readonly string[];
  readonly amendments: number;
  readonly changedAtUs: number;
}

/** A row as the views show it. */
export interface ShownRow extends WindowRow {
  readonly state: "open" | "final";
  readonly revision: number;
  readonly finalisedAtUs: number | null;
}

/** When the watermark came where it made windows final. */
export interface Finality {
  readonly upToUs: number;
  readonly atUs: number;
}

/** An earlier value of a final row. */
export interface EarlierRow extends ShownRow {
  readonly cause: string;
}

type Merge = "key" | SumColumn["merge"];

function mergesOf({ key, columns: sums }: StreamRules): readonly Merge[] {
  return [
    ...(key?.columns.map((): Merge => "key") ?? []),
    "add", // the count
    ...sums.map(({ merge }) => merge),
  ];
}

/** How each of a stream's columns is merged, in the order of `Rows.parameters`. */
export const columns = byStream((name) => mergesOf(streamRules[name]));

function mergeConditions(a: string, b: string): string {
  const merged = new Map<string, number>(Object.entries(JSON.parse(a)));
  for (const [condition, events] of Object.entries<number>(JSON.parse(b)))
    merged.set(condition, (merged.get(condition) ?? 0) + events);
  return JSON.stringify(Object.fromEntries(merged));
}

function mergeValue(how: Merge | undefined, old: string, added: string): string {
  if (how === "add" || how === "addSquares") return addNumeric(old, added);
  if (how === "least") return compareNumeric(added, old) < 0 ? added : old;
  if (how === "greatest") return compareNumeric(added, old) > 0 ? added : old;
  return how === "countBy" ? mergeConditions(old, added) : old;
}

export interface WindowTable {
  readonly windows: Map<string, WindowRow>;
  readonly finality: readonly Finality[];
  readonly history: EarlierRow[];
}

export function shown(row: WindowRow, markUs: number | null, finality: readonly Finality[]): ShownRow {
  if (markUs === null || row.windowEndUs > markUs)
    return { ...row, state: "open", revision: 0, finalisedAtUs: null };
  const passedAtUs = finality.find(({ upToUs }) => upToUs >= row.windowEndUs)?.atUs ?? 0;
  const finalisedAtUs = Math.max(row.changedAtUs, passedAtUs);
  return { ...row, state: "final", revision: 1 + row.amendments, finalisedAtUs };
}

/** Adds a batch's rows to those of the table. @returns how many events came for windows that had passed */
export function mergeRows<E extends Event>(
  table: WindowTable,
  stream: Stream<E>,
  batch: FoldedBatch,
  cause: string,
  markUs: number | null,
  nowUs: number,
): number {
  const parameters = batch.rows.parameters();
  const merges = columns[stream.name];
  let late = 0;
  batch.rows.windowStartsUs.forEach((windowStartUs, i) => {
    const values = parameters.map((column, c) =>
      merges[c] === "key" || merges[c] === "countBy" ? String(column[i]) : plainNumeric(String(column[i])),
    );
    const key = [windowStartUs, ...values.filter((_, c) => merges[c] === "key")].join("\0");
    const windowEndUs = windowStartUs + stream.windowUs;
    const passed = markUs !== null && windowEndUs <= markUs;
    if (passed) late += Number(values[merges.indexOf("add")]);
    const old = table.windows.get(key);
    if (old === undefined) {
      table.windows.set(key, { windowStartUs, windowEndUs, values, amendments: 0, changedAtUs: nowUs });
      return;
    }
    if (passed) table.history.push({ ...shown(old, markUs, table.finality), cause });
    table.windows.set(key, {
      ...old,
      values: old.values.map((value, c) => mergeValue(merges[c], value, values[c] ?? "0")),
      amendments: old.amendments + (passed ? 1 : 0),
      changedAtUs: nowUs,
    });
  });
  return late;
}
