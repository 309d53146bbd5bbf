// A record's value, mended by hand. Pure.

import { isJsonObject, readObject } from "../streams/fields.ts";
import { isRefusal } from "../streams/refusal.ts";

/** What stands behind `=` is JSON where it is JSON, and text where it is not. */
function fieldValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the text itself, so that nobody has to quote a quotation mark in a shell.
    return text;
  }
}

/**
 * Sets fields of a record's JSON object; the others stay as they are.
 * @param assignments `field=value`, where value is JSON or, where it is none, text
 * @throws Error where the record is no JSON object or an assignment has no `=`
 */
export function setFields(value: Buffer | null, assignments: readonly string[]): Buffer {
  const object = value === null ? null : readObject(value);
  if (object === null || isRefusal(object) || !isJsonObject(object))
    throw new Error("its value is no JSON object, so no field can be set: give a whole value with --edit");
  const edits = assignments.map((assignment): [string, unknown] => {
    const at = assignment.indexOf("=");
    if (at < 1) throw new Error(`--set ${assignment}: expected field=value`);
    return [assignment.slice(0, at), fieldValue(assignment.slice(at + 1))];
  });
  return Buffer.from(JSON.stringify(Object.fromEntries([...Object.entries(object), ...edits])));
}
