// The execution environments of one function, as Lambda keeps them: a process serves one invocation at a time, is used
// again, and is given up when it outlives its time-out. Each can be killed or frozen at any instruction.

import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { messageOf } from "../../lib/log.ts";
import { InvocationError } from "../../localstack/event-source-mapping/invoke.ts";
import { pause } from "../../localstack/event-source-mapping/waiting.ts";

export interface FunctionOptions {
  readonly environment: Readonly<Record<string, string>>;
  /** More at once are throttled (429). */
  readonly reservedConcurrency: number;
  readonly timeOutMs: number;
  /** By how much the clock of the next process is wrong, ms. */
  readonly drawClockOffsetMs: () => number;
  /** Called where a process cannot be started: whatever comes of it is not the function's doing. */
  readonly onTrouble: (trouble: LaboratoryError) => void;
}

/** The laboratory itself does not work: there is no verdict about the pipeline. */
export class LaboratoryError extends Error {}

/** A process that has timed out may still wake up and commit; after this long it is gone for certain. */
export const ORPHAN_LIFE_MS = 10_000;

const START_LIMIT_MS = 120_000;
/** How much of what a process says on its error output is kept, in characters. */
const SAID_LIMIT = 2_000;

class ExecutionEnvironment {
  readonly child: ChildProcess;
  readonly #port: Promise<number>;
  #said = "";
  isBusy = false;

  constructor(name: string, environment: Readonly<Record<string, string>>, clockOffsetMs: number) {
    this.child = fork(join(import.meta.dirname, "function-process.ts"), [name], {
      env: { ...process.env, ...environment, CLOCK_OFFSET_MS: String(clockOffsetMs) },
      execArgv: ["--import", import.meta.resolve("./shift-clock.ts")],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.child.stderr?.on("data", (chunk) => {
      this.#said = `${this.#said}${chunk}`.slice(-SAID_LIMIT);
    });
    this.#port = new Promise((resolve, reject) => {
      this.child.once("message", (message: { port: number }) => resolve(message.port));
      this.child.once("error", (error) =>
        reject(new LaboratoryError(`${name}: no process could be started: ${error.message}`)),
      );
      this.child.once("close", (code, signal) =>
        reject(
          signal === null
            ? new LaboratoryError(
                `${name}: its process ended at its start (exit code ${code}):\n${this.#said}`,
              )
            : new Error(`${signal} before it was ready`),
        ),
      );
    });
    this.#port.catch(() => undefined); // whoever invokes it is told
  }

  /** @throws LaboratoryError where its process cannot be started; Error where it was killed */
  async untilReady(): Promise<void> {
    await this.#port;
  }

  /** @returns the answer's text, and whether the function failed */
  async post(payload: string, signal: AbortSignal): Promise<{ text: string; isFailure: boolean }> {
    const port = await Promise.race([
      this.#port,
      new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      }),
    ]);
    const response = await fetch(`http://127.0.0.1:${port}`, { method: "POST", body: payload, signal });
    return { text: await response.text(), isFailure: response.headers.has("x-amz-function-error") };
  }
}

export class ExecutionEnvironments {
  readonly name: string;
  readonly #options: FunctionOptions;
  readonly #all = new Set<ExecutionEnvironment>();
  readonly #orphans = new Set<ExecutionEnvironment>();

  constructor(name: string, options: FunctionOptions) {
    this.name = name;
    this.#options = options;
  }

  /**
   * Starts one environment ahead of all invocations.
   * @throws LaboratoryError where that cannot be done, or takes longer than an invocation may
   */
  async start(): Promise<void> {
    const startMs = performance.now();
    const limit = new AbortController();
    try {
      await Promise.race([this.#start().untilReady(), pause(START_LIMIT_MS, limit.signal)]);
    } finally {
      limit.abort();
    }
    const tookMs = Math.round(performance.now() - startMs);
    if (tookMs > this.#options.timeOutMs)
      throw new LaboratoryError(
        `${this.name} took ${tookMs} ms to start, more than its time-out of ${this.#options.timeOutMs} ms: ` +
          "this machine is too slow, or too busy, for a verdict",
      );
  }

  /** @throws InvocationError where the function fails, its process is killed, it takes too long or all are busy */
  async invoke(payload: string): Promise<string> {
    const chosen = this.#idle() ?? this.#start();
    chosen.isBusy = true;
    try {
      const { text, isFailure } = await chosen.post(payload, AbortSignal.timeout(this.#options.timeOutMs));
      if (isFailure) throw new InvocationError(this.name, text, 200, "Unhandled");
      return text;
    } catch (error) {
      if (error instanceof InvocationError) throw error;
      if (error instanceof LaboratoryError) this.#options.onTrouble(error);
      // Killed, frozen or too slow: Lambda does not use such an environment again.
      this.#giveUp(chosen);
      throw new InvocationError(this.name, messageOf(error));
    } finally {
      chosen.isBusy = false;
    }
  }

  #idle(): ExecutionEnvironment | undefined {
    return [...this.#all].find((one) => !one.isBusy);
  }

  #start(): ExecutionEnvironment {
    if (this.#all.size >= this.#options.reservedConcurrency)
      throw new InvocationError(this.name, "too many at once", 429);
    const { environment, drawClockOffsetMs } = this.#options;
    const started = new ExecutionEnvironment(this.name, environment, drawClockOffsetMs());
    this.#all.add(started);
    started.child.once("exit", () => {
      this.#all.delete(started);
      this.#orphans.delete(started);
    });
    return started;
  }

  #giveUp(environment: ExecutionEnvironment): void {
    if (!this.#all.delete(environment)) return;
    this.#orphans.add(environment);
    setTimeout(() => environment.child.kill("SIGKILL"), ORPHAN_LIFE_MS).unref();
  }

  /** Sends a signal to each process, also to those that are given up; Lambda starts others when it needs them. */
  signal(signal: NodeJS.Signals): number {
    const targets = [...this.#all, ...this.#orphans];
    for (const { child } of targets) child.kill(signal);
    return targets.length;
  }

  async stop(): Promise<void> {
    const ended = [...this.#all, ...this.#orphans].map(
      ({ child }) =>
        new Promise<void>((resolve) => {
          if (child.exitCode !== null || child.signalCode !== null) return resolve();
          child.once("exit", () => resolve());
          child.kill("SIGKILL");
        }),
    );
    await Promise.all(ended);
  }
}
