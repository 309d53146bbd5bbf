// Waiting for a time or for an end of the wait, whichever comes first.

import { setTimeout as sleep } from "node:timers/promises";

/** Waits, but not beyond the signal. */
export async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  await sleep(delayMs, undefined, { signal }).catch(() => undefined); // aborted meanwhile
}

export class Waiting {
  #wake: () => void = () => undefined;

  wake(): void {
    this.#wake();
  }

  /** @param delayMs infinite: only waking ends the wait */
  async wokenOrAfter(delayMs: number): Promise<void> {
    const timer = new AbortController();
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const slept = Number.isFinite(delayMs) ? pause(Math.max(0, delayMs), timer.signal) : woken;
    await Promise.race([woken, slept]);
    timer.abort();
  }
}
