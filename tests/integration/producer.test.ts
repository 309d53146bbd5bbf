// What a function sends stands in the topic once, also where the broker's answer is lost and the client tries again.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { expect, test } from "vitest";
import { startProxy } from "../../chaos/proxy.ts";
import { openOffsetReader } from "../../lib/kafka/offsets.ts";
import { openProducer } from "../../lib/kafka/produce.ts";
import { createOn } from "../../lib/kafka/topics.ts";
import { startKafka } from "../../localstack/kafka/server.ts";
import { freePort } from "../../localstack/ports.ts";

test("an answer that the network loses: sent again, stored once", async () => {
  const folder = await mkdtemp(join(tmpdir(), `smartgrid-test-${process.pid}-producer-`));
  const [port, proxiedPort, proxyPort] = [await freePort(), await freePort(), await freePort()];
  const proxied = { port: proxiedPort, advertisedPort: proxyPort };
  const kafka = await startKafka({ dataDir: join(folder, "kafka"), port, proxied });
  const proxy = await startProxy(proxyPort, proxiedPort);
  const settings = { clusterArn: null, clientId: "test", iam: false };
  const producer = openProducer({ ...settings, brokers: [`127.0.0.1:${proxyPort}`] });
  const offsets = openOffsetReader({ ...settings, brokers: [kafka.brokers] });
  try {
    const admin = new Kafka({ brokers: [kafka.brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await createOn(admin, [{ topic: "readings", numPartitions: 1 }]);
    await admin.disconnect();
    await producer.send("readings", [{ key: "k", value: "before" }]);

    const isLost = proxy.loseAnswer(/the-lost-one/, AbortSignal.timeout(10_000));
    const placements = await producer.send("readings", [{ key: "k", value: "the-lost-one" }]);
    await isLost;
    await producer.send("readings", [{ key: "k", value: "after" }]);

    expect(placements).toEqual([{ partition: 0, offset: 1 }]);
    expect(await offsets.read("readings")).toMatchObject([{ partition: 0, end: 3 }]);
  } finally {
    await Promise.all([producer.close(), offsets.close()]);
    await proxy.close();
    await kafka.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
