// Functions and their triggers: killed, frozen, started twice, with clocks that are wrong.

import { pause } from "../../../localstack/event-source-mapping/waiting.ts";
import { drawDurationMs, type Fault } from "./fault.ts";

export const functionFaults = {
  /** kill −9 at whatever instruction each process is. */
  functionsKilled: {
    on: "functions",
    async inject({ aggregators, signal }, random) {
      for (let times = random.between(2, 6); times > 0; times--) {
        random.pick(aggregators).signal("SIGKILL");
        await pause(random.between(50, 800), signal);
      }
    },
  },
  /** SIGSTOP; the trigger may run into its time-out, deliver again, and the old process wakes up late. */
  functionsFrozen: {
    on: "functions",
    async inject({ aggregators, signal }, random) {
      const chosen = random.pick(aggregators);
      chosen.signal("SIGSTOP");
      await pause(random.between(1_000, 7_000), signal);
      chosen.signal("SIGCONT");
    },
  },
  sweeperKilled: {
    on: "functions",
    async inject({ sweeper, signal }, random) {
      for (let times = random.between(2, 6); times > 0; times--) {
        sweeper.signal("SIGKILL");
        await pause(random.between(50, 800), signal);
      }
    },
  },
  sweeperFrozen: {
    on: "functions",
    async inject({ sweeper, signal }, random) {
      sweeper.signal("SIGSTOP");
      await pause(drawDurationMs(random), signal);
      sweeper.signal("SIGCONT");
    },
  },
  sweepersOverlap: {
    on: "functions",
    async inject({ sweep }, random) {
      await Promise.all(Array.from({ length: random.between(2, 3) }, () => sweep()));
    },
  },
  /** A second trigger joins each group and leaves it again: two rebalances in the middle of batches. */
  rebalance: {
    on: "topics",
    async inject({ startTriggers, signal }, random) {
      const second = startTriggers();
      await pause(random.between(1_000, 6_000), signal);
      await Promise.all(second.map((mapping) => mapping.stop()));
    },
  },
} as const satisfies Readonly<Record<string, Fault>>;
