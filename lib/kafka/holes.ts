// Asking the broker which offsets hold no record: transaction markers, aborted transactions, what compaction removed.
// kafkajs cannot read without joining a group; @platformatic/kafka can.

import type { KafkaSettings } from "../config.ts";
import { findBrokers } from "./brokers.ts";
import { iamToken } from "./client.ts";

export interface HoleReader {
  /**
   * @returns the offset of the first committed record at or after `from`, or, where there is none yet, the offset
   *   before which there will never be one; `from` itself where nothing can be said
   * @throws Error where the broker is away or has no such topic
   */
  nextRecord(topic: string, partition: number, from: number): Promise<number>;
  close(): Promise<void>;
}

const READ_COMMITTED = 1;
const TRANSACTIONAL = 0b1_0000;
const CONTROL_BATCH = 0b10_0000;

type Consumer = import("@platformatic/kafka").Consumer;
type Answer = Awaited<ReturnType<Consumer["fetch"]>>["responses"][number]["partitions"][number];

/** An aborted transaction's records begin at its first offset and end at its producer's next marker. */
function firstCommitted({ records: batches, abortedTransactions }: Answer, from: number): number {
  const pending = [...(abortedTransactions ?? [])].sort((a, b) => Number(a.firstOffset - b.firstOffset));
  const aborted = new Set<bigint>();
  let next = from;
  for (const batch of batches ?? []) {
    const firstOffset = Number(batch.firstOffset);
    const lastOffset = firstOffset + batch.lastOffsetDelta;
    while (pending[0] !== undefined && Number(pending[0].firstOffset) <= lastOffset)
      aborted.add(pending.shift()?.producerId ?? -1n);
    if ((batch.attributes & CONTROL_BATCH) !== 0) aborted.delete(batch.producerId);
    else if ((batch.attributes & TRANSACTIONAL) === 0 || !aborted.has(batch.producerId))
      for (const { offsetDelta } of batch.records)
        if (firstOffset + offsetDelta >= from) return firstOffset + offsetDelta;
    next = Math.max(next, lastOffset + 1);
  }
  return next;
}

async function connect(settings: KafkaSettings): Promise<Consumer> {
  // Loaded only here: there is rarely a hole to explain.
  const { Consumer } = await import("@platformatic/kafka");
  return new Consumer({
    clientId: settings.clientId,
    groupId: `${settings.clientId}-holes`, // never joined
    bootstrapBrokers: [...(await findBrokers(settings))],
    retries: 1,
    connectTimeout: 1_500,
    requestTimeout: 3_000,
    ...(settings.iam
      ? { tls: {}, sasl: { mechanism: "OAUTHBEARER" as const, token: () => iamToken(settings.clusterArn) } }
      : {}),
  });
}

/** Connects when it is first used. */
export function openHoleReader(settings: KafkaSettings): HoleReader {
  let consumer: Promise<Consumer> | null = null;
  return {
    async nextRecord(topic, partition, from) {
      consumer ??= connect(settings);
      const client = await consumer;
      const { topics } = await client.metadata({ topics: [topic], forceUpdate: true });
      const found = topics.get(topic);
      if (found === undefined) throw new Error(`the broker has no topic ${topic}`);
      const { responses } = await client.fetch({
        node: found.partitions[partition]?.leader ?? -1,
        maxWaitTime: 0,
        minBytes: 0,
        maxBytes: 1, // the first batch comes whole all the same
        isolationLevel: READ_COMMITTED,
        topics: [
          {
            topicId: found.id,
            partitions: [
              {
                partition,
                currentLeaderEpoch: -1,
                fetchOffset: BigInt(from),
                lastFetchedEpoch: -1,
                partitionMaxBytes: 1,
              },
            ],
          },
        ],
      });
      const answer = responses[0]?.partitions[0];
      return answer === undefined ? from : firstCommitted(answer, from);
    },
    async close() {
      const closed = consumer;
      consumer = null;
      // One that never connected has nothing to close.
      await closed?.then((client) => client.close(true)).catch(() => undefined);
    },
  };
}
