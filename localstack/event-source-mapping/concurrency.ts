// How many invocations of one function run at once, and what becomes of those beyond: an invocation waits for its turn,
// an HTTP request is refused where as many are under way as AWS would run.

/** The function is at its limit; it was never run. */
export class ThrottledError extends Error {
  override readonly name = "ThrottledError";
}

interface Waiting {
  readonly start: () => void;
}

export class ConcurrencyLimit {
  readonly #atOnce: number;
  readonly #environments: number;
  readonly #waiting = new Set<Waiting>();
  #underWay = 0;
  #running = 0;

  /**
   * @param atOnce invocations that AWS would run at once; 0: none at all
   * @param environments how many of them run at once here, while the others wait
   */
  constructor(atOnce: number, environments = atOnce) {
    this.#atOnce = atOnce;
    this.#environments = Math.min(atOnce, environments);
  }

  /** @throws ThrottledError where so many are under way, or no turn comes within the limit; what `work` throws */
  runOrRefuse<T>(work: () => Promise<T>, waitLimitMs: number): Promise<T> {
    if (this.#underWay >= this.#atOnce)
      return Promise.reject(new ThrottledError(`${this.#atOnce} at once, which is its limit`));
    return this.#run(work, waitLimitMs);
  }

  /** @throws ThrottledError where the limit is 0; what `work` throws */
  runInTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#atOnce === 0) return Promise.reject(new ThrottledError("its limit is 0"));
    return this.#run(work, null);
  }

  async #run<T>(work: () => Promise<T>, waitLimitMs: number | null): Promise<T> {
    this.#underWay++;
    try {
      await this.#turn(waitLimitMs);
      try {
        return await work();
      } finally {
        this.#passTurnOn();
      }
    } finally {
      this.#underWay--;
    }
  }

  #turn(waitLimitMs: number | null): Promise<void> {
    if (this.#running < this.#environments) {
      this.#running++;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const waiting: Waiting = {
        start() {
          clearTimeout(timer);
          resolve();
        },
      };
      this.#waiting.add(waiting);
      if (waitLimitMs === null) return;
      timer = setTimeout(() => {
        this.#waiting.delete(waiting);
        reject(new ThrottledError(`no turn within ${waitLimitMs} ms`));
      }, waitLimitMs);
    });
  }

  /** To the one that has waited longest. */
  #passTurnOn(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#running--;
      return;
    }
    this.#waiting.delete(next);
    next.start();
  }
}
