// One value for several records is said before it is written: three different readings are seldom all 1.5. Pure.

import { printable } from "../../lib/core/printable.ts";
import type { Assignment } from "../../lib/quarantine/assignment.ts";
import type { EditedValue } from "../../lib/quarantine/edit.ts";

/** How many of the values before are shown. */
const SHOWN_VALUES = 5;
const SHOWN_LENGTH = 60;

/** JSON text from outside, short enough for a line. */
export function shownJson(json: string | null): string {
  if (json === null) return "none";
  const text = printable(json);
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}

/**
 * A line for each constant that changes more than one record: how many, and what stood there before.
 * @param edits of the records that can be edited; their changes stand in the order of the assignments
 */
export function constantLines(assignments: readonly Assignment[], edits: readonly EditedValue[]): string[] {
  return assignments.flatMap(({ field, value }, i) => {
    if (value.kind !== "constant") return [];
    const before = edits.flatMap(({ changes }) => {
      const change = changes[i];
      return change === undefined || change.before === change.after ? [] : [shownJson(change.before)];
    });
    if (before.length < 2) return [];
    const counts = Map.groupBy(before, (json) => json);
    const shown = [...counts].slice(0, SHOWN_VALUES).map(([json, all]) => `${json} (${all.length})`);
    const more = counts.size > SHOWN_VALUES ? ` and ${counts.size - SHOWN_VALUES} other values` : "";
    return [
      `${before.length} records get the same ${printable(field)} ${shownJson(value.json)}, in place of ${shown.join(", ")}${more}`,
    ];
  });
}
