// Delivered events against AWS's own descriptions of them: the types of @types/aws-lambda and Powertools' parsers.

import { kafkaConsumer } from "@aws-lambda-powertools/kafka";
import {
  KafkaMskEventSchema,
  KafkaSelfManagedEventSchema,
} from "@aws-lambda-powertools/parser/schemas/kafka";
import type { Context, MSKEvent } from "aws-lambda";
import { afterAll, beforeAll, expect, test } from "vitest";
import { arn, settingsFor, trigger } from "./esm-trigger.ts";
import { connectKafka, type TestKafka, until } from "./topics.ts";

let kafka: TestKafka;
beforeAll(async () => {
  kafka = await connectKafka();
});
afterAll(() => kafka.close());

async function firstEvent(topic: string, isSelfManaged = false, writesNulls = false): Promise<MSKEvent> {
  const settings = settingsFor(topic, isSelfManaged ? { eventSourceArn: null } : {});
  const { events, mapping } = trigger(kafka.brokers, settings, undefined, { writesNulls });
  await until(
    async () => events.length,
    (count) => count > 0,
  );
  await mapping.stop();
  const [event] = events;
  if (event === undefined) throw new Error("no event");
  return event;
}

const context: Context = {
  callbackWaitsForEmptyEventLoop: true,
  functionName: "f",
  functionVersion: "$LATEST",
  invokedFunctionArn: "arn:aws:lambda:local:000000000000:function:f",
  memoryLimitInMB: "256",
  awsRequestId: "1",
  logGroupName: "g",
  logStreamName: "s",
  getRemainingTimeInMillis: () => 1_000,
  done: () => undefined,
  fail: () => undefined,
  succeed: () => undefined,
};

test("rule 1, rule 2: events are deep-equal to what MSKEvent describes and accepted by Powertools' parser", async () => {
  const topic = await kafka.createTopic(1);
  const value = JSON.stringify({ temperature: 21.5 });
  await kafka.producer.send({
    topic,
    messages: [{ key: "k1", value, timestamp: "1700000000000", headers: { kind: "reading" } }],
  });
  const event = await firstEvent(topic);
  const expected: MSKEvent = {
    eventSource: "aws:kafka",
    eventSourceArn: arn,
    bootstrapServers: kafka.brokers,
    records: {
      [`${topic}-0`]: [
        {
          topic,
          partition: 0,
          offset: 0,
          timestamp: 1700000000000,
          timestampType: "CREATE_TIME",
          key: Buffer.from("k1").toString("base64"),
          value: Buffer.from(value).toString("base64"),
          headers: [{ kind: [...Buffer.from("reading")] }],
        },
      ],
    },
  };
  expect(event).toStrictEqual(expected);
  expect(KafkaMskEventSchema.parse(event).records[`${topic}-0`]).toMatchObject([
    { key: "k1", value, headers: [{ kind: "reading" }] },
  ]);
  const { eventSource } = KafkaSelfManagedEventSchema.parse(await firstEvent(topic, true));
  expect(eventSource).toBe("SelfManagedKafka");
});

test.each([false, true])(
  "rule 2: Powertools' consumer reads both spellings of null, signed and repeated headers (nulls spelled out: %s)",
  async (writesNulls) => {
    const topic = await kafka.createTopic(1);
    await kafka.producer.send({
      topic,
      messages: [
        { key: "k", value: '{"a":1}', headers: { ü: ["à", "é"] } },
        { key: null, value: null },
      ],
    });
    const event = await firstEvent(topic, false, writesNulls);
    const seen: unknown[] = [];
    const handler = kafkaConsumer<string, { a: number }>(
      async ({ records }) => {
        for (const { key, value, headers, originalValue } of records)
          seen.push({ key, value, headers, originalValue });
      },
      { value: { type: "json" } },
    );
    // Its type wants a registry's schemas, which records have with SchemaRegistryConfig only.
    const untyped: Parameters<typeof handler>[0] = JSON.parse(JSON.stringify(event));
    await handler(untyped, context);
    const nothing = writesNulls ? null : undefined;
    expect(seen).toEqual([
      {
        key: "k",
        value: { a: 1 },
        headers: [{ ü: "à" }, { ü: "é" }],
        originalValue: Buffer.from('{"a":1}').toString("base64"),
      },
      { key: nothing, value: nothing, headers: [], originalValue: nothing },
    ]);
  },
);

test("rule 22: a record without a time stamp has −1, and is neither too old nor refused", async () => {
  const topic = await kafka.createTopic(1);
  await kafka.producer.send({ topic, messages: [{ key: "k", value: "v", timestamp: "-1" }] });
  const event = await firstEvent(topic);
  expect(event.records[`${topic}-0`]?.[0]).toMatchObject({ timestamp: -1, timestampType: "CREATE_TIME" });
  expect(KafkaMskEventSchema.safeParse(event).success).toBe(true);
});
