// The times of a wide row: one column for each interval of a local day, which has 23 to 25 hours.

import { instantsOfLocal } from "../../../lib/core/zone.ts";
import { type FileTime, SkippedRow } from "../layout.ts";
import { DAY_US, later } from "../times.ts";

function instantOf(at: FileTime): number | null {
  return "timeUs" in at ? at.timeUs : (instantsOfLocal(at.localUs, at.zone)[0] ?? null);
}

/**
 * The instants (µs) of the columns of a row that has one value for each interval of its day. The columns without a value stand
 * together: at the end of the row, or in the middle where a column is there for the hour that occurs twice.
 * @param filled places of the columns with a value, from 0, in order
 * @returns null where the columns are times of day
 * @throws SkippedRow where a value stands beyond 24 hours, and the row is not of that kind
 */
export function elapsedTimes(
  filled: readonly number[],
  midnight: FileTime,
  intervalUs: number,
): ((step: number) => number) | null {
  const from = filled.findIndex((step, i) => step !== i);
  const gap = from < 0 ? 0 : (filled[from] ?? 0) - from;
  const isOneGap = filled.every((step, i) => step === (from >= 0 && i >= from ? i + gap : i));
  const beyondLastUs = ((filled.at(-1) ?? 0) + 1) * intervalUs;
  const isBeyondDay = beyondLastUs > DAY_US;
  const [startUs, endUs] = [instantOf(midnight), instantOf(later(midnight, DAY_US))];
  // On a longer day the columns beyond 24 hours tell each place, also where a value is missing.
  if (startUs !== null && endUs !== null && isBeyondDay && beyondLastUs <= endUs - startUs)
    return (step) => startUs + step * intervalUs;
  if (startUs !== null && endUs !== null && endUs - startUs === filled.length * intervalUs) {
    // Of 24 hours of columns, a gap in the middle is the hour that the clocks leave out, or a value that is missing.
    if (from < 0 || (isOneGap && isBeyondDay))
      return (step) => startUs + (from >= 0 && step > from ? step - gap : step) * intervalUs;
  }
  if (isBeyondDay)
    throw new SkippedRow(
      `value ${(filled.at(-1) ?? 0) + 1} lies beyond the day of 24 hours, and the row has not one value for each interval of its day`,
    );
  return null;
}
