// What stays wrong is said once, and then again only every 30 s.

const REMINDER_MS = 30_000;

export class Reminder {
  #message: string | null = null;
  #saidMs = 0;

  /** What is wrong at present. */
  get message(): string | null {
    return this.#message;
  }

  /** @returns whether it is to be said now */
  isDue(message: string, nowMs: number): boolean {
    if (this.#message === message && nowMs - this.#saidMs < REMINDER_MS) return false;
    this.#message = message;
    this.#saidMs = nowMs;
    return true;
  }

  /** Nothing is wrong any more. */
  clear(): void {
    this.#message = null;
  }
}
