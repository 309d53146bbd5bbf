// The network loses the broker's answer: what a function sends stands in the topic once all the same, and what it asks
// is answered.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type NetworkProxy, startProxy } from "../../commands/chaos/proxy.ts";
import { type OffsetReader, openOffsetReader } from "../../lib/kafka/offsets.ts";
import { type EventProducer, openProducer } from "../../lib/kafka/produce.ts";
import { createOn } from "../../lib/kafka/topics.ts";
import { type KafkaServer, startKafka } from "../../localstack/kafka/server.ts";
import { freePort } from "../../localstack/ports.ts";

let folder: string;
let kafka: KafkaServer;
let proxy: NetworkProxy;
let producer: EventProducer;
let offsets: OffsetReader;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), `smartgrid-test-${process.pid}-lost-answers-`));
  const [port, proxiedPort, proxyPort] = [await freePort(), await freePort(), await freePort()];
  const proxied = { port: proxiedPort, advertisedPort: proxyPort };
  kafka = await startKafka({ dataDir: join(folder, "kafka"), port, proxied });
  proxy = await startProxy(proxyPort, proxiedPort);
  const admin = new Kafka({ brokers: [kafka.brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await createOn(admin, [{ topic: "readings", numPartitions: 1 }]);
  await admin.disconnect();
  const settings = {
    ...{ brokers: [`127.0.0.1:${proxyPort}`], clusterArn: null },
    ...{ clientId: "test", iam: false },
  };
  producer = openProducer(settings);
  offsets = openOffsetReader(settings);
});
afterAll(async () => {
  await Promise.all([producer?.close(), offsets?.close()]);
  await proxy?.close();
  await kafka?.stop();
  await rm(folder, { recursive: true, force: true });
});

const lose = (to: RegExp) => proxy.loseAnswer(to, AbortSignal.timeout(30_000));

test("to a record: it is sent again and stored once", async () => {
  await producer.send("readings", [{ key: "k", value: "before" }]);

  const isLost = lose(/the-lost-one/);
  const placements = await producer.send("readings", [{ key: "k", value: "the-lost-one" }]);
  await isLost;
  await producer.send("readings", [{ key: "k", value: "after" }]);

  expect(placements).toEqual([{ partition: 0, offset: 1, indexes: [0] }]);
  expect(await offsets.read("readings")).toMatchObject([{ partition: 0, end: 3 }]);
});

test("to a question for offsets: it is asked again", async () => {
  await offsets.read("readings");
  const isLost = lose(/readings/);
  expect(await offsets.read("readings")).toMatchObject([{ partition: 0, end: 3 }]);
  await isLost;
});
