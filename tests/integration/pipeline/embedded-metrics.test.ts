// Deployed functions write their metrics as lines that are nothing but JSON, and the same functions on one machine none.
import { fork } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, type TestDatabase } from "../database.ts";
import { connectKafka, type TestKafka } from "../topics.ts";

let database: TestDatabase;
let kafka: TestKafka;
let topic: string;
let topics: Readonly<Record<string, string>>;
beforeAll(async () => {
  [database, kafka] = await Promise.all([createDatabase(), connectKafka()]);
  topic = await kafka.createTopic(1);
  topics = {
    KAFKA_TOPIC_SENSOR_DATA: topic,
    KAFKA_TOPIC_METER_READINGS: await kafka.createTopic(1),
    KAFKA_TOPIC_WEATHER: await kafka.createTopic(1),
  };
});
afterAll(() => Promise.all([database.close(), kafka.close()]));

/** Invokes a function in a process of its own. @returns the lines of its standard output */
async function outputOf(
  name: string,
  event: unknown,
  env: Readonly<Record<string, string>>,
): Promise<string[]> {
  const child = fork(new URL("../../../commands/chaos/function-process.ts", import.meta.url), [name], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
    env: {
      ...{ PATH: process.env.PATH, KAFKA_BROKER: kafka.brokers, ...topics, ...database.environment, ...env },
    },
  });
  const output = child.stdout === null ? Promise.resolve("") : text(child.stdout);
  try {
    const died = once(child, "exit").then(() =>
      Promise.reject(new Error(`${name} ended before it was ready`)),
    );
    const [message]: { port: number }[] = await Promise.race([once(child, "message"), died]);
    const response = await fetch(`http://127.0.0.1:${message?.port}`, {
      method: "POST",
      body: JSON.stringify(event),
    });
    expect(response.headers.get("x-amz-function-error"), await response.text()).toBeNull();
  } finally {
    child.kill();
  }
  return (await output).trimEnd().split("\n");
}

const metricsOf = (lines: readonly string[]) =>
  lines
    .filter((line) => line.includes("_aws"))
    .map((line): Record<string, unknown> => {
      const { _aws, ...values } = JSON.parse(line);
      expect(_aws.CloudWatchMetrics).toHaveLength(1);
      return values;
    });

const record = (offset: number, value: string) => ({
  ...{ topic, partition: 0, offset, timestamp: Date.now(), timestampType: "CREATE_TIME", headers: [] },
  value: Buffer.from(value).toString("base64"),
});
const reading = (value: number) =>
  JSON.stringify({
    event_id: "e",
    sensor_id: "s",
    sensor_type: "voltage",
    value,
    timestamp: new Date().toISOString(),
  });
const clusterArn = "arn:aws:kafka:local:000000000000:cluster/test/1";
const eventOf = (records: readonly unknown[]) => ({
  eventSource: "aws:kafka",
  eventSourceArn: clusterArn,
  bootstrapServers: kafka.brokers,
  records: { [`${topic}-0`]: records },
});

test("aggregate-* and sweep-windows say how much was counted and how far the streams are", async () => {
  const name = "smartgrid-prod-aggregate-sensor";
  const event = eventOf([record(0, reading(1)), record(1, "no event"), record(2, reading(2))]);
  const counted = await outputOf("aggregate-sensor", event, { AWS_LAMBDA_FUNCTION_NAME: name });
  expect(metricsOf(counted)).toEqual([
    {
      ...{
        FunctionName: name,
        Stream: "sensor",
        Records: 3,
        Quarantined: 1,
        Conflicts: 0,
        Doubtful: 0,
        TooLate: 0,
        Replayed: 0,
        Late: 0,
      },
      CommitDuration: expect.any(Number),
    },
  ]);

  const sweeper = "smartgrid-prod-sweep-windows";
  const swept = await outputOf("sweep-windows", {}, { AWS_LAMBDA_FUNCTION_NAME: sweeper });
  expect(metricsOf(swept)).toEqual(
    ["sensor", "consumption", "weather"].map((Stream) =>
      expect.objectContaining({ FunctionName: sweeper, Stream, Sweeps: 1, Lag: 0 }),
    ),
  );
});

test("a log that broke is said, once, by the sweeper", async () => {
  // The broker's topic is empty, and these offsets had been applied: it has lost them.
  const sweeper = { AWS_LAMBDA_FUNCTION_NAME: "smartgrid-prod-sweep-windows", MSK_CLUSTER_ARN: clusterArn };
  const swept = await outputOf("sweep-windows", {}, sweeper);
  const said = (lines: string[]) =>
    metricsOf(lines)
      .filter((metrics) => "LogBreaks" in metrics)
      .map(({ Stream, LogBreaks }) => [Stream, LogBreaks]);
  expect(said(swept)).toEqual([["sensor", 1]]);
  expect(said(await outputOf("sweep-windows", {}, sweeper))).toEqual([]);
});

test("on one machine there are no such lines", async () => {
  const offline = { AWS_LAMBDA_FUNCTION_NAME: "smartgrid-local-aggregate-sensor", IS_OFFLINE: "true" };
  const lines = await outputOf("aggregate-sensor", eventOf([record(3, reading(3))]), offline);
  expect(lines.some((line) => line.includes('"committed"'))).toBe(true);
  expect(metricsOf(lines)).toEqual([]);
});
