// A Kafka that judges as MSK with IAM would: a broker of the test's own with Kafka's authorizer, its front, and for each
// identity an access key and ACLs. Only the test itself, on the broker's plain listener, may do everything.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type Admin, Kafka, logLevel } from "kafkajs";
import { startKafka } from "../../../localstack/kafka/server.ts";
import { freePort } from "../../../localstack/ports.ts";
import { until } from "../../integration/topics.ts";
import type { Identity } from "../identities.ts";
import { aclsOf, may } from "./acls.ts";
import { type MskFront, startFront } from "./front.ts";

/** Of the front: the broker names it to its clients. */
const HOST = "localhost";

export interface IamCluster {
  /** What clients are given: the front's. */
  readonly brokers: string;
  readonly front: MskFront;
  /** Without TLS and IAM: the test's own. */
  readonly plainBrokers: string;
  readonly admin: Admin;
  close(): Promise<void>;
}

/** Lines of server.properties; the plain listener's clients, the broker among them, are ANONYMOUS. */
function authorizing(passwords: ReadonlyMap<string, string>, plainPort: number, frontPort: number) {
  const users = [...passwords].map(([name, password]) => `user_${name}="${password}"`).join(" ");
  return {
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${plainPort},PROXIED://${HOST}:${frontPort}`,
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,PROXIED:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
    "listener.name.proxied.sasl.enabled.mechanisms": "PLAIN",
    "listener.name.proxied.plain.sasl.jaas.config": `org.apache.kafka.common.security.plain.PlainLoginModule required ${users};`,
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
  };
}

export async function startIamCluster(
  folder: string,
  region: string,
  identities: readonly Identity[],
): Promise<IamCluster> {
  const [plainPort, brokerPort, frontPort] = [await freePort(), await freePort(), await freePort()];
  const passwords = new Map(
    identities
      .filter(({ allowed }) => may("Connect", allowed))
      .map(({ principal }) => [principal, randomBytes(12).toString("hex")]),
  );
  const broker = await startKafka({
    dataDir: join(folder, "kafka"),
    port: plainPort,
    proxied: { port: brokerPort, advertisedPort: frontPort },
    settings: authorizing(passwords, plainPort, frontPort),
  });
  const keys = new Map(identities.map((one) => [one.accessKeyId, one]));
  const idempotent = new Set(
    identities.flatMap(({ principal, allowed }) => (may("WriteDataIdempotently", allowed) ? principal : [])),
  );
  const front = await startFront({
    ...{ port: frontPort, brokerPort, region, keys, passwords, idempotent },
  });
  const admin = new Kafka({ brokers: [broker.brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createAcls({ acl: identities.flatMap(({ principal, allowed }) => aclsOf(principal, allowed)) });
  // A broker's first group waits for its coordinator.
  const hasCoordinator = () =>
    admin.fetchOffsets({ groupId: "first" }).then(
      () => true,
      () => false,
    );
  await until(hasCoordinator, (has) => has);
  return {
    ...{ brokers: `${HOST}:${frontPort}`, front, plainBrokers: broker.brokers, admin },
    async close() {
      await Promise.all([admin.disconnect(), front.close()]);
      await broker.stop();
    },
  };
}
