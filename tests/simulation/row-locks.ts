// Locks of rows, as transactions hold them from task to task.

/** What a task of the scheduler can do here; the differential test passes pauses that do nothing. */
export interface Tasks {
  readonly nowUs: number;
  pause(): Promise<void>;
  wait(key: object): Promise<void>;
  wake(key: object): void;
}

/** A lock that many share or one holds alone. */
export class SharedLock {
  #sharing = 0;
  #isTaken = false;
  readonly #tasks: Tasks;

  constructor(tasks: Tasks) {
    this.#tasks = tasks;
  }

  async share(): Promise<void> {
    while (this.#isTaken) await this.#tasks.wait(this);
    this.#sharing += 1;
  }

  giveBack(): void {
    this.#sharing -= 1;
    this.#tasks.wake(this);
  }

  async take(): Promise<void> {
    while (this.#isTaken || this.#sharing > 0) await this.#tasks.wait(this);
    this.#isTaken = true;
  }

  release(): void {
    this.#isTaken = false;
    this.#tasks.wake(this);
  }
}

export class RowLocks {
  readonly #locked = new Set<object>();
  readonly #tasks: Tasks;

  constructor(tasks: Tasks) {
    this.#tasks = tasks;
  }

  async lock(row: object): Promise<void> {
    while (this.#locked.has(row)) await this.released(row);
    this.#locked.add(row);
  }

  unlock(row: object): void {
    this.#locked.delete(row);
    this.#tasks.wake(row);
  }

  /** Resolves when a lock of the row has been given back. */
  released(row: object): Promise<void> {
    return this.#tasks.wait(row);
  }
}
