// The log as it stands in the topics: what the oracle judges by. Each record says in a header what must become of it,
// as its producer knew it, so that nothing of the pipeline's own decoding is needed to tell.

import { type Admin, Kafka, logLevel } from "kafkajs";
import "../lib/kafka/request-queue.ts";

export const streams = ["sensor", "consumption", "weather"] as const;

export type StreamName = (typeof streams)[number];

/** `count`, `too_late`, or the reason for quarantine, with its field after a colon. */
export const FATE_HEADER = "fate";

export interface LoggedRecord {
  readonly stream: StreamName;
  readonly partition: number;
  readonly offset: number;
  readonly value: Buffer | null;
  readonly fate: string;
}

const GROUP = "oracle";

/** Whether the group has come to the end of every partition, transaction markers included. */
async function hasReadAll(admin: Admin, topic: string): Promise<boolean> {
  const ends = await admin.fetchTopicOffsets(topic);
  const [committed] = await admin.fetchOffsets({ groupId: GROUP, topics: [topic] });
  const reached = new Map(committed?.partitions.map((one) => [one.partition, Number(one.offset)]));
  return ends.every(
    (end) => Number(end.high) === 0 || (reached.get(end.partition) ?? -1) >= Number(end.high),
  );
}

/**
 * Reads all committed records, with another client than the trigger's.
 * @throws Error where the end of a topic is not reached within the limit
 */
export async function readLog(
  brokers: string,
  topics: Readonly<Record<StreamName, string>>,
  limitMs = 60_000,
): Promise<LoggedRecord[]> {
  const kafka = new Kafka({ brokers: [brokers], clientId: GROUP, logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: GROUP, readUncommitted: false });
  const admin = kafka.admin();
  await Promise.all([consumer.connect(), admin.connect()]);
  const records: LoggedRecord[] = [];
  try {
    await consumer.subscribe({ topics: Object.values(topics), fromBeginning: true });
    await consumer.run({
      autoCommitInterval: 200,
      eachBatch: async ({ batch }) => {
        const stream = streams.find((name) => topics[name] === batch.topic);
        if (stream === undefined) return;
        for (const { offset, value, headers } of batch.messages)
          records.push({
            stream,
            partition: batch.partition,
            offset: Number(offset),
            value,
            fate: String(headers?.[FATE_HEADER] ?? "count"),
          });
      },
    });
    for (const startMs = performance.now(); ; ) {
      const areRead = await Promise.all(Object.values(topics).map((topic) => hasReadAll(admin, topic)));
      if (areRead.every((isRead) => isRead)) return records;
      if (performance.now() - startMs > limitMs)
        throw new Error(`the oracle could not read the topics to their ends within ${limitMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  } finally {
    await Promise.all([consumer.disconnect(), admin.disconnect()]);
  }
}
