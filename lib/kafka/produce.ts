// Producing: a record counts as stored when all in-sync replicas have it, and as nothing else before.

import { Partitioners } from "kafkajs";
import type { KafkaSettings } from "../config.ts";
import { messageOf } from "../log.ts";
import { keepConnection } from "./connection.ts";

export interface OutgoingRecord {
  readonly key: string;
  readonly value: string;
}

/** Where a batch of records has been stored: the first offset in each partition it went to. */
export interface Placement {
  readonly partition: number;
  readonly offset: number;
}

/** Nobody confirmed that the records are stored; some of them may be. */
export class NotStoredError extends Error {
  constructor(topic: string, cause: unknown) {
    super(`not confirmed as stored in ${topic}: ${messageOf(cause)}`, { cause });
    this.name = "NotStoredError";
  }
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

/** Keys go to the partitions that Java's client picks for them. */
export function openProducer(settings: KafkaSettings): EventProducer {
  const connection = keepConnection(settings, (kafka) =>
    kafka.producer({ allowAutoTopicCreation: false, createPartitioner: Partitioners.DefaultPartitioner }),
  );
  return {
    close: connection.drop,
    async send(topic, records) {
      try {
        const sent = connection.get().then((producer) =>
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
        void connection.drop();
        throw new NotStoredError(topic, error);
      }
    },
  };
}
