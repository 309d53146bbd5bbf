// A record's value, mended by hand: its text changes where a field is set, and nowhere else. Pure.

import { isUtf8 } from "node:buffer";
import { JsonMembers } from "../core/json-bytes.ts";
import { numberFrom, textFrom, timeFrom } from "./assigned-value.ts";
import type { AssignedValue, Assignment } from "./assignment.ts";
import { membersOf } from "./json-members.ts";

/** A field with its JSON text before, null where the record lacks it, and after. */
export interface FieldChange {
  readonly field: string;
  readonly before: string | null;
  readonly after: string;
}

export interface EditedValue {
  readonly value: Buffer;
  readonly changes: readonly FieldChange[];
}

/** Where a field's value stands, or, `before` being null, where and with what in front it is to be put. */
interface Place {
  readonly from: number;
  readonly to: number;
  readonly before: string | null;
  readonly prefix: string;
}

/**
 * Finds a field by its name or else, inside an object, by its path; of duplicate names the last counts.
 * @param at where the object begins
 * @throws Error where there is no object of the path
 */
function placeOf(text: string, field: string, at: number): Place {
  const { members, end } = membersOf(text, at);
  const member = members.findLast(({ name }) => name === field);
  if (member !== undefined) return { ...member, before: text.slice(member.from, member.to), prefix: "" };
  const dot = field.indexOf(".");
  if (dot > 0) {
    const outer = members.findLast(({ name }) => name === field.slice(0, dot));
    if (outer === undefined || text[outer.from] !== "{")
      throw new Error(`it has neither a field ${field} nor an object ${field.slice(0, dot)}`);
    return placeOf(text, field.slice(dot + 1), outer.from);
  }
  const last = members.at(-1)?.to;
  const prefix = `${last === undefined ? "" : ","}${JSON.stringify(field)}:`;
  return { from: last ?? end, to: last ?? end, before: null, prefix };
}

function assignedJson(text: string, value: AssignedValue): string {
  if (value.kind === "constant") return value.json;
  const json = placeOf(text, value.from, 0).before;
  if (json === null) throw new Error(`it has no field ${value.from}`);
  switch (value.kind) {
    case "copy":
      return json;
    case "text":
      return textFrom(value.from, json);
    case "number":
      return numberFrom(value.from, json, value.decimalMark);
    case "time":
      return timeFrom(value.from, json, value.unit);
  }
}

/**
 * Sets fields of a record's JSON object; every other byte stays as it came. Values are taken from the record as it
 * came, whatever the other assignments set.
 * @throws Error where the record is no JSON object, or a value cannot be taken from it
 */
export function setFields(value: Buffer | null, assignments: readonly Assignment[]): EditedValue {
  if (value === null || !isUtf8(value) || new JsonMembers([]).scan(value) !== null)
    throw new Error("its value is not a JSON object, so no field can be set; give a whole value with --edit");
  const original = value.toString("utf8");
  let text = original;
  const changes = assignments.map((assignment): FieldChange => {
    const after = assignedJson(original, assignment.value);
    const { from, to, before, prefix } = placeOf(text, assignment.field, 0);
    text = `${text.slice(0, from)}${prefix}${after}${text.slice(to)}`;
    return { field: assignment.field, before, after };
  });
  return { value: Buffer.from(text), changes };
}
