// Fault injection, off unless asked for: by seed and probabilities. Whether a fault strikes depends on the seed, its
// kind and the offsets it is about, never on time: the same seed on the same log gives the same deliveries (of two
// halves at once each has its own order).

import { createHash } from "node:crypto";

export const faultKinds = [
  /** Delivered once more after success. */
  "duplicate",
  /** Delivered by two pollers at once. */
  "overlap",
  /** Of a bisected batch. */
  "secondHalfFirst",
  /** Of a bisected batch: both are on their way together. */
  "halvesAtOnce",
  /** The function succeeds, the poller takes it for a failure. */
  "lostAcknowledgement",
  /** The function succeeds, the commit is lost, and the poller starts again from the last one. */
  "lostCommit",
  /** Waits before it invokes. */
  "delay",
  /** Takes an invocation for failed that still runs. */
  "timeOut",
  /** Answers 429 without invoking. */
  "throttle",
  /** Fails without invoking, as if the environment were gone before the function ran. */
  "lostEnvironment",
  /** Cuts the batch smaller than it need be. */
  "smallBatch",
  /** Holds a partition back for a while. */
  "withhold",
] as const;

export type FaultKind = (typeof faultKinds)[number];

export interface FaultPlan {
  readonly seed: number;
  /** Kind → probability from 0 to 1; absent kinds never strike. */
  readonly probability: Readonly<Partial<Record<FaultKind, number>>>;
  /** For delay, timeOut and withhold; 100 by default. */
  readonly delayMs?: number;
}

export interface Faults {
  /** Batches are then cut by offsets alone, not by how much happened to be read. */
  readonly areOn: boolean;
  readonly delayMs: number;
  /** Uniform in [0, 1), the same for the same seed, kind and subject. */
  draw(kind: FaultKind, subject: string): number;
  /** Whether it strikes; logs it where it does. */
  strikes(kind: FaultKind, subject: string): boolean;
}

export const noFaults: Faults = { areOn: false, delayMs: 0, draw: () => 0, strikes: () => false };

export function injectFaults(plan: FaultPlan, log: (message: string) => void): Faults {
  const draw = (kind: FaultKind, subject: string) =>
    createHash("sha256").update(`${plan.seed}|${kind}|${subject}`).digest().readUIntBE(0, 6) / 2 ** 48;
  return {
    areOn: true,
    delayMs: plan.delayMs ?? 100,
    draw,
    strikes(kind, subject) {
      const isStruck = draw(kind, subject) < (plan.probability[kind] ?? 0);
      if (isStruck) log(`fault ${kind}: ${subject}`);
      return isStruck;
    },
  };
}

export interface SwitchableFaults extends Faults {
  /** null: no more faults. */
  use(plan: FaultPlan | null): void;
}

/** Faults that can be switched on and off while the mappings run. */
export function switchableFaults(plan: FaultPlan | null, log: (message: string) => void): SwitchableFaults {
  let current = plan === null ? noFaults : injectFaults(plan, log);
  return {
    get areOn() {
      return current.areOn;
    },
    get delayMs() {
      return current.delayMs;
    },
    draw: (kind, subject) => current.draw(kind, subject),
    strikes: (kind, subject) => current.strikes(kind, subject),
    use(next) {
      current = next === null ? noFaults : injectFaults(next, log);
      log(next === null ? "faults are off" : `faults are on: ${JSON.stringify(next)}`);
    },
  };
}

/** Reads a plan from JSON. @throws Error naming what is wrong */
export function readFaultPlan(json: unknown): FaultPlan {
  if (typeof json !== "object" || json === null || !("seed" in json) || !("probability" in json))
    throw new Error(
      'fault plan: expected { "seed": number, "probability": { kind: 0…1 }, "delayMs"?: number }',
    );
  const { seed, probability } = json;
  const delayMs = "delayMs" in json ? json.delayMs : 100;
  if (typeof seed !== "number")
    throw new Error(`fault plan: seed: expected a number, got ${JSON.stringify(seed)}`);
  if (typeof delayMs !== "number" || !(delayMs >= 0))
    throw new Error(`fault plan: delayMs: expected ms ≥ 0, got ${JSON.stringify(delayMs)}`);
  const entries = typeof probability === "object" && probability !== null ? Object.entries(probability) : [];
  const read: Partial<Record<FaultKind, number>> = {};
  for (const [name, value] of entries) {
    const kind = faultKinds.find((one) => one === name);
    if (kind === undefined) throw new Error(`fault plan: ${name}: expected one of ${faultKinds.join(", ")}`);
    if (typeof value !== "number" || !(value >= 0 && value <= 1))
      throw new Error(
        `fault plan: ${name}: expected a probability from 0 to 1, got ${JSON.stringify(value)}`,
      );
    read[kind] = value;
  }
  return { seed, probability: read, delayMs };
}
