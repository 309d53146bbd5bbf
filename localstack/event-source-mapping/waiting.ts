// Waiting for a time or for being woken, whichever comes first.

import { setTimeout as sleep } from "node:timers/promises";

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
    const slept = Number.isFinite(delayMs)
      ? sleep(Math.max(0, delayMs), undefined, { signal: timer.signal }).catch(() => undefined) // woken before
      : woken;
    await Promise.race([woken, slept]);
    timer.abort();
  }
}
