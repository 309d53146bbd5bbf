// From which load on another way is the cheaper one: found on the model itself, by bisection.

import { type Bill, totalOf } from "./bill.ts";
import { eventsPerSecondOf, loadsOf, scale, type Workload } from "./workload.ts";

const LEAST_EVENTS_PER_SECOND = 1;
const MOST_EVENTS_PER_SECOND = 1e8;
const STEPS = 200;
const PRECISION = 1e-4;

/**
 * The smallest load of the workload's shape from which on ours stays dearer than theirs, or no longer carries the
 * load. Bills have steps, so the search goes down from the top to the last load at which this does not
 * hold, then bisects between it and its neighbour.
 * @returns events/s; null where it never holds, 0 where it always does
 */
export function breakEven(
  workload: Workload,
  ours: (workload: Workload) => Bill,
  theirs: (workload: Workload) => Bill,
): number | null {
  const shapePerSecond = eventsPerSecondOf(loadsOf(workload));
  const at = (eventsPerSecond: number) => scale(workload, eventsPerSecond / shapePerSecond);
  const theyWin = (eventsPerSecond: number) => {
    const [our, their] = [ours(at(eventsPerSecond)), theirs(at(eventsPerSecond))];
    return our.limits.length > their.limits.length || totalOf(our) > totalOf(their);
  };
  const ratio = (MOST_EVENTS_PER_SECOND / LEAST_EVENTS_PER_SECOND) ** (1 / STEPS);
  if (!theyWin(MOST_EVENTS_PER_SECOND)) return null;
  let high = MOST_EVENTS_PER_SECOND;
  let low = high / ratio;
  while (theyWin(low)) {
    high = low;
    low /= ratio;
    if (low < LEAST_EVENTS_PER_SECOND) return 0;
  }
  while (high / low > 1 + PRECISION) {
    const middle = Math.sqrt(low * high);
    if (theyWin(middle)) high = middle;
    else low = middle;
  }
  return eventsPerSecondOf(loadsOf(at(high))); // the weather does not grow with the rest
}
