// One event source mapping: a group member that reads a topic and hands each partition to its delivery.

import { setTimeout as sleep } from "node:timers/promises";
import type { Invoke } from "./invoke.ts";
import { openSource, type TopicSource } from "./kafka-source.ts";
import { type DeliveryStatus, PartitionDelivery } from "./partition-delivery.ts";
import type { MappingSettings } from "./settings.ts";

export interface MappingStatus {
  readonly functionName: string;
  readonly topic: string;
  readonly groupId: string;
  readonly state: "Creating" | "Enabled" | "Disabled";
  readonly lastProcessingResult: string;
  readonly partitions: readonly DeliveryStatus[];
}

export interface RunningMapping {
  readonly status: MappingStatus;
  /** Nothing is delivered after it resolves; the running invocations have ended. */
  stop(): Promise<void>;
}

const FETCH_WAIT_MS = 500;
const RETRY_MS = 1_000;
/** What stays wrong is said again only this often. */
const REMINDER_MS = 30_000;

export function startMapping(
  settings: MappingSettings,
  brokers: readonly string[],
  invoke: Invoke,
  log: (message: string) => void,
): RunningMapping {
  const stopped = new AbortController();
  const deliveries = new Map<number, PartitionDelivery>();
  let source: TopicSource | null = null;
  let isJoined = false;
  let problem: { message: string; saidMs: number } | null = null;
  let signalRoom: () => void = () => undefined;
  let assignment: Promise<void> = Promise.resolve();

  function say(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const nowMs = performance.now();
    if (problem?.message === message && nowMs - problem.saidMs < REMINDER_MS) return;
    problem = { message, saidMs: nowMs };
    log(`${settings.topic} → ${settings.functionKey}: ${message}; trying again`);
  }

  async function assign(from: TopicSource, partitions: readonly number[]): Promise<void> {
    const lost = [...deliveries.keys()].filter((partition) => !partitions.includes(partition));
    await Promise.all(lost.map((partition) => deliveries.get(partition)?.stop()));
    for (const partition of lost) deliveries.delete(partition);
    const added = partitions.filter((partition) => !deliveries.has(partition));
    if (added.length === 0 || stopped.signal.aborted) return;
    const offsets = await from.startOffsets(added);
    for (const partition of added)
      deliveries.set(
        partition,
        new PartitionDelivery(partition, offsets.get(partition) ?? 0, {
          settings,
          source: {
            eventSourceArn: settings.eventSourceArn,
            bootstrapServers: brokers.join(","),
            topic: settings.topic,
          },
          invoke,
          commit: (of, offset) => from.commit(of, offset),
          onRoom: () => signalRoom(),
          log,
        }),
      );
    signalRoom();
  }

  function wantedOffsets(): Map<number, number> {
    const wanted = new Map<number, number>();
    for (const delivery of deliveries.values()) {
      const offset = delivery.wantedOffset;
      if (offset !== null) wanted.set(delivery.partition, offset);
    }
    return wanted;
  }

  async function readOn(from: TopicSource): Promise<void> {
    const wanted = wantedOffsets();
    if (wanted.size === 0) {
      await new Promise<void>((resolve) => {
        signalRoom = resolve;
        stopped.signal.addEventListener("abort", () => resolve(), { once: true });
      });
      return;
    }
    for (const fetched of await from.fetch(wanted, FETCH_WAIT_MS)) {
      const delivery = deliveries.get(fetched.partition);
      // A partition that was reassigned during the fetch starts from its committed offset instead.
      if (delivery?.wantedOffset === wanted.get(fetched.partition)) delivery?.take(fetched);
    }
  }

  async function runOnce(): Promise<void> {
    const opened = openSource({ brokers, ...settings });
    source = opened;
    try {
      await opened.join((partitions) => {
        assignment = assignment.then(() => assign(opened, partitions)).catch(say);
      });
      await assignment;
      isJoined = true;
      problem = null;
      while (!stopped.signal.aborted) await readOn(opened);
    } finally {
      isJoined = false;
      await Promise.all([...deliveries.values()].map((delivery) => delivery.stop()));
      deliveries.clear();
      // A broker that is gone cannot be told that we leave.
      await opened.close().catch(() => undefined);
      source = null;
    }
  }

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      try {
        await runOnce();
      } catch (error) {
        // Broker or topic are not there, or went away: they may come (back), and the group knows where we were.
        if (!stopped.signal.aborted) say(error);
        await sleep(RETRY_MS, undefined, { signal: stopped.signal }).catch(() => undefined); // stopped meanwhile
      }
    }
  }

  function stateNow(): MappingStatus["state"] {
    if (stopped.signal.aborted) return "Disabled";
    return isJoined ? "Enabled" : "Creating";
  }

  function lastResult(partitions: readonly DeliveryStatus[]): string {
    const lastError = partitions.find((p) => p.lastError !== null)?.lastError ?? problem?.message;
    if (lastError !== undefined) return `PROBLEM: ${lastError}`;
    return partitions.some((p) => p.delivered > 0) ? "OK" : "No records processed";
  }

  const finished = run();
  return {
    get status() {
      const partitions = [...deliveries.values()].map((delivery) => delivery.status);
      return {
        functionName: settings.functionName,
        topic: settings.topic,
        groupId: settings.groupId,
        state: stateNow(),
        lastProcessingResult: lastResult(partitions),
        partitions: partitions.sort((a, b) => a.partition - b.partition),
      };
    },
    async stop() {
      stopped.abort();
      signalRoom();
      await Promise.all([...deliveries.values()].map((delivery) => delivery.stop()));
      await source?.close().catch(() => undefined); // ends a fetch that waits; a lost broker needs no farewell
      await finished;
    },
  };
}
