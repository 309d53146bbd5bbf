// Rule 18: the event of a failure is built again from the topic, whatever the records and however many.

import { expect, onTestFinished, test } from "vitest";
import {
  type Batch,
  cutBatch,
  PAYLOAD_LIMIT_BYTES,
  type SourceRecord,
} from "../../localstack/event-source-mapping/event.ts";
import { instant } from "../../localstack/event-source-mapping/failure-record.ts";
import { deliverEvents, rebuildEvents } from "../../localstack/event-source-mapping/replay-failure.ts";
import type { StoredFailure } from "../../localstack/event-source-mapping/stored-failures.ts";
import { arn, recordsOf } from "./esm-trigger.ts";
import { connectKafka, until } from "./topics.ts";

const rules = { filterPatterns: [], reportsItemFailures: false };
const TIMESTAMP_MS = 1_700_000_000_000;

async function open() {
  const kafka = await connectKafka();
  onTestFinished(() => kafka.close());
  const topic = await kafka.createTopic(2);
  await until(
    () => kafka.admin.fetchTopicOffsets(topic),
    (offsets) => offsets.length === 2,
  );
  return { kafka, topic };
}

function failureOf(
  topic: string,
  brokers: string,
  ranges: readonly [number, number, number][],
): StoredFailure {
  return {
    id: "id",
    destination: "sqs/queue",
    at: instant(TIMESTAMP_MS),
    functionName: "f",
    condition: "RetryAttemptsExhausted",
    invocations: 1,
    batchSize: ranges.reduce((sum, [, first, last]) => sum + last - first + 1, 0),
    eventSourceArn: arn,
    bootstrapServers: brokers,
    topic,
    ranges: ranges.map(([partition, firstOffset, lastOffset]) => {
      return { partition, firstOffset, lastOffset, firstTimestamp: instant(TIMESTAMP_MS) };
    }),
    payload: null,
    record: null,
    file: null,
    replayedAt: null,
  };
}

test("rule 18: several partitions, and records without key or value, make the very event that failed", async () => {
  const { kafka, topic } = await open();
  const timestamp = String(TIMESTAMP_MS);
  for (const partition of [0, 1])
    await kafka.producer.send({
      topic,
      messages: [
        { partition, timestamp, key: null, value: "before" },
        { partition, timestamp, key: null, value: null },
        { partition, timestamp, key: "", value: "", headers: { h: [Buffer.from([0, 255]), "ë"] } },
        { partition, timestamp, key: "after", value: "after" },
      ],
    });
  const failure = failureOf(topic, kafka.brokers, [
    [1, 1, 2],
    [0, 1, 1],
  ]);
  const record = (offset: number, more: Partial<SourceRecord> = {}): SourceRecord => {
    const bare = { key: null, value: null, headers: [], timestampType: "CREATE_TIME" as const };
    return { ...bare, offset, timestampMs: TIMESTAMP_MS, ...more };
  };
  const headers = [Buffer.from([0, 255]), Buffer.from("ë")].map(
    (value) => [Buffer.from("h"), value] as const,
  );
  const empty = Buffer.alloc(0);
  const failed: Batch = [
    { partition: 1, records: [record(1), record(2, { key: empty, value: empty, headers })] },
    { partition: 0, records: [record(1)] },
  ];
  const rebuilt = await rebuildEvents(failure, [kafka.brokers], rules);
  expect(rebuilt.events.map(({ payload }) => payload)).toEqual([cutBatch(failure, failed, 100).payload]);
  expect(rebuilt).toMatchObject({ records: 3, from: "topic", gone: [] });
});

test("rule 18, rule 4: what no payload holds is delivered in several, in order", async () => {
  const { kafka, topic } = await open();
  const messages = Array.from({ length: 9 }, (_, i) => ({
    partition: 0,
    timestamp: String(TIMESTAMP_MS),
    value: String(i).repeat(900_000),
  }));
  for (const message of messages) await kafka.producer.send({ topic, messages: [message] });
  const failure = failureOf(topic, kafka.brokers, [[0, 0, 8]]);
  const rebuilt = await rebuildEvents(failure, [kafka.brokers], rules);
  const delivered: number[][] = [];
  const invoke = async (_: string, payload: string) => {
    expect(Buffer.byteLength(payload)).toBeLessThanOrEqual(PAYLOAD_LIMIT_BYTES);
    delivered.push(recordsOf(JSON.parse(payload)).map(({ offset }) => offset));
    return "null";
  };
  await deliverEvents(failure, rebuilt, invoke, rules);
  expect(delivered).toEqual([
    [0, 1, 2, 3, 4],
    [5, 6, 7, 8],
  ]);
});
