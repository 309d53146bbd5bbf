// Both ways of fetching: by a topic's id (Kafka 3.1 or later), and by its name, which Kafka 3.0 and MSK Serverless take.

import { Consumer } from "@platformatic/kafka";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Fetcher } from "../../localstack/event-source-mapping/fetch.ts";
import { readRecords } from "../../localstack/event-source-mapping/record-batches.ts";
import { connectKafka, type TestKafka } from "./topics.ts";

let kafka: TestKafka;
beforeAll(async () => {
  kafka = await connectKafka();
});
afterAll(() => kafka?.close());

test.each([true, false])("by topic id: %s", async (byTopicId) => {
  const topic = await kafka.createTopic(2);
  const messages = ["one", "two"].map((value) => ({ partition: 1, value }));
  await kafka.producer.send({ topic, messages });
  const client = new Consumer({
    groupId: "never-joined",
    bootstrapBrokers: kafka.brokers.split(","),
    clientId: "test",
  });
  const fetcher = new Fetcher("test");
  try {
    const { topics, brokers } = await client.metadata({ topics: [topic] });
    const { id = "", partitions = [] } = topics.get(topic) ?? {};
    const broker = brokers.get(partitions[1]?.leader ?? -1);
    if (broker === undefined) throw new Error("no leader");
    const fetch = (offset: number) =>
      fetcher.fetch({
        broker,
        topic,
        topicId: id,
        byTopicId,
        wanted: [[1, offset]],
        maxWaitMs: 1_000,
        maxBytes: 1_000_000,
        partitionMaxBytes: 1_000_000,
        isolationLevel: 1,
      });
    const [answer] = await fetch(0);
    expect(answer).toMatchObject({ partition: 1, highWatermark: 2n, lastStableOffset: 2n });
    const { records } = readRecords(answer?.bytes ?? Buffer.alloc(0), [], 0);
    expect(records.map(({ value }) => String(value))).toEqual(["one", "two"]);
    await expect(fetch(99)).rejects.toThrow();
  } finally {
    await Promise.all([client.close(true), fetcher.close()]);
  }
});
