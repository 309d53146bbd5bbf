// What waits and what is given up when a function fails (rules 13–16, 18, 20), and how deliveries repeat under faults.

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localSink } from "../../localstack/event-source-mapping/destination.ts";
import { parseDestination } from "../../localstack/event-source-mapping/destination-name.ts";
import { faultKinds, injectFaults } from "../../localstack/event-source-mapping/faults.ts";
import { noCounts } from "../../localstack/event-source-mapping/metrics.ts";
import {
  deliveriesOf,
  failing,
  faultsOn,
  handling,
  numbered,
  recordsOf,
  sendTo,
  settingsFor,
  trigger,
} from "./esm-trigger.ts";
import { connectKafka, type TestKafka, until } from "./topics.ts";

let kafka: TestKafka;
let folder: string;
beforeAll(async () => {
  [kafka, folder] = await Promise.all([connectKafka(), mkdtemp(join(tmpdir(), "esm-retry-"))]);
});
afterAll(async () => {
  await Promise.all([kafka.close(), rm(folder, { recursive: true, force: true })]);
});

const send = (topic: string, partition: number, values: readonly (string | Buffer | null)[]) =>
  sendTo(kafka, topic, partition, values);

test("rule 13: partitions that shared the payload with a bad record wait, those that did not go on", async () => {
  const topic = await kafka.createTopic(3);
  for (const partition of [0, 1, 2]) await send(topic, partition, numbered(4));
  let isBroken = true;
  // Two lanes: 0 and 2 share payloads, 1 is alone.
  const { events, mapping, records } = trigger(
    kafka.brokers,
    settingsFor(topic, { concurrency: 2, batchSize: 8, batchingWindowMs: 1_000 }),
    (event) => {
      if (isBroken && recordsOf(event).some((one) => one.partition === 0)) throw failing();
    },
  );
  await until(
    async () => [records.length, events.filter((event) => deliveriesOf([event], 0).length > 0).length],
    ([delivered, tries]) => delivered === 4 && Number(tries) >= 3,
  );
  const next = mapping.status.partitions.map((one) => one.nextOffset);
  isBroken = false;
  await until(
    async () => records.length,
    (count) => count === 12,
  );
  await mapping.stop();
  expect(next).toEqual([0, 4, 0]);
  expect(records.slice(0, 4).every((one) => one.partition === 1)).toBe(true);
  for (const partition of [0, 2])
    for (const offsets of deliveriesOf(events, partition)) expect(offsets).toEqual([0, 1, 2, 3]);
});

test("rule 13, rule 18: a record that grows too old while it fails is given up with MaximumRecordAgeExceeded", async () => {
  const topic = await kafka.createTopic(1);
  const counters = noCounts();
  const destination = parseDestination("arn:aws:sqs:local:0:aged");
  const settings = settingsFor(topic, {
    batchSize: 1,
    failureHandling: handling({ maximumRecordAgeMs: 5_000, destination }),
  });
  const { events, mapping, records } = trigger(
    kafka.brokers,
    settings,
    (event) => {
      if (recordsOf(event)[0]?.value === "old soon") throw failing("never");
    },
    { counters, sink: localSink(folder, async () => undefined) },
  );
  // Its age is counted from here: what is too old before the mapping runs is never tried.
  await until(
    async () => mapping.status.state,
    (state) => state === "Enabled",
  );
  await send(topic, 0, ["old soon"]);
  await until(
    async () => counters.OnFailureDestinationDeliveredEventCount,
    (count) => count === 1,
  );
  await send(topic, 0, ["next"]);
  await until(
    async () => records.length,
    (count) => count === 1,
  );
  await mapping.stop();
  const [file = ""] = await readdir(join(folder, "sqs/aged"));
  const message = JSON.parse(await readFile(join(folder, "sqs/aged", file), "utf8"));
  expect(JSON.parse(message.Body)).toMatchObject({
    requestContext: { condition: "MaximumRecordAgeExceeded", approximateInvokeCount: events.length - 1 },
    responseContext: { functionError: "Unhandled" },
  });
  expect(counters.DroppedEventCount).toBe(0);
});

test("rule 15: halves over several partitions are cut in the order of partition and offset, first half first", async () => {
  const topic = await kafka.createTopic(3);
  for (const partition of [2, 1, 0]) await send(topic, partition, numbered(2));
  const settings = settingsFor(topic, {
    concurrency: 1,
    batchSize: 6,
    batchingWindowMs: 60_000,
    failureHandling: handling({ bisects: true }),
  });
  const { events, mapping, records } = trigger(kafka.brokers, settings, (_, invocation) => {
    if (invocation === 1) throw failing();
  });
  await until(
    async () => records.length,
    (count) => count === 6,
  );
  await mapping.stop();
  const placed = events
    .slice(1)
    .map((event) => recordsOf(event).map((one) => `${one.partition}:${one.offset}`));
  expect(placed).toEqual([
    ["0:0", "0:1", "1:0"],
    ["1:1", "2:0", "2:1"],
  ]);
});

test("rule 16: every malformed answer fails the whole batch; empty ones are success", async () => {
  const topic = await kafka.createTopic(2);
  await send(topic, 0, numbered(3));
  const failed = (partition: unknown, offset: unknown) => ({
    batchItemFailures: [{ itemIdentifier: { partition, offset } }],
  });
  const malformed: unknown[] = [
    "text",
    7,
    [],
    { batchItemFailures: "none" },
    { batchItemFailures: [null] },
    { batchItemFailures: [{}] },
    { batchItemFailures: [{ itemIdentifier: "" }] },
    failed("", 0),
    failed(`${topic}-1`, 0),
    failed(`${topic}-0`, 3),
    failed(`${topic}-0`, "0"),
    failed(undefined, 0),
    // One good identifier does not make up for a bad one.
    { batchItemFailures: [...failed(`${topic}-0`, 2).batchItemFailures, {}] },
  ];
  const counters = noCounts();
  const answered = async (answer: unknown) => {
    const settings = settingsFor(topic, { failureHandling: handling({ reportsItemFailures: true }) });
    const { events, mapping } = trigger(
      kafka.brokers,
      settings,
      (_, invocation) => (invocation === 1 ? answer : undefined),
      { counters },
    );
    await until(
      async () => mapping.status.partitions[0]?.nextOffset,
      (offset) => offset === 3,
    );
    await mapping.stop();
    return { answer, deliveries: deliveriesOf(events, 0) };
  };
  const whole = [0, 1, 2];
  expect(await Promise.all(malformed.map(answered))).toEqual(
    malformed.map((answer) => ({ answer, deliveries: [whole, whole] })),
  );
  expect(counters.FailedInvokeEventCount).toBe(3 * malformed.length);
  const empty = [null, {}, { batchItemFailures: [] }, { batchItemFailures: null }];
  expect(await Promise.all(empty.map(answered))).toEqual(
    empty.map((answer) => ({ answer, deliveries: [whole] })),
  );
});

test.each([
  ["a pattern on JSON", '{"value":{"a":[1]}}', ['{"a":1}']],
  ["a pattern on text", '{"value":["plain"]}', ["plain"]],
  ["a pattern on any text", '{"value":[{"exists":true}]}', ["plain", "7", ""]],
])("rule 20: %s drops the other kind, null and what is not UTF-8", async (_, pattern, expected) => {
  const topic = await kafka.createTopic(1);
  await send(topic, 0, ["plain", '{"a":1}', '{"a":2}', "7", null, "", Buffer.from([0xff, 0xfe])]);
  const counters = noCounts();
  const { mapping, records } = trigger(
    kafka.brokers,
    settingsFor(topic, { filterPatterns: [pattern] }),
    undefined,
    { counters },
  );
  await until(
    async () => counters.CommittedEventCount,
    (count) => count === 7,
  );
  await mapping.stop();
  expect(records.map((one) => one.value)).toEqual(expected);
  expect(counters.FilteredOutEventCount).toBe(7 - expected.length);
});

describe("fault injection", () => {
  test("both halves of a batch at once: each is delivered, nothing is lost", async () => {
    const topic = await kafka.createTopic(1);
    await send(topic, 0, numbered(16));
    const log: string[] = [];
    const faults = injectFaults({ seed: 1, probability: { halvesAtOnce: 1 } }, (line) => log.push(line));
    let running = 0;
    let mostAtOnce = 0;
    const { mapping, records } = trigger(
      kafka.brokers,
      settingsFor(topic, { batchSize: 16, failureHandling: handling({ bisects: true }) }),
      async (event) => {
        mostAtOnce = Math.max(mostAtOnce, ++running);
        await new Promise((resolve) => setTimeout(resolve, 20));
        running--;
        if (recordsOf(event).length > 4) throw failing();
      },
      { faults },
    );
    await until(
      async () => mapping.status.partitions[0]?.nextOffset,
      (offset) => offset === 16,
    );
    await mapping.stop();
    expect(mostAtOnce).toBeGreaterThan(1);
    expect(records.map((one) => one.offset).sort((a, b) => a - b)).toEqual(numbered(16).map(Number));
    expect(log).toContain(`fault halvesAtOnce: ${topic}-0 0–15`);
  });

  /** The sequence of deliveries of each partition. */
  async function deliveriesWith(topic: string, seed: number, slowMs = 0): Promise<readonly string[][]> {
    // Of two halves at once, which of them is first tried again is for time to say.
    const kinds = faultKinds.filter((kind) => kind !== "halvesAtOnce");
    const probability = Object.fromEntries(kinds.map((kind) => [kind, 0.1]));
    const faults = faultsOn(topic, { seed, probability, delayMs: 10 }, () => undefined);
    const settings = settingsFor(topic, {
      batchSize: 12,
      failureHandling: handling({ bisects: true, reportsItemFailures: true }),
    });
    const { events, mapping } = trigger(
      kafka.brokers,
      settings,
      async (event) => {
        await new Promise((resolve) => setTimeout(resolve, slowMs));
        // By offsets, as a function that is at fault fails: one record never in a large batch.
        const records = recordsOf(event);
        if (records.length > 3 && records.some((one) => one.offset % 17 === 0)) throw failing();
      },
      { faults },
    );
    await until(
      async () => mapping.status.partitions.map((one) => one.nextOffset),
      (offsets) => offsets.length === 2 && offsets.every((offset) => offset === 40),
    );
    await mapping.stop();
    return [0, 1].map((partition) =>
      deliveriesOf(events, partition).map((offsets) => `${offsets.at(0)}–${offsets.at(-1)}`),
    );
  }

  test("the same seed on the same log gives the same deliveries, another seed others", async () => {
    const topic = await kafka.createTopic(2);
    // Above a megabyte they are read one by one: what has been read when a batch is cut depends on the function's time.
    for (let i = 0; i < 8; i++)
      for (const partition of [0, 1]) await send(topic, partition, Array(5).fill("x".repeat(240_000)));
    const [first, second, other] = [
      await deliveriesWith(topic, 11),
      await deliveriesWith(topic, 11, 150),
      await deliveriesWith(topic, 12),
    ];
    expect(second).toEqual(first);
    expect(other).not.toEqual(first);
  });
});
