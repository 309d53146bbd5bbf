// A deterministic scheduler: exactly one task runs at a time, and at each pause a list of whole numbers decides who
// goes on, how far the clock goes and whether the one who goes on dies there. When the list is used up, tasks take
// turns, nobody dies and the clock stands.

/** What a function that was killed leaves behind: nothing but this rejection of what it waited for. */
export class Crash extends Error {}

/** A sweeper that runs thrice while a poller stands still is rare if each step is drawn by itself. */
const RUN_LENGTHS = [0, 0, 0, 0, 2, 5, 12, 30];

interface Paused {
  go(): void;
  die(): void;
  readonly mayDie: boolean;
}

export class Scheduler {
  nowUs: number;
  readonly #choices: readonly number[];
  readonly #ticksUs: readonly number[];
  readonly #ready: Paused[] = [];
  readonly #waiting = new Map<object, Paused[]>();
  #next = 0;
  /** For how many more steps the one who runs goes on if it can. */
  #again = 0;
  #alive = 0;
  #finish: (() => void) | null = null;
  #fail: ((error: unknown) => void) | null = null;

  /** @param ticksUs the 32 steps that the clock may make when someone goes on */
  constructor(startUs: number, choices: readonly number[], ticksUs: readonly number[]) {
    this.nowUs = startUs;
    this.#choices = choices;
    this.#ticksUs = ticksUs;
  }

  /** Adds a task, ready to begin. */
  spawn(task: () => Promise<void>): void {
    this.#alive++;
    this.#park(this.#ready, false)
      .then(task)
      .then(
        () => {
          this.#alive--;
          this.#switch();
        },
        (error) => this.#fail?.(error),
      );
  }

  /** Runs all tasks to their ends. @throws what a task threw, and where all that are left wait for each other */
  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
      this.#switch();
    });
  }

  /** From here on nobody dies, tasks take turns and the clock moves only where someone moves it. */
  calm(): void {
    this.#next = this.#choices.length;
    this.#again = 0;
  }

  /** Lets others run. @throws Crash where the schedule kills the task here and it may die */
  pause(mayDie = true): Promise<void> {
    const resumed = this.#park(this.#ready, mayDie);
    if (this.#again-- > 0) this.#goOn(this.#ready.pop());
    else this.#switch();
    return resumed;
  }

  /** Waits for `wake(key)`. */
  wait(key: object): Promise<void> {
    const parked = this.#waiting.get(key) ?? [];
    this.#waiting.set(key, parked);
    const resumed = this.#park(parked, false);
    this.#switch();
    return resumed;
  }

  /** Makes those who wait for the key ready. */
  wake(key: object): void {
    this.#ready.push(...(this.#waiting.get(key) ?? []));
    this.#waiting.delete(key);
  }

  #park(list: Paused[], mayDie: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      list.push({ go: resolve, die: () => reject(new Crash("killed")), mayDie });
    });
  }

  #switch(): void {
    if (this.#alive === 0) {
      this.#finish?.();
      return;
    }
    const code = this.#choices[this.#next];
    const choice = code ?? 0;
    this.#again = code === undefined ? 0 : (RUN_LENGTHS[(choice >> 13) & 7] ?? 0);
    const [chosen] = this.#ready.splice((choice & 15) % Math.max(1, this.#ready.length), 1);
    this.#goOn(chosen);
  }

  #goOn(chosen: Paused | undefined): void {
    if (chosen === undefined) {
      this.#fail?.(new Error("STUCK: all tasks wait for each other"));
      return;
    }
    const choice = this.#choices[this.#next++] ?? 0;
    this.nowUs += this.#ticksUs[(choice >> 4) & 31] ?? 0;
    if (chosen.mayDie && ((choice >> 9) & 15) === 15) chosen.die();
    else chosen.go();
  }
}
