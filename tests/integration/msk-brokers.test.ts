// Rule 26: a function that is told no brokers finds them by GetBootstrapBrokers, as it would on AWS; only
// AWS_ENDPOINT_URL_KAFKA, which AWS's client reads by itself, leads it to the control plane of this machine.

import { execFile } from "node:child_process";
import type { Server } from "node:http";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { openProducer } from "../../lib/kafka/produce.ts";
import { startControlServer } from "../../localstack/control-plane/server.ts";
import { noFaults } from "../../localstack/event-source-mapping/faults.ts";
import { MappingRegistry } from "../../localstack/event-source-mapping/registry.ts";
import { freePort } from "../../localstack/ports.ts";
import { connectKafka, type TestKafka } from "./topics.ts";

const clusterArn =
  "arn:aws:kafka:eu-south-1:000000000000:cluster/local/00000000-0000-4000-8000-000000000000-s1";
let kafka: TestKafka;
let server: Server;
let url: string;
/** What MSK names, and how often it was asked. */
let named = "";
let questions = 0;

beforeAll(async () => {
  kafka = await connectKafka();
  const brokers = [kafka.brokers];
  const log = () => undefined;
  server = await startControlServer({
    port: 0,
    lambdaEndpoint: "http://127.0.0.1:9",
    faults: { ...noFaults, use: () => undefined },
    lambda: {
      registry: new MappingRegistry({ brokers, invoke: async () => "", log }),
      functionNames: [],
      log,
    },
    msk: {
      clusterArns: [clusterArn],
      get bootstrapServers() {
        questions += 1;
        return named;
      },
      brokers: async () => [],
      startedMs: Date.now(),
    },
  });
  const address = server.address();
  url = `http://127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}`;
});
beforeEach(() => {
  named = kafka.brokers;
  questions = 0;
});
afterEach(() => vi.unstubAllEnvs());
afterAll(async () => {
  server?.close();
  server?.closeAllConnections();
  await kafka?.close();
});

/** The function as Lambda runs it: its module loaded with its environment, its handler called. */
const produceWeather = (topic: string, arn: string) =>
  promisify(execFile)(
    process.execPath,
    [
      "--input-type=module",
      "--eval",
      'const { handler } = await import("./functions/produce-weather/index.ts"); await handler({}); process.exit();',
    ],
    {
      env: {
        ...{ PATH: process.env.PATH, AWS_REGION: "eu-south-1", AWS_ENDPOINT_URL_KAFKA: url },
        ...{ AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "x" },
        ...{ KAFKA_BROKER: "", KAFKA_AUTH: "none", MSK_CLUSTER_ARN: arn, KAFKA_TOPIC_WEATHER: topic },
      },
    },
  );

test("rule 26: a producer without KAFKA_BROKER sends to the brokers that the control plane names", async () => {
  const topic = await kafka.createTopic(1);
  await produceWeather(topic, clusterArn);
  expect(Number((await kafka.admin.fetchTopicOffsets(topic))[0]?.high)).toBeGreaterThan(0);
});

test("rule 26: a cluster that the control plane does not know is the function's error, in MSK's words", async () => {
  const unknown = clusterArn.replace("local/", "other/");
  await expect(produceWeather("weather", unknown)).rejects.toThrow(/resource doesn't exist.*other/);
});

test("the control plane is asked once for all connections, and again when one fails", async () => {
  const topic = await kafka.createTopic(1);
  vi.stubEnv("AWS_REGION", "eu-south-1");
  vi.stubEnv("AWS_ENDPOINT_URL_KAFKA", url);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "x");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "x");
  const send = async () => {
    const producer = openProducer({ brokers: [], clusterArn, clientId: "test", iam: false });
    try {
      await producer.send(topic, [{ key: "k", value: "v" }]);
    } finally {
      await producer.close();
    }
  };
  named = `127.0.0.1:${await freePort()}`; // of brokers that are gone
  await expect(send()).rejects.toThrow();
  expect(questions).toBe(1);
  named = kafka.brokers;
  await send();
  await send();
  expect(questions).toBe(2);
});
