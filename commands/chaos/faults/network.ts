// The network between functions and database, and between functions, triggers and broker.

import { pause } from "../../../localstack/event-source-mapping/waiting.ts";
import type { NetworkProxy } from "../proxy.ts";
import type { Random } from "../random.ts";
import { drawDurationMs, type Fault, type World } from "./fault.ts";

async function cut(proxy: NetworkProxy, random: Random, { signal }: World): Promise<void> {
  for (let times = random.between(1, 4); times > 0; times--) {
    proxy.cut();
    await pause(random.between(50, 1_000), signal);
  }
}

async function delay(proxy: NetworkProxy, random: Random, { signal }: World): Promise<void> {
  proxy.delay(random.between(20, 200));
  await pause(drawDurationMs(random), signal);
  proxy.heal();
}

async function halfOpen(proxy: NetworkProxy, random: Random, { signal }: World): Promise<void> {
  proxy.halfOpen();
  await pause(drawDurationMs(random), signal);
  proxy.heal();
}

export const networkFaults = {
  databaseCut: { on: "database", inject: (world, random) => cut(world.database.proxy, random, world) },
  databaseSlow: { on: "database", inject: (world, random) => delay(world.database.proxy, random, world) },
  databaseHalfOpen: {
    on: "database",
    inject: (world, random) => halfOpen(world.database.proxy, random, world),
  },
  /** PostgreSQL has committed, and nobody gets to know. */
  commitAnswerLost: {
    on: "database",
    async inject({ database, signal }, random) {
      for (let times = random.between(1, 4); times > 0 && !signal.aborted; times--) {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(3_000)]);
        await database.proxy.loseAnswer(/commit_(sensor|consumption|weather)|COMMIT/, limit);
      }
    },
  },
  brokerCut: { on: "broker", inject: (world, random) => cut(world.broker.proxy, random, world) },
  brokerSlow: { on: "broker", inject: (world, random) => delay(world.broker.proxy, random, world) },
  brokerHalfOpen: { on: "broker", inject: (world, random) => halfOpen(world.broker.proxy, random, world) },
} as const satisfies Readonly<Record<string, Fault>>;
