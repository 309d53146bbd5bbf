// What `--set field=value` says: a constant, or a value that is taken from each record's own text. Pure.

import { type EpochUnit, isEpochUnit } from "../core/epoch.ts";
import { UsageError } from "../core/usage-error.ts";

/** A field may be a path such as `location.lat`. */
export interface Assignment {
  readonly field: string;
  /** As it was given. */
  readonly text: string;
  readonly value: AssignedValue;
}

export type DecimalMark = "." | ",";

export type AssignedValue =
  | { readonly kind: "constant"; readonly json: string }
  /** The digits as they came, or the text. */
  | { readonly kind: "text"; readonly from: string }
  | { readonly kind: "number"; readonly from: string; readonly decimalMark: DecimalMark }
  /** ISO 8601 from a time since the epoch. */
  | { readonly kind: "time"; readonly from: string; readonly unit: EpochUnit }
  /** Another field's value, whatever it is. */
  | { readonly kind: "copy"; readonly from: string };

const forms = "text(field), number(field), number(field, ','), time(field, s|ms|us|ns), copy(field)";

/** What stands behind `=` is JSON where it is JSON, and text where it is not. */
function constant(text: string): AssignedValue {
  try {
    JSON.parse(text);
  } catch {
    // Not JSON: the text itself, so that nobody has to quote a quotation mark in a shell.
    return { kind: "constant", json: JSON.stringify(text) };
  }
  return { kind: "constant", json: text.trim() };
}

function fromField(form: string, from: string, argument: string | undefined): AssignedValue | null {
  if (form === "number" && (argument === undefined || argument === "." || argument === ","))
    return { kind: "number", from, decimalMark: argument ?? "." };
  if (form === "time" && argument !== undefined && isEpochUnit(argument))
    return { kind: "time", from, unit: argument };
  if (argument !== undefined) return null;
  return form === "text" || form === "copy" ? { kind: form, from } : null;
}

/** @throws Error where it is no assignment */
export function parseAssignment(text: string): Assignment {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`--set ${text}: expected field=value`);
  const field = text.slice(0, at);
  const value = text.slice(at + 1);
  const call = /^\s*([A-Za-z]\w*)\(\s*([^(),]+?)\s*(?:,\s*(['"]?)(.+?)\3\s*)?\)\s*$/.exec(value);
  if (call === null) return { field, text, value: constant(value) };
  const [, form = "", from = "", , argument] = call;
  const assigned = fromField(form, from, argument);
  if (assigned === null)
    throw new UsageError(
      `--set ${text}: no such form; there are ${forms}. To set this very text, put it into quotation marks: --set '${field}=${JSON.stringify(value)}'`,
    );
  return { field, text, value: assigned };
}

/** @throws Error where one is no assignment, or two are for one field */
export function parseAssignments(texts: readonly string[]): Assignment[] {
  const assignments = texts.map(parseAssignment);
  const twice = assignments.find(({ field }, i) => assignments.findIndex((one) => one.field === field) < i);
  if (twice !== undefined) throw new UsageError(`--set: ${twice.field} is given twice`);
  return assignments;
}
