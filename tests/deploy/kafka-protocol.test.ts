// The protocol of MSK Serverless, which is older than that of the Kafka behind the front: the archive reads in it.

import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { ConnectionPool, metadataV12 } from "@platformatic/kafka";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { REGION } from "../../commands/deploy-check/template.ts";
import type { KafkaSettings } from "../../lib/config/kafka.ts";
import { openArchive } from "../../lib/kafka/archive.ts";
import { iamToken } from "../../lib/kafka/client.ts";
import { createOn } from "../../lib/kafka/topics.ts";
import { until } from "../integration/topics.ts";
import { certificate } from "./certificate.ts";
import { type Deployment, startDeployment } from "./deployment.ts";
import { topics } from "./events.ts";

const trusted = getCACertificates("default");
let deployment: Deployment;
let settings: KafkaSettings;
beforeAll(async () => {
  deployment = await startDeployment();
  await createOn(
    deployment.kafka.admin,
    Object.values(topics).map((topic) => ({ topic, numPartitions: 2 })),
  );
  // This process has the rights of sweep-windows.
  setDefaultCACertificates([...trusted, certificate.cert.toString()]);
  const { accessKeyId, secretAccessKey, sessionToken } = deployment.identityOf("sweep-windows");
  vi.stubEnv("AWS_ACCESS_KEY_ID", accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", secretAccessKey);
  vi.stubEnv("AWS_SESSION_TOKEN", sessionToken);
  vi.stubEnv("AWS_REGION", REGION);
  settings = { brokers: [deployment.kafka.brokers], clusterArn: null, clientId: "archive", iam: true };
});
afterAll(async () => {
  vi.unstubAllEnvs();
  setDefaultCACertificates(trusted);
  await deployment?.close();
});

test("an archive reads topic after topic, also when one was created again or is gone", async () => {
  const { admin } = deployment.kafka;
  const archive = openArchive(settings);
  const kafka = new Kafka({ brokers: [deployment.kafka.plainBrokers], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ transactionalId: "writer", idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  /** A record, and the marker that ends its transaction. */
  async function store(topic: string, value: string) {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ partition: 0, value }] });
    await transaction.commit();
  }
  async function expectOnly(topic: string, value: string) {
    // Markers are written after a commit is confirmed.
    await until(
      async () => (await archive.partitions(topic, 0))[0]?.end,
      (end) => end === 2,
    );
    expect(await archive.nextRecord(topic, 0, 1)).toBe(2); // the marker is none
    const values: string[] = [];
    for await (const piece of archive.read(topic, 0, [{ from: 0, to: 2 }]))
      values.push(...piece.map((record) => String(record.value)));
    expect(values).toEqual([value]);
    expect(await archive.nextRecord(topic, 0, 0)).toBe(0);
  }
  try {
    for (const topic of Object.values(topics)) await store(topic, `of ${topic}`);
    for (const topic of Object.values(topics)) await expectOnly(topic, `of ${topic}`);
    await admin.deleteTopics({ topics: [topics.sensor] });
    await expectOnly(topics.weather, `of ${topics.weather}`);
    await createOn(admin, [{ topic: topics.sensor, numPartitions: 2 }]);
    await store(topics.sensor, "of the new one");
    await expectOnly(topics.sensor, "of the new one");
    await expectOnly(topics.weather, `of ${topics.weather}`);
  } finally {
    await Promise.all([archive.close(), producer.disconnect()]);
  }
  expect(deployment.kafka.front.refusals).toEqual([]);
});

test("a client that does not heed it is refused", async () => {
  const pool = new ConnectionPool("newer", {
    ...{ tls: {}, tlsServerName: true },
    sasl: { mechanism: "OAUTHBEARER", token: () => iamToken(settings.clusterArn) },
  });
  const [host = "", port] = deployment.kafka.brokers.split(":");
  const connection = await pool.get({ host, port: Number(port) });
  await expect(metadataV12.api.async(connection, [])).rejects.toThrow();
  await pool.close();
  expect(deployment.kafka.front.refusals).toEqual([
    "sweep-windows: Metadata 12 is not offered, 11 is the newest",
  ]);
});
