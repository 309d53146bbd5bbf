// Producing: a record counts as stored when all in-sync replicas have it, and as nothing else before.

import { Partitioners } from "kafkajs";
import type { KafkaSettings } from "../config/kafka.ts";
import { keepConnection } from "./connection.ts";
import { NotStoredError } from "./not-stored.ts";

export interface OutgoingRecord {
  readonly key: string;
  readonly value: string;
}

/** Where a batch of records has been stored: the first offset in each partition it went to. */
export interface Placement {
  readonly partition: number;
  readonly offset: number;
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
  const connection = keepConnection(settings, (kafka) =>
    kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
      idempotent: true,
      retry: { retries: 5 }, // until the deadline; without an end kafkajs would go on behind the caller's back
    }),
  );
  return {
    close: () => connection.drop(),
    async send(topic, records) {
      const asked = connection.get();
      try {
        const sent = asked.then((producer) =>
          producer.send({
            topic,
            acks: -1,
            messages: records.map(({ key, value }) => ({ key, value })),
          }),
        );
        const placements = await withinDeadline(sent, SEND_DEADLINE_MS);
        return placements.map((p) => ({ partition: p.partition, offset: Number(p.baseOffset ?? "-1") }));
      } catch (error) {
        // The connection may be what is broken: the next call makes a new one.
        void connection.drop(asked);
        throw new NotStoredError(topic, error);
      }
    },
  };
}
