// Moving a file's times to the present.

import { DAY_US } from "./times.ts";

/** Whole days by which readings move so that the last one lies before now and the time of day stays. */
export function shiftToNow(lastUs: number, nowUs: number): number {
  return Math.floor((nowUs - lastUs) / DAY_US) * DAY_US;
}
