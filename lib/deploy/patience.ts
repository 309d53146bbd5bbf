// Steps of a deployment meet servers and roles that are seconds old: IAM tells everybody of a role in its own time, and a
// new cluster does not answer at once. Half an hour of a deployment hangs on it, so whatever goes wrong is tried again for
// some minutes: a list of what time mends would never be whole, and a mistake costs no more than these minutes.

import { setTimeout as sleep } from "node:timers/promises";
import { log, messageOf } from "../log.ts";

const PAUSE_MS = 5_000;
/** More than IAM needs. */
const PATIENCE_MS = 240_000;
/** No try begins later: its time-outs, and then the answer, have to have their time. */
const LEFT_MS = 90_000;

/**
 * Does what may be done again (a login, what is created where it is missing) until it succeeds, as long as there is time.
 * @param remainingMs until the function's end; read again after each try
 * @throws the last try's error
 */
export async function patiently<T>(
  work: () => Promise<T>,
  remainingMs: () => number,
  pause: (delayMs: number) => Promise<unknown> = sleep,
): Promise<T> {
  const lastTryMs = Math.max(LEFT_MS, remainingMs() - PATIENCE_MS);
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (remainingMs() - PAUSE_MS < lastTryMs) throw error;
      log("warn", "step of the deployment is tried again", { error: messageOf(error) });
    }
    await pause(PAUSE_MS);
  }
}
