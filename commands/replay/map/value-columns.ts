// Which columns of a table are values.

import { UsageError } from "../../../lib/core/usage-error.ts";
import type { ColumnMap, Term } from "./parse.ts";

/** Columns that are added up, and where among the values of a row they stand. */
export interface ValueColumn {
  readonly columns: readonly string[];
  readonly name: string;
  /** From 0. */
  readonly step: number;
}

function columnOf(term: Term): string {
  if (term.is !== "column") throw new UsageError("--map: reading and value are columns, no constants");
  return term.name;
}

function positionOf(name: string, header: readonly string[]): number {
  const numbered = /^#(\d+)$/.exec(name)?.[1];
  const found = header.indexOf(name);
  const at = found >= 0 || numbered === undefined ? found : Number(numbered) - 1;
  if (at >= 0 && at < header.length) return at;
  throw new UsageError(`no column ${name}; it has ${header.filter((text) => text !== "").join(", ")}`);
}

/** Names of the columns of a range; one without a name of its own goes by its number. */
function range(from: number, to: number, header: readonly string[]): string[] {
  return header
    .slice(from, to + 1)
    .map((name, i) =>
      name !== "" && header.indexOf(name) === header.lastIndexOf(name) ? name : `#${from + i + 1}`,
    );
}

/** @throws Error where the header lacks a column */
export function valueColumns(map: ColumnMap, header: readonly string[]): ValueColumn[] {
  const columns = map.values.flatMap((value) => {
    if ("sum" in value) return [value.sum.map(columnOf)];
    const from = positionOf(columnOf(value.from), header);
    const to = positionOf(columnOf(value.to), header);
    return range(from, to, header).map((name) => [name]);
  });
  return columns.map((names, step) => ({ columns: names, name: names.join("+"), step }));
}

/** The columns that a map names, without those by number. */
export function namedColumns(map: ColumnMap): string[] {
  const terms = [
    ...[...map.texts.values()].flat(),
    ...map.values.flatMap((value) => ("sum" in value ? value.sum : [value.from, value.to])),
  ];
  return terms.flatMap((term) => (term.is === "column" && !/^#\d+$/.test(term.name) ? [term.name] : []));
}
