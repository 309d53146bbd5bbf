// A wait of the laboratory's.

import { setTimeout as sleep } from "node:timers/promises";

/** Waits, but not beyond the end of the run. */
export async function hold(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined); // the run is over
}
