// Topics of a test's own, and records in them.

import { randomUUID } from "node:crypto";
import { type Admin, type ITopicConfig, Kafka, logLevel, Partitioners, type Producer } from "kafkajs";
import { inject } from "vitest";
import "../../lib/kafka/request-queue.ts";
import { createOn } from "../../lib/kafka/topics.ts";

export interface TestKafka {
  readonly brokers: string;
  readonly admin: Admin;
  readonly producer: Producer;
  /** A producer of transactions, to be connected. */
  transactionalProducer(): Producer;
  /** Makes a topic with a name of its own. */
  createTopic(partitions: number, configEntries?: ITopicConfig["configEntries"]): Promise<string>;
  close(): Promise<void>;
}

export async function connectKafka(): Promise<TestKafka> {
  const brokers = inject("kafkaBrokers");
  const kafka = new Kafka({ brokers: brokers.split(","), clientId: "tests", logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  });
  await Promise.all([admin.connect(), producer.connect()]);
  return {
    brokers,
    admin,
    producer,
    transactionalProducer: () =>
      kafka.producer({
        createPartitioner: Partitioners.DefaultPartitioner,
        transactionalId: `tests-${randomUUID()}`,
        idempotent: true,
        maxInFlightRequests: 1,
      }),
    async createTopic(partitions, configEntries = []) {
      const topic = `test-${randomUUID()}`;
      await createOn(admin, [{ topic, numPartitions: partitions, configEntries }]);
      return topic;
    },
    async close() {
      await Promise.all([admin.disconnect(), producer.disconnect()]);
    },
  };
}

/** Waits until a reading of the world is as wished; fails with the last reading after the limit. */
export async function until<T>(
  read: () => Promise<T>,
  isSo: (value: T) => boolean,
  limitMs = 60_000,
): Promise<T> {
  for (const startMs = performance.now(); ; ) {
    const value = await read();
    if (isSo(value)) return value;
    if (performance.now() - startMs > limitMs)
      throw new Error(`still not so after ${limitMs} ms: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
