// What happens to topics: more partitions, transactions that abort or are left open.

import { Partitioners } from "kafkajs";
import { kafkaMessage, openClient } from "../load.ts";
import { streams } from "../log.ts";
import type { Random } from "../random.ts";
import type { Fault, World } from "./fault.ts";

const MOST_PARTITIONS = 5;

async function addPartition({ broker, topics }: World, random: Random): Promise<void> {
  const admin = openClient(broker.direct, "chaos").admin();
  await admin.connect();
  try {
    const topic = topics[random.pick(["sensor", "consumption"] as const)];
    const count = (await admin.fetchTopicOffsets(topic)).length;
    if (count < MOST_PARTITIONS)
      await admin.createPartitions({ topicPartitions: [{ topic, count: count + 1 }] });
  } finally {
    await admin.disconnect();
  }
}

/** One transaction that aborts, or is never ended, and one that commits: markers and aborted records in the log. */
async function transact(world: World, random: Random, howFirstEnds: "aborted" | "left open"): Promise<void> {
  const { broker, topics, events, progress } = world;
  const batch = () =>
    streams.map((stream) => ({
      topic: topics[stream],
      messages: Array.from({ length: 10 }, () => kafkaMessage(events.next(stream, progress(), false), 0)),
    }));
  const connect = async () => {
    const producer = openClient(broker.direct, "chaos").producer({
      transactionalId: `chaos-${random.between(0, 1e9)}`,
      transactionTimeout: 3_000,
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    return producer;
  };
  const first = await connect();
  try {
    const transaction = await first.transaction();
    await transaction.sendBatch({ topicMessages: batch() });
    if (howFirstEnds === "aborted") await transaction.abort();
  } finally {
    await first.disconnect();
  }
  const second = await connect();
  try {
    const transaction = await second.transaction();
    await transaction.sendBatch({ topicMessages: batch() });
    await transaction.commit();
  } finally {
    await second.disconnect();
  }
}

export const topicFaults = {
  partitionAdded: { on: "topics", inject: addPartition },
  transactionAborted: { on: "topics", inject: (world, random) => transact(world, random, "aborted") },
  transactionLeftOpen: { on: "topics", inject: (world, random) => transact(world, random, "left open") },
} as const satisfies Readonly<Record<string, Fault>>;
