// What Lambda's pollers do in a function's name: join the group, read the topic, commit. With the client of the local
// trigger.

import { Consumer } from "@platformatic/kafka";
import signer from "aws-msk-iam-sasl-signer-js";
import { withReasons } from "../../../lib/kafka/refusal.ts";
import type { Credentials } from "../../../lib/postgres/login-token.ts";
import { certificate } from "../certificate.ts";

export interface Poller {
  readonly brokers: string;
  readonly region: string;
  readonly credentials: Credentials;
}

const READ_LIMIT_MS = 20_000;

async function readFirst(consumer: Consumer, topic: string): Promise<void> {
  const stream = await consumer.consume({ topics: [topic], mode: "committed", fallbackMode: "earliest" });
  const limit = setTimeout(() => stream.close(), READ_LIMIT_MS);
  try {
    for await (const message of stream) {
      await message.commit();
      return;
    }
    throw new Error(`no record of ${topic} within ${READ_LIMIT_MS} ms`);
  } finally {
    clearTimeout(limit);
  }
}

/** Reads one record and commits its offset. @throws Error with all that Kafka refused */
export async function pollOnce(poller: Poller, topic: string, groupId: string): Promise<void> {
  const { credentials, region } = poller;
  const awsCredentialsProvider = async () => credentials;
  const token = async () =>
    (await signer.generateAuthTokenFromCredentialsProvider({ region, awsCredentialsProvider })).token;
  const consumer = new Consumer({
    clientId: "trigger",
    groupId,
    bootstrapBrokers: [poller.brokers],
    retries: 3, // the first group of a broker waits for its coordinator
    retryDelay: 100,
    // Each wait ends well before the test that waits; a member that took no leave is forgotten as soon.
    ...{ requestTimeout: 10_000, sessionTimeout: 10_000, rebalanceTimeout: 15_000 },
    autocommit: false,
    tls: { ca: certificate.cert },
    tlsServerName: true,
    sasl: { mechanism: "OAUTHBEARER", token },
  });
  try {
    await readFirst(consumer, topic);
  } catch (error) {
    throw withReasons(error);
  } finally {
    await consumer.close(true).catch(() => undefined); // of a refusal nothing is left that could be closed
  }
}
