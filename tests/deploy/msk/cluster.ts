// A Kafka that judges as MSK with IAM would: a broker of the test's own with Kafka's authorizer, its front, and for each
// identity an access key and ACLs. Only the test itself, on the broker's plain listener, may do everything.

import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Admin, Kafka, logLevel, Partitioners, type Producer } from "kafkajs";
import { startKafka } from "../../../localstack/kafka/server.ts";
import { freePort } from "../../../localstack/ports.ts";
import { until } from "../../integration/topics.ts";
import type { AccessKey } from "../presigned-token.ts";
import { aclsOf, mayConnect } from "./acls.ts";
import { makeCertificate } from "./certificate.ts";
import { type MskFront, startFront } from "./front.ts";

/** The front's certificate is for this name alone, and the broker names it to its clients. */
const HOST = "localhost";

export interface Identity {
  /** Letters, digits and hyphens. */
  readonly principal: string;
  /** As `action on ARN`. */
  readonly allowed: readonly string[];
}

export interface Credentials extends AccessKey {
  readonly accessKeyId: string;
  readonly sessionToken: string;
}

export interface IamCluster {
  /** What clients are given: the front's. */
  readonly brokers: string;
  readonly front: MskFront;
  /** In PEM: what a client has to trust. */
  readonly caFile: string;
  readonly admin: Admin;
  readonly producer: Producer;
  credentialsOf(principal: string): Credentials;
  close(): Promise<void>;
}

/** As AWS gives them to a role, for some hours. */
const newCredentials = (principal: string): Credentials => ({
  principal,
  accessKeyId: `ASIA${randomBytes(8).toString("hex").toUpperCase()}`,
  secretAccessKey: randomBytes(30).toString("base64"),
  sessionToken: randomBytes(60).toString("base64"),
});

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

export async function startIamCluster(region: string, identities: readonly Identity[]): Promise<IamCluster> {
  // The name under which tests/integration/stack.ts finds what a killed run has left.
  const folder = await mkdtemp(join(tmpdir(), `smartgrid-test-${process.pid}-iam-`));
  const [plainPort, brokerPort, frontPort] = [await freePort(), await freePort(), await freePort()];
  const credentials = new Map(identities.map(({ principal }) => [principal, newCredentials(principal)]));
  const passwords = new Map(
    identities
      .filter(({ allowed }) => mayConnect(allowed))
      .map(({ principal }) => [principal, randomBytes(12).toString("hex")]),
  );
  const [certificate, broker] = await Promise.all([
    makeCertificate(folder, HOST),
    startKafka({
      dataDir: join(folder, "kafka"),
      port: plainPort,
      proxied: { port: brokerPort, advertisedPort: frontPort },
      settings: authorizing(passwords, plainPort, frontPort),
    }),
  ]);
  const keys = new Map([...credentials.values()].map((one) => [one.accessKeyId, one]));
  const front = await startFront({ port: frontPort, brokerPort, region, certificate, keys, passwords });
  const kafka = new Kafka({ brokers: [broker.brokers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await Promise.all([admin.connect(), producer.connect()]);
  await admin.createAcls({ acl: identities.flatMap(({ principal, allowed }) => aclsOf(principal, allowed)) });
  // A broker's first group waits for its coordinator.
  const hasCoordinator = () =>
    admin.fetchOffsets({ groupId: "first" }).then(
      () => true,
      () => false,
    );
  await until(hasCoordinator, (has) => has);
  return {
    brokers: `${HOST}:${frontPort}`,
    front,
    caFile: certificate.file,
    admin,
    producer,
    credentialsOf(principal) {
      const found = credentials.get(principal);
      if (found === undefined) throw new Error(`no identity ${principal}`);
      return found;
    },
    async close() {
      await Promise.all([admin.disconnect(), producer.disconnect(), front.close()]);
      await broker.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
