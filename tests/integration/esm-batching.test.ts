// When a function is invoked, and from where (rules 5–12): the window, what is too large, pollers, positions, results.

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { noCounts } from "../../localstack/event-source-mapping/metrics.ts";
import { failing, handling, numbered, recordsOf, sendTo, settingsFor, trigger } from "./esm-trigger.ts";
import { connectKafka, type TestKafka, until } from "./topics.ts";

let kafka: TestKafka;
beforeAll(async () => {
  kafka = await connectKafka();
});
afterAll(() => kafka.close());

const send = (topic: string, partition: number, values: readonly (string | null)[]) =>
  sendTo(kafka, topic, partition, values);

describe("the batch", () => {
  test("rule 5: without a destination a record that is too large is dropped, counted and logged with its position", async () => {
    const topic = await kafka.createTopic(1, [{ name: "max.message.bytes", value: "10000000" }]);
    await send(topic, 0, ["before"]);
    await send(topic, 0, ["x".repeat(5_000_000)]);
    await send(topic, 0, ["after"]);
    const counters = noCounts();
    const { events, log, mapping, records } = trigger(kafka.brokers, settingsFor(topic), undefined, {
      counters,
    });
    await until(
      async () => counters.CommittedEventCount,
      (count) => count === 3,
    );
    await mapping.stop();
    expect(records.map((one) => one.offset)).toEqual([0, 2]);
    expect(events.every((event) => JSON.stringify(event).length <= 6_291_456)).toBe(true);
    expect(counters).toMatchObject({ DroppedEventCount: 1, InvokedEventCount: 2, FailedInvokeEventCount: 0 });
    expect(log.filter((line) => line.includes(`${topic}-0 1–1: PayloadTooLarge, dropped`))).toHaveLength(1);
  });

  test("rule 6: a full payload does not wait for the window", async () => {
    const topic = await kafka.createTopic(1);
    for (let i = 0; i < 6; i++) await send(topic, 0, ["x".repeat(900_000)]);
    const settings = settingsFor(topic, { batchSize: 10_000, batchingWindowMs: 300_000 });
    const { events, mapping } = trigger(kafka.brokers, settings);
    await until(
      async () => events.length,
      (count) => count === 1,
    );
    await mapping.stop();
    expect(events.flatMap(recordsOf).map((one) => one.offset)).toEqual([0, 1, 2, 3, 4]);
  });

  test("rule 6: the window starts with the first record read; later ones do not put it off", async () => {
    const topic = await kafka.createTopic(1);
    const { events, mapping } = trigger(
      kafka.brokers,
      settingsFor(topic, { batchSize: 10_000, batchingWindowMs: 2_000 }),
    );
    await until(
      async () => mapping.status.state,
      (state) => state === "Enabled",
    );
    // Records go on coming: a window that began anew with each would never end.
    await until(
      async () => {
        await send(topic, 0, ["one more"]);
        return events.length;
      },
      (count) => count > 0,
      30_000,
    );
    await mapping.stop();
    expect(events.flatMap(recordsOf).length).toBeGreaterThan(1);
  });

  test("rule 7: with provisioned pollers at most five invocations at once for each of them", async () => {
    const topic = await kafka.createTopic(8);
    for (const partition of numbered(8)) await send(topic, Number(partition), numbered(4));
    let running = 0;
    let mostAtOnce = 0;
    const settings = settingsFor(topic, { batchSize: 2, pollers: { minimum: 1, maximum: 1 } });
    const { mapping, records } = trigger(kafka.brokers, settings, async () => {
      running++;
      mostAtOnce = Math.max(mostAtOnce, running);
      await until(
        async () => mostAtOnce, // the first wait for as many as may run
        (most) => most >= 5,
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
      running--;
    });
    await until(
      async () => records.length,
      (count) => count === 32,
    );
    await mapping.stop();
    expect(mostAtOnce).toBe(5);
    for (let partition = 0; partition < 8; partition++)
      expect(records.filter((one) => one.partition === partition).map((one) => one.offset)).toEqual([
        0, 1, 2, 3,
      ]);
  });
});

test("rule 7: partitions are read in turns: what is large in one does not hold up another", async () => {
  const topic = await kafka.createTopic(2);
  const large = ["x".repeat(600_000), "y".repeat(600_000)];
  for (let i = 0; i < 10; i++) await send(topic, 0, large);
  await send(topic, 1, large);
  const { mapping, records } = trigger(kafka.brokers, settingsFor(topic));
  await until(
    async () => records.length,
    (count) => count === 22,
  );
  await mapping.stop();
  expect(records.findIndex((one) => one.partition === 1)).toBeLessThan(8);
});

describe("where it starts", () => {
  test("rule 8, rule 9: what LATEST began with and failed is not skipped by the next start", async () => {
    const topic = await kafka.createTopic(1);
    await send(topic, 0, ["old"]);
    const settings = settingsFor(topic, { startingPosition: "LATEST" });
    const first = trigger(kafka.brokers, settings, () => {
      throw failing();
    });
    await until(
      async () => first.mapping.status.state,
      (state) => state === "Enabled",
    );
    await send(topic, 0, ["failed"]);
    await until(
      async () => first.events.length,
      (count) => count > 0,
    );
    await first.mapping.stop();
    await send(topic, 0, ["while it was stopped"]);
    const second = trigger(kafka.brokers, settings);
    await until(
      async () => second.records.length,
      (count) => count === 2,
    );
    await second.mapping.stop();
    expect(second.records.map((one) => one.value)).toEqual(["failed", "while it was stopped"]);
  });

  test.each([
    ["LATEST", null, "new"],
    ["AT_TIMESTAMP", 1, "7"],
  ] as const)(
    "rule 10: past a gap a mapping that began at %s goes on at that side",
    async (startingPosition, startingTimestampMs, expected) => {
      const topic = await kafka.createTopic(1);
      const settings = settingsFor(topic, { startingPosition, startingTimestampMs });
      const before = trigger(kafka.brokers, settings);
      await until(
        async () => before.mapping.status.state,
        (state) => state === "Enabled",
      );
      await send(topic, 0, ["0"]);
      await until(
        async () => before.records.length,
        (count) => count === 1,
      );
      await before.mapping.stop();
      await send(topic, 0, numbered(10).slice(1));
      await until(
        () =>
          kafka.admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "7" }] }).then(
            () => true,
            () => false, // the client's view of the partition's end may be an old one
          ),
        (isDone) => isDone,
      );
      const counters = noCounts();
      const { mapping, records } = trigger(kafka.brokers, settings, undefined, { counters });
      await until(
        async () => mapping.status.state,
        (state) => state === "Enabled",
      );
      await send(topic, 0, ["new"]);
      await until(
        async () => records.length,
        (count) => count > 0,
      );
      await mapping.stop();
      expect([records[0]?.value, counters.OffsetGapCount]).toEqual([expected, 1]);
    },
  );

  test("rule 11: a new partition is taken up from offset 0 with LATEST as well", async () => {
    const topic = await kafka.createTopic(1);
    const { mapping, records } = trigger(
      kafka.brokers,
      settingsFor(topic, { startingPosition: "LATEST" }),
      undefined,
      { lookForPartitionsMs: 4_000 },
    );
    await until(
      async () => mapping.status.state,
      (state) => state === "Enabled",
    );
    await kafka.admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] });
    await until(
      async () => (await kafka.admin.fetchTopicMetadata({ topics: [topic] })).topics[0]?.partitions.length,
      (count) => count === 2,
    );
    // Before the mapping knows of the partition: this would be lost if it began at the end.
    await send(topic, 1, ["first"]);
    expect(mapping.status.partitions.length).toBe(1);
    await until(
      async () => records.length,
      (count) => count > 0,
    );
    await mapping.stop();
    expect(records[0]).toEqual({ partition: 1, offset: 0, value: "first" });
  });
});

test("rule 12: LastProcessingResult: nothing yet, a problem with its reason, OK after it", async () => {
  const topic = await kafka.createTopic(1);
  let isBroken = true;
  const { mapping } = trigger(kafka.brokers, settingsFor(topic), () => {
    if (isBroken) throw failing("out of order");
  });
  const result = () => Promise.resolve(mapping.status.lastProcessingResult);
  await until(
    async () => mapping.status.state,
    (state) => state === "Enabled",
  );
  expect(await result()).toBe("No records processed");
  await send(topic, 0, ["a"]);
  await until(result, (text) => text === "PROBLEM: f: out of order");
  isBroken = false;
  await until(result, (text) => text === "OK");
  await mapping.stop();
});

test("rule 3: a mapping has one topic: its payloads name no other", async () => {
  const [topic, other] = [await kafka.createTopic(2), await kafka.createTopic(2)];
  for (const name of [topic, other]) for (const partition of [0, 1]) await send(name, partition, numbered(3));
  const groupId = `group-${randomUUID()}`;
  const { events, mapping, records } = trigger(
    kafka.brokers,
    settingsFor(topic, { groupId, concurrency: 1, failureHandling: handling({}) }),
  );
  await until(
    async () => records.length,
    (count) => count === 6,
  );
  await mapping.stop();
  const keys = new Set(events.flatMap((event) => Object.keys(event.records)));
  expect([...keys].sort()).toEqual([`${topic}-0`, `${topic}-1`]);
});
