// One connection, made at its first use and, after a failure, anew.

import type { Kafka } from "kafkajs";
import type { KafkaSettings } from "../config/kafka.ts";
import { forgetBrokers } from "./brokers.ts";
import { openKafka, type Waits } from "./client.ts";

export interface Connection<C> {
  /** The connection, opened if there is none. */
  get(): Promise<C>;
  /** Gives the connection up, unless it is another than this one by now; the next `get` opens another. */
  drop(broken?: Promise<C>): Promise<void>;
}

/** @param make makes the producer or admin client of a Kafka client */
export function keepConnection<C extends { connect(): Promise<void>; disconnect(): Promise<void> }>(
  settings: KafkaSettings,
  make: (kafka: Kafka) => C,
  waits?: Waits,
): Connection<C> {
  let current: Promise<C> | null = null;

  async function open(): Promise<C> {
    const client = make(await openKafka(settings, waits));
    try {
      await client.connect();
    } catch (error) {
      forgetBrokers(settings);
      throw error;
    }
    return client;
  }

  return {
    get() {
      current ??= open();
      return current;
    },
    async drop(broken) {
      const dropped = current;
      if (broken !== undefined && broken !== dropped) return;
      current = null;
      // A client that never connected or lost its broker has nothing to take leave of.
      await dropped?.then((client) => client.disconnect()).catch(() => undefined);
    },
  };
}
