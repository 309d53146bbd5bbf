// The event source mapping on a real broker when functions fail (rules 13–20) and under injected faults.

import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localSink } from "../../localstack/event-source-mapping/destination.ts";
import {
  type Destination,
  parseDestination,
} from "../../localstack/event-source-mapping/destination-name.ts";
import { faultKinds } from "../../localstack/event-source-mapping/faults.ts";
import { noCounts } from "../../localstack/event-source-mapping/metrics.ts";
import { arn, failing, faultsOn, handling, recordsOf, settingsFor, trigger } from "./esm-trigger.ts";
import { connectKafka, type TestKafka, until } from "./topics.ts";

let kafka: TestKafka;
let folder: string;
beforeAll(async () => {
  [kafka, folder] = await Promise.all([connectKafka(), mkdtemp(join(tmpdir(), "esm-failures-"))]);
});
afterAll(async () => {
  await Promise.all([kafka.close(), rm(folder, { recursive: true, force: true })]);
});

const send = (topic: string, partition: number, values: readonly (string | null)[]) =>
  kafka.producer.send({ topic, messages: values.map((value) => ({ partition, value })) });
const numbered = (count: number) => Array.from({ length: count }, (_, i) => String(i));
const values = (records: readonly { readonly value: string | null }[]) => records.map((one) => one.value);
const destinationOf = (text: string): Destination => {
  const destination = parseDestination(text);
  if (destination === null) throw new Error(`no destination: ${text}`);
  return destination;
};
const sink = () =>
  localSink(folder, async (topic, key, value) => {
    await kafka.producer.send({ topic, messages: [{ key, value }] });
  });
async function filesOf(kind: string, name: string): Promise<string[]> {
  const entries = await readdir(join(folder, kind, name), { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  return Promise.all(
    entries.filter((one) => one.isFile()).map((one) => readFile(join(one.parentPath, one.name), "utf8")),
  );
}

describe("when it fails", () => {
  test("rule 13: a batch that has failed many times in a row is named in log and status, until it is done", async () => {
    const topic = await kafka.createTopic(1);
    await send(topic, 0, numbered(2));
    let fails = true;
    const { mapping, log, records } = trigger(kafka.brokers, settingsFor(topic), () => {
      if (fails) throw failing("no database");
      return null;
    });
    const statusOf = async () => mapping.status.partitions[0];
    const stuck = await until(statusOf, (status) => (status?.failuresInRow ?? 0) >= 6);
    expect(stuck).toMatchObject({ partition: 0, nextOffset: 0, failingSince: expect.stringMatching(/Z$/) });
    expect(log.filter((line) => line.includes("is stuck"))).toEqual([
      expect.stringMatching(
        /-0 is stuck at offset 0 since .*Z: 6 failures in a row, the last: .*no database/,
      ),
    ]);
    fails = false;
    await until(
      async () => records.length,
      (count) => count === 2,
    );
    expect(await statusOf()).toMatchObject({ failuresInRow: 0, failingSince: null });
    await mapping.stop();
  });

  test("rule 13, rule 17: a failing batch comes again whole and in order, its partition waits, others go on; answers mean nothing", async () => {
    const topic = await kafka.createTopic(2);
    for (const partition of [0, 1]) await send(topic, partition, numbered(6));
    let failures = 0;
    const { events, mapping, records } = trigger(
      kafka.brokers,
      settingsFor(topic, { batchSize: 3 }),
      (event) => {
        const [first] = recordsOf(event);
        if (first?.partition === 0 && first.offset === 0 && failures < 3) {
          failures++;
          throw failing();
        }
        return { batchItemFailures: [{ itemIdentifier: { partition: `${topic}-1`, offset: 0 } }] };
      },
    );
    await until(
      async () => records.length,
      (count) => count === 12,
    );
    await mapping.stop();
    const of = (partition: number) =>
      events.map(recordsOf).filter(([first]) => first?.partition === partition);
    expect(of(0).map((batch) => batch.map((one) => one.offset))).toEqual([
      [0, 1, 2],
      [0, 1, 2],
      [0, 1, 2],
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect(of(1).map((batch) => batch.map((one) => one.offset))).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
  });

  test("rule 13: throttling slows down and never counts as a try", async () => {
    const topic = await kafka.createTopic(1);
    await send(topic, 0, ["a"]);
    const counters = noCounts();
    const settings = settingsFor(topic, { failureHandling: handling({ maximumRetryAttempts: 0 }) });
    const { events, mapping, records } = trigger(
      kafka.brokers,
      settings,
      (_, invocation) => {
        if (invocation <= 3) throw failing("throttled", 429);
      },
      { counters },
    );
    await until(
      async () => records.length,
      (count) => count === 1,
    );
    await mapping.stop();
    expect(events.length).toBe(4);
    expect(counters).toMatchObject({ FailedInvokeEventCount: 0, DroppedEventCount: 0, InvokedEventCount: 1 });
  });

  test("rule 14: MaximumRetryAttempts does not count the first call; then the batch is dropped and counted", async () => {
    const topic = await kafka.createTopic(1);
    await send(topic, 0, ["bad", "good"]);
    const counters = noCounts();
    const settings = settingsFor(topic, {
      batchSize: 1,
      failureHandling: handling({ maximumRetryAttempts: 2 }),
    });
    const { events, mapping, records } = trigger(
      kafka.brokers,
      settings,
      (event) => {
        if (recordsOf(event)[0]?.value === "bad") throw failing();
      },
      { counters },
    );
    await until(
      async () => records.length,
      (count) => count === 1,
    );
    await until(
      async () => counters.CommittedEventCount,
      (count) => count === 2,
    );
    await mapping.stop();
    expect(events.map((event) => recordsOf(event)[0]?.value)).toEqual(["bad", "bad", "bad", "good"]);
    expect(counters).toMatchObject({
      DroppedEventCount: 1,
      FailedInvokeEventCount: 3,
      CommittedEventCount: 2,
    });
  });

  test("rule 13: records older than MaximumRecordAge are given up", async () => {
    const topic = await kafka.createTopic(1);
    const old = String(Date.now() - 120_000);
    await kafka.producer.send({
      topic,
      messages: [{ value: "old", timestamp: old }, { value: "new" }, { value: "old too", timestamp: old }],
    });
    const counters = noCounts();
    const settings = settingsFor(topic, { failureHandling: handling({ maximumRecordAgeMs: 60_000 }) });
    const { mapping, records } = trigger(kafka.brokers, settings, undefined, { counters });
    await until(
      async () => records.length,
      (count) => count === 1,
    );
    await mapping.stop();
    expect(values(records)).toEqual(["new"]);
    expect(counters.DroppedEventCount).toBe(2);
  });

  test("rule 15: bisection finds the one bad record, everything else is delivered once, first half first", async () => {
    const topic = await kafka.createTopic(1);
    await send(topic, 0, numbered(64));
    const settings = settingsFor(topic, {
      batchSize: 64,
      batchingWindowMs: 1_000,
      failureHandling: handling({ bisects: true, maximumRetryAttempts: 1 }),
    });
    const { events, mapping, records } = trigger(kafka.brokers, settings, (event) => {
      if (recordsOf(event).some((one) => one.value === "41")) throw failing();
    });
    await until(
      async () => mapping.status.partitions[0]?.nextOffset,
      (offset) => offset === 64,
    );
    await mapping.stop();
    expect(values(records)).toEqual(numbered(64).filter((value) => value !== "41"));
    const withBad = events.map(recordsOf).filter((batch) => batch.some((one) => one.value === "41"));
    expect(withBad.map((batch) => batch.length)).toEqual([64, 32, 16, 8, 4, 2, 1, 1]);
  });

  test("rule 16: a partial response: delivery goes on from the lowest named offset", async () => {
    const topic = await kafka.createTopic(1);
    await send(topic, 0, numbered(10));
    const settings = settingsFor(topic, {
      batchingWindowMs: 500,
      failureHandling: handling({ reportsItemFailures: true }),
    });
    const { events, mapping } = trigger(kafka.brokers, settings, (_, invocation) =>
      invocation > 1
        ? {}
        : {
            batchItemFailures: [7, 4].map((offset) => ({
              itemIdentifier: { partition: `${topic}-0`, offset },
            })),
          },
    );
    await until(
      async () => mapping.status.partitions[0]?.nextOffset,
      (offset) => offset === 10,
    );
    await mapping.stop();
    expect(events.map((event) => recordsOf(event).map((one) => one.offset))).toEqual([
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
      [4, 5, 6, 7, 8, 9],
    ]);
  });
});

describe("failure destinations", () => {
  test.each(["sqs", "sns", "s3", "kafka"] as const)(
    "rule 18: %s takes what is given up, in AWS's shape; then it is passed over",
    async (kind) => {
      const topic = await kafka.createTopic(1);
      const name = kind === "kafka" ? await kafka.createTopic(1) : `failures-${randomUUID()}`;
      const text = {
        sqs: `arn:aws:sqs:local:0:${name}`,
        sns: `arn:aws:sns:local:0:${name}`,
        s3: `arn:aws:s3:::${name}`,
        kafka: `kafka://${name}`,
      }[kind];
      const sentMs = 1_700_000_000_000;
      await kafka.producer.send({
        topic,
        messages: [0, 1].map((i) => ({ partition: 0, value: "v", timestamp: String(sentMs + i) })),
      });
      const counters = noCounts();
      const settings = settingsFor(topic, {
        failureHandling: handling({ maximumRetryAttempts: 1, destination: destinationOf(text) }),
      });
      const { events, mapping } = trigger(
        kafka.brokers,
        settings,
        () => {
          throw failing();
        },
        { counters, sink: sink(), id: "11111111-2222-4333-8444-555555555555" },
      );
      await until(
        async () => counters.CommittedEventCount,
        (count) => count === 2,
      );
      await mapping.stop();
      let record: unknown;
      if (kind === "kafka") {
        const reader = trigger(kafka.brokers, settingsFor(name));
        await until(
          async () => reader.records.length,
          (count) => count === 1,
        );
        await reader.mapping.stop();
        record = JSON.parse(reader.records[0]?.value ?? "");
      } else {
        const [file = ""] = await filesOf(kind, name);
        const stored = JSON.parse(file);
        record =
          kind === "sqs" ? JSON.parse(stored.Body) : kind === "sns" ? JSON.parse(stored.Message) : stored;
      }
      const payload = JSON.stringify(events[0]);
      expect(record).toEqual({
        requestContext: {
          requestId: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
          functionArn: "arn:aws:lambda:local:000000000000:function:f",
          condition: "RetryAttemptsExhausted",
          approximateInvokeCount: 2,
        },
        responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
        version: "1.0",
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        KafkaBatchInfo: {
          batchSize: 2,
          eventSourceArn: arn,
          bootstrapServers: kafka.brokers,
          payloadSize: Buffer.byteLength(payload),
          recordsInfo: {
            [`${topic}-0`]: {
              firstRecordOffset: "0",
              lastRecordOffset: "1",
              firstRecordTimestamp: "2023-11-14T22:13:20.000Z",
              lastRecordTimestamp: "2023-11-14T22:13:20.001Z",
            },
          },
        },
        ...(kind === "s3" ? { payload } : {}),
      });
      expect(counters).toMatchObject({ OnFailureDestinationDeliveredEventCount: 2, DroppedEventCount: 0 });
    },
  );

  test("rule 5: a record whose payload alone is over 6 MB goes to the destination, and the partition goes on", async () => {
    const topic = await kafka.createTopic(1, [{ name: "max.message.bytes", value: "10000000" }]);
    const name = `large-${randomUUID()}`;
    await send(topic, 0, ["x".repeat(5_000_000)]);
    await send(topic, 0, ["small"]);
    const settings = settingsFor(topic, {
      failureHandling: handling({ destination: destinationOf(`arn:aws:sqs:local:0:${name}`) }),
    });
    const { events, mapping, records } = trigger(kafka.brokers, settings, undefined, { sink: sink() });
    await until(
      async () => records.length,
      (count) => count === 1,
    );
    await mapping.stop();
    expect(values(records)).toEqual(["small"]);
    expect(events.length).toBe(1);
    const [file = ""] = await filesOf("sqs", name);
    expect(JSON.parse(JSON.parse(file).Body).requestContext).toMatchObject({
      condition: "PayloadTooLarge",
      approximateInvokeCount: 0,
    });
  });

  test("rule 19: a destination that fails keeps the batch until it takes it", async () => {
    const topic = await kafka.createTopic(1);
    await send(topic, 0, ["a"]);
    let refusals = 0;
    const taken: unknown[] = [];
    const settings = settingsFor(topic, {
      failureHandling: handling({
        maximumRetryAttempts: 0,
        destination: destinationOf("arn:aws:sqs:local:0:q"),
      }),
    });
    const { mapping } = trigger(
      kafka.brokers,
      settings,
      () => {
        throw failing();
      },
      {
        sink: {
          async send(_, __, record) {
            if (refusals++ < 3) throw new Error("queue is full");
            taken.push(record);
          },
        },
      },
    );
    await until(
      async () => refusals,
      (count) => count === 2,
    );
    expect(mapping.status.partitions[0]?.nextOffset).toBe(0);
    expect(mapping.status.lastProcessingResult).toContain("PROBLEM: ");
    await until(
      async () => mapping.status.partitions[0]?.nextOffset,
      (offset) => offset === 1,
    );
    await mapping.stop();
    expect(taken.length).toBe(1);
  });
});

test("rule 20: what the filter drops is settled, committed and counted, never seen", async () => {
  const topic = await kafka.createTopic(1);
  await send(topic, 0, ['{"a":1}', '{"a":2}', "plain", null, '{"a":1}', '{"a":2}']);
  const counters = noCounts();
  const settings = settingsFor(topic, { filterPatterns: ['{"value":{"a":[1]}}'] });
  const { mapping, records } = trigger(kafka.brokers, settings, undefined, { counters });
  await until(
    async () => counters.CommittedEventCount,
    (count) => count === 6,
  );
  await mapping.stop();
  expect(records.map((one) => one.offset)).toEqual([0, 4]);
  expect(counters).toMatchObject({ FilteredOutEventCount: 4, PolledEventCount: 6, InvokedEventCount: 2 });
});

describe("fault injection", () => {
  test.each(faultKinds)("%s strikes, is logged, and nothing is lost", async (kind) => {
    const topic = await kafka.createTopic(2);
    for (const partition of [0, 1]) await send(topic, partition, numbered(40));
    const faultLog: string[] = [];
    const faults = faultsOn(topic, { seed: 7, probability: { [kind]: 0.3 }, delayMs: 20 }, (line) =>
      faultLog.push(line),
    );
    const bisects = kind === "secondHalfFirst" || kind === "halvesAtOnce";
    const { mapping, records } = trigger(
      kafka.brokers,
      settingsFor(topic, { batchSize: 2, failureHandling: handling({ bisects }) }),
      (event) => {
        if (bisects && recordsOf(event).length > 1) throw failing();
      },
      { faults },
    );
    await until(
      async () => mapping.status.partitions,
      (partitions) => partitions.length === 2 && partitions.every((one) => one.nextOffset === 40),
    );
    await mapping.stop();
    for (const partition of [0, 1]) {
      const seen = new Set(records.filter((one) => one.partition === partition).map((one) => one.offset));
      expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    }
    const isRepeated = ["duplicate", "overlap", "lostAcknowledgement", "lostCommit", "timeOut"].includes(
      kind,
    );
    expect(records.length > 80).toBe(isRepeated);
    expect(faultLog.length).toBeGreaterThan(0);
    expect(faultLog.every((line) => line.startsWith(`fault ${kind}: topic-`))).toBe(true);
  });
});
