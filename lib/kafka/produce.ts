// Producing: a record counts as stored when all in-sync replicas have it, and as nothing else before.

import { type Message, Partitioners } from "kafkajs";
import type { KafkaSettings } from "../config/kafka.ts";
import { keepConnection } from "./connection.ts";
import { NotStoredError } from "./not-stored.ts";

export interface OutgoingRecord {
  readonly key: string;
  readonly value: string;
}

/** Where records have been stored: in one partition, one after the other from `offset` on. */
export interface Placement {
  readonly partition: number;
  readonly offset: number;
  /** Which of the records that were given, in their order. */
  readonly indexes: readonly number[];
}

/** Below the 5 s in which a caller has to hear that the broker is away. */
const SEND_DEADLINE_MS = 4_000;

export interface EventProducer {
  /** Stores the records. @throws NotStoredError where that is not confirmed within 4 s */
  send(topic: string, records: readonly OutgoingRecord[]): Promise<readonly Placement[]>;
  close(): Promise<void>;
}

async function withinDeadline<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no confirmation within ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Keys go to the partitions that Java's client picks for them. Idempotent: where an answer is lost, the client sends again
 * under the same number, and the broker keeps the records once.
 */
export function openProducer(settings: KafkaSettings): EventProducer {
  /** The partition that was picked for a message. */
  const partitions = new WeakMap<Message, number>();
  const connection = keepConnection(settings, (kafka) =>
    kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: () => {
        const pick = Partitioners.DefaultPartitioner();
        return (choice) => {
          const partition = pick(choice);
          partitions.set(choice.message, partition);
          return partition;
        };
      },
      idempotent: true,
      retry: { retries: 5 }, // until the deadline; without an end kafkajs would go on behind the caller's back
    }),
  );
  return {
    close: () => connection.drop(),
    async send(topic, records) {
      const asked = connection.get();
      const messages = records.map(({ key, value }): Message => ({ key, value }));
      try {
        const sent = asked.then((producer) =>
          producer.send({
            topic,
            acks: -1,
            messages,
          }),
        );
        const placements = await withinDeadline(sent, SEND_DEADLINE_MS);
        return placements.map(({ partition, baseOffset }) => ({
          partition,
          offset: Number(baseOffset ?? "-1"),
          indexes: messages.flatMap((message, i) => (partitions.get(message) === partition ? [i] : [])),
        }));
      } catch (error) {
        // The connection may be what is broken: the next call makes a new one.
        void connection.drop(asked);
        throw new NotStoredError(topic, error);
      }
    },
  };
}
