// Asking the broker how far its partitions reach.

import type { Admin } from "kafkajs";
import type { KafkaSettings } from "../config/kafka.ts";
import type { PartitionOffsets } from "../core/watermark.ts";
import { keepConnection } from "./connection.ts";

export interface OffsetReader {
  /** First and next offset of each partition. @throws Error where the broker is away or has no such topic */
  read(topic: string): Promise<readonly PartitionOffsets[]>;
  /** Next offset of each partition for which the group has committed one. @throws Error where the broker is away */
  readCommitted(topic: string, groupId: string): Promise<ReadonlyMap<number, number>>;
  close(): Promise<void>;
}

const CLOSED = ["ECONNRESET", "EPIPE"];

/** A connection kept from an earlier call was closed, by its session's end or the broker: kafkajs' admin gives up then. */
function isClosed(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === "KafkaJSConnectionClosedError") return true;
  return (
    error.name === "KafkaJSConnectionError" && "code" in error && CLOSED.some((code) => code === error.code)
  );
}

export function openOffsetReader(settings: KafkaSettings): OffsetReader {
  const connection = keepConnection(settings, (kafka) => kafka.admin());

  async function ask<T>(question: (admin: Admin) => Promise<T>, mayRepeat = true): Promise<T> {
    const asked = connection.get();
    try {
      return await question(await asked);
    } catch (error) {
      // The connection may be what is broken: the next call makes a new one.
      void connection.drop(asked);
      if (mayRepeat && isClosed(error)) return ask(question, false);
      throw error;
    }
  }

  return {
    close: () => connection.drop(),
    async read(topic) {
      const offsets = await ask((admin) => admin.fetchTopicOffsets(topic));
      return offsets
        .map((o) => ({ partition: o.partition, first: Number(o.low), end: Number(o.high) }))
        .sort((a, b) => a.partition - b.partition);
    },
    async readCommitted(topic, groupId) {
      const [answer] = await ask((admin) => admin.fetchOffsets({ groupId, topics: [topic] }));
      const committed = (answer?.partitions ?? []).map((p): [number, number] => [
        p.partition,
        Number(p.offset),
      ]);
      return new Map(committed.filter(([, offset]) => offset >= 0)); // −1: none
    },
  };
}
