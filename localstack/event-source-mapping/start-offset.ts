// Where the delivery of a partition starts (8, 10, 11). Pure.

import type { StartingPosition } from "./settings.ts";

export interface StartQuestion {
  /** The group's committed offset, −1 where there is none. */
  readonly known: number;
  /** First offset that the broker still has. */
  readonly first: number;
  readonly end: number;
  /** Of the starting position, −1 where that is a time stamp after the last record. */
  readonly start: number;
  /** The topic was created again since it was known. */
  readonly isNewTopic: boolean;
  /** The partition was added since the topic was known. */
  readonly isNewPartition: boolean;
}

/** @returns isGap where the committed offset is gone */
export function startOffset(
  position: StartingPosition,
  { known, first, end, start, isNewTopic, isNewPartition }: StartQuestion,
): { readonly offset: number; readonly isGap: boolean } {
  if (isNewTopic) return { offset: first, isGap: false };
  if (known >= first && known <= end) return { offset: known, isGap: false };
  if (known < 0 && isNewPartition) return { offset: first, isGap: false };
  // Nothing is as young as the time stamp: then only what comes is delivered.
  if (known < 0) return { offset: start >= 0 ? start : end, isGap: false };
  // Out of range (10): retention passed the offset, or the topic was created again.
  return { offset: position === "LATEST" && known < first ? end : first, isGap: true };
}
