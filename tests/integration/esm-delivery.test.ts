// The event source mapping on a real broker: event, batching, positions, offsets, groups (rules 1–12, 21, 22).

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createOn } from "../../lib/kafka/topics.ts";
import { arn, recordsOf, settingsFor, trigger } from "./esm-trigger.ts";
import { connectKafka, type TestKafka, until } from "./topics.ts";

let kafka: TestKafka;
beforeAll(async () => {
  kafka = await connectKafka();
});
afterAll(() => kafka.close());

const offsetsFrom = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
const send = (topic: string, partition: number, values: readonly (string | null)[]) =>
  kafka.producer.send({ topic, messages: values.map((value) => ({ partition, value })) });
const numbered = (count: number) => offsetsFrom(0, count).map(String);
async function committed(groupId: string, topic: string): Promise<Record<number, number>> {
  const [found] = await kafka.admin.fetchOffsets({ groupId, topics: [topic] });
  return Object.fromEntries(
    (found?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)]),
  );
}

describe("the event", () => {
  test("rule 1, rule 2, rule 22: AWS's shape, headers of many kinds, null and empty, any bytes", async () => {
    const topic = await kafka.createTopic(1);
    await kafka.producer.send({
      topic,
      messages: [
        {
          key: "k",
          value: "v",
          timestamp: "1700000000000",
          headers: { a: ["1", "2"], ü: Buffer.from([0, 127, 128, 255]) },
        },
        { key: null, value: null, timestamp: "1700000000001" },
        { key: "", value: "", timestamp: "1700000000002" },
        { key: Buffer.from([0xff, 0xfe]), value: Buffer.from([0xc3]), timestamp: "1700000000003" },
      ],
    });
    const { events, mapping } = trigger(kafka.brokers, settingsFor(topic));
    await until(
      async () => events.length,
      (count) => count > 0,
    );
    await mapping.stop();
    const common = { topic, partition: 0, timestampType: "CREATE_TIME" };
    expect(events).toEqual([
      {
        eventSource: "aws:kafka",
        eventSourceArn: arn,
        bootstrapServers: kafka.brokers,
        records: {
          [`${topic}-0`]: [
            {
              ...common,
              offset: 0,
              timestamp: 1700000000000,
              key: "aw==",
              value: "dg==",
              headers: [{ a: [49] }, { a: [50] }, { ü: [0, 127, -128, -1] }],
            },
            { ...common, offset: 1, timestamp: 1700000000001, headers: [] },
            { ...common, offset: 2, timestamp: 1700000000002, key: "", value: "", headers: [] },
            { ...common, offset: 3, timestamp: 1700000000003, key: "//4=", value: "ww==", headers: [] },
          ],
        },
      },
    ]);
  });

  test("rule 1, rule 2: a self-managed source has no ARN; nulls may also be spelled out; time of the log's append", async () => {
    const topic = await kafka.createTopic(1, [{ name: "message.timestamp.type", value: "LogAppendTime" }]);
    await send(topic, 0, [null]);
    const { events, mapping } = trigger(
      kafka.brokers,
      settingsFor(topic, { eventSourceArn: null }),
      undefined,
      { writesNulls: true },
    );
    await until(
      async () => events.length,
      (count) => count > 0,
    );
    await mapping.stop();
    expect(events[0]).toMatchObject({ eventSource: "SelfManagedKafka" });
    expect(events[0]).not.toHaveProperty("eventSourceArn");
    expect(events[0]?.records[`${topic}-0`]?.[0]).toMatchObject({
      key: null,
      value: null,
      timestampType: "LOG_APPEND_TIME",
    });
  });

  test("rule 3, rule 7: partitions that share a lane share payloads, in offset order", async () => {
    const topic = await kafka.createTopic(3);
    for (const partition of [0, 1, 2]) await send(topic, partition, numbered(5));
    const { events, mapping, records } = trigger(
      kafka.brokers,
      settingsFor(topic, { concurrency: 1, batchingWindowMs: 500 }),
    );
    await until(
      async () => records.length,
      (count) => count >= 15,
    );
    await mapping.stop();
    expect(Object.keys(events[0]?.records ?? {}).sort()).toEqual([`${topic}-0`, `${topic}-1`, `${topic}-2`]);
    for (const partition of [0, 1, 2])
      expect(records.filter((one) => one.partition === partition).map((one) => one.offset)).toEqual(
        offsetsFrom(0, 5),
      );
  });

  test("rule 4: at most BatchSize records, at most 6 MB of payload, cut at a record", async () => {
    const topic = await kafka.createTopic(1);
    const large = "x".repeat(900_000);
    for (let i = 0; i < 8; i++) await send(topic, 0, [large]);
    await send(topic, 0, numbered(27)); // so that every batch is full, and none waits for its window
    const sizes: number[] = [];
    const { events, mapping, records } = trigger(
      kafka.brokers,
      settingsFor(topic, { batchSize: 10, batchingWindowMs: 60_000 }),
      (event) => sizes.push(JSON.stringify(event).length),
    );
    await until(
      async () => records.length,
      (count) => count >= 35,
    );
    await mapping.stop();
    expect(records.map((one) => one.offset)).toEqual(offsetsFrom(0, 35));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(6_291_456);
    expect(events.slice(0, 1).flatMap(recordsOf).length).toBe(5);
    expect(events.every((event) => recordsOf(event).length <= 10)).toBe(true);
  });
});

describe("when it is invoked", () => {
  test("rule 6: a full batch does not wait for the window, a part of one does", async () => {
    const topic = await kafka.createTopic(1);
    await send(topic, 0, numbered(15));
    const { events, mapping } = trigger(
      kafka.brokers,
      settingsFor(topic, { batchSize: 10, batchingWindowMs: 300_000 }),
    );
    await until(
      async () => events.length,
      (count) => count === 1,
    );
    await send(topic, 0, numbered(4));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(events.length).toBe(1);
    await send(topic, 0, ["last"]);
    await until(
      async () => events.length,
      (count) => count === 2,
    );
    await mapping.stop();
    expect(events.map((event) => recordsOf(event).length)).toEqual([10, 10]);
  });

  test("rule 7: one invocation at a time for each partition, different partitions at once", async () => {
    const topic = await kafka.createTopic(2);
    for (const partition of [0, 1]) await send(topic, partition, numbered(20));
    const running = new Set<number>();
    let mostAtOnce = 0;
    let overlaps = 0;
    const { mapping, records } = trigger(
      kafka.brokers,
      settingsFor(topic, { batchSize: 5 }),
      async (event) => {
        const [first] = recordsOf(event);
        const partition = first?.partition ?? -1;
        if (running.has(partition)) overlaps++;
        running.add(partition);
        mostAtOnce = Math.max(mostAtOnce, running.size);
        await until(
          async () => mostAtOnce, // the first waits for the other partition's
          (most) => most >= 2,
        );
        await new Promise((resolve) => setTimeout(resolve, 30));
        running.delete(partition);
      },
    );
    await until(
      async () => records.length,
      (count) => count === 40,
    );
    await mapping.stop();
    expect(overlaps).toBe(0);
    expect(mostAtOnce).toBe(2);
    for (const partition of [0, 1])
      expect(records.filter((one) => one.partition === partition).map((one) => one.offset)).toEqual(
        offsetsFrom(0, 20),
      );
  });

  test("rule 8: LATEST and AT_TIMESTAMP; committed offsets win over the position", async () => {
    const topic = await kafka.createTopic(1);
    const at = Date.now() - 60_000;
    await kafka.producer.send({
      topic,
      messages: [0, 1, 2].map((i) => ({ value: `old ${i}`, timestamp: String(at + 1_000 * i) })),
    });
    const latest = trigger(kafka.brokers, settingsFor(topic, { startingPosition: "LATEST" }));
    const atTime = settingsFor(topic, { startingPosition: "AT_TIMESTAMP", startingTimestampMs: at + 1_000 });
    const stamped = trigger(kafka.brokers, atTime);
    await until(
      async () => latest.mapping.status.state,
      (state) => state === "Enabled",
    );
    await send(topic, 0, ["new"]);
    await until(
      async () => [latest.records.length, stamped.records.length],
      ([a, b]) => a === 1 && b === 3,
    );
    await Promise.all([latest.mapping.stop(), stamped.mapping.stop()]);
    expect(latest.records.map((one) => one.value)).toEqual(["new"]);
    expect(stamped.records.map((one) => one.value)).toEqual(["old 1", "old 2", "new"]);
    const again = trigger(kafka.brokers, {
      ...atTime,
      startingPosition: "TRIM_HORIZON",
      startingTimestampMs: null,
    });
    await send(topic, 0, ["newer"]);
    await until(
      async () => again.records.length,
      (count) => count > 0,
    );
    await again.mapping.stop();
    expect(again.records.map((one) => one.value)).toEqual(["newer"]);
  });

  test("rule 9: committed after success only; what was not comes again", async () => {
    const topic = await kafka.createTopic(1);
    const settings = settingsFor(topic);
    await send(topic, 0, numbered(3));
    const first = trigger(kafka.brokers, settings, () => {
      throw new Error("not yet");
    });
    await until(
      async () => first.events.length,
      (count) => count > 0,
    );
    await first.mapping.stop();
    expect((await committed(settings.groupId, topic))[0]).toBe(-1);
    const second = trigger(kafka.brokers, settings);
    await until(
      async () => second.records.length,
      (count) => count === 3,
    );
    await second.mapping.stop();
    expect((await committed(settings.groupId, topic))[0]).toBe(3);
  });

  test("rule 10: past the retention it goes on at the earliest offset and counts the gap; a topic made again starts at 0", async () => {
    const topic = await kafka.createTopic(1);
    const settings = settingsFor(topic);
    await send(topic, 0, numbered(10));
    const before = trigger(kafka.brokers, { ...settings, batchSize: 2 });
    await until(
      async () => before.records.length,
      (count) => count >= 2,
    );
    await before.mapping.stop();
    await kafka.admin.setOffsets({
      groupId: settings.groupId,
      topic,
      partitions: [{ partition: 0, offset: "2" }],
    });
    await kafka.admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "7" }] });
    const counters = { ...(await import("../../localstack/event-source-mapping/metrics.ts")).noCounts() };
    const after = trigger(kafka.brokers, { ...settings, batchSize: 3 }, undefined, { counters });
    await until(
      async () => after.records.length,
      (count) => count === 3,
    );
    expect(after.records.map((one) => one.offset)).toEqual([7, 8, 9]);
    expect(counters.OffsetGapCount).toBe(1);
    expect(after.log.join("\n")).toContain("offset 2 is gone, going on at 7");
    await kafka.admin.deleteTopics({ topics: [topic] });
    await until(
      async () => await kafka.admin.listTopics(),
      (topics) => !topics.includes(topic),
    );
    await createOn(kafka.admin, [{ topic, numPartitions: 1 }]);
    await send(topic, 0, ["again"]);
    await until(
      async () => after.records.length,
      (count) => count === 4,
    );
    await after.mapping.stop();
    expect(after.records[3]).toEqual({ partition: 0, offset: 0, value: "again" });
  });

  test("rule 11: new partitions are taken up, from offset 0", async () => {
    const topic = await kafka.createTopic(1);
    const { mapping, records } = trigger(kafka.brokers, settingsFor(topic), undefined, {
      lookForPartitionsMs: 100,
    });
    await until(
      async () => mapping.status.state,
      (state) => state === "Enabled",
    );
    await kafka.admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
    await until(
      async () => (await kafka.admin.fetchTopicMetadata({ topics: [topic] })).topics[0]?.partitions.length,
      (count) => count === 3,
    );
    const producer = kafka.producer;
    await until(
      async () => {
        // The producer's own metadata may still be the old one.
        await producer.send({ topic, messages: [{ partition: 2, value: "x" }] }).catch(() => undefined);
        return records.filter((one) => one.partition === 2);
      },
      (found) => found.length > 0,
    );
    await mapping.stop();
    expect(records.find((one) => one.partition === 2)?.offset).toBe(0);
  });

  test("rule 12: nothing is delivered after stopping, which waits for the running invocation and commits it", async () => {
    const topic = await kafka.createTopic(1);
    const settings = settingsFor(topic, { batchSize: 2 });
    await send(topic, 0, numbered(6));
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { mapping, events } = trigger(kafka.brokers, settings, () => held);
    await until(
      async () => events.length,
      (count) => count === 1,
    );
    const stopped = mapping.stop();
    release();
    await stopped;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(events.length).toBe(1);
    expect((await committed(settings.groupId, topic))[0]).toBe(2);
    expect(mapping.status.state).toBe("Disabled");
  });

  test("a missing topic: says how to create it, once, and goes on when it appears", async () => {
    const topic = `late-${Date.now()}`;
    const { mapping, records, log } = trigger(kafka.brokers, settingsFor(topic));
    await until(
      async () => log.length,
      (count) => count > 0,
    );
    expect(log[0]).toContain(`--create --topic ${topic}`);
    await createOn(kafka.admin, [{ topic, numPartitions: 1 }]);
    await send(topic, 0, ["v"]);
    await until(
      async () => records.length,
      (count) => count === 1,
    );
    await mapping.stop();
    expect(log.filter((line) => line.includes("--create")).length).toBe(1);
  });
});
