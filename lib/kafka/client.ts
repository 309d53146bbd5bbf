// The only files that know kafkajs stand in this folder; this one makes its client, with waits that end.

import { Kafka, logLevel, type SASLOptions } from "kafkajs";
import type { KafkaSettings } from "../config/kafka.ts";
import { findBrokers } from "./brokers.ts";
import "./request-queue.ts";

/** A token for MSK with IAM, valid for minutes. @throws Error where there are no credentials to sign it with */
export async function iamToken(clusterArn: string | null): Promise<string> {
  // Loaded only here: nothing but MSK with IAM needs the signer.
  // It is CommonJS, of which a bundle's later part has `default` only.
  const { default: signer } = await import("aws-msk-iam-sasl-signer-js");
  const region = clusterArn?.split(":")[3] ?? process.env.AWS_REGION ?? "";
  return (await signer.generateAuthToken({ region })).token;
}

function iamOptions(clusterArn: string | null): SASLOptions {
  return {
    mechanism: "oauthbearer",
    oauthBearerProvider: async () => ({ value: await iamToken(clusterArn) }),
  };
}

export interface Waits {
  readonly connectMs: number;
  readonly requestMs: number;
}

/** Of a function whose caller waits. */
const SHORT: Waits = { connectMs: 1_500, requestMs: 3_000 };

/** Makes a client; connects to nothing yet. @throws Error where the brokers cannot be found */
export async function openKafka(settings: KafkaSettings, waits = SHORT): Promise<Kafka> {
  return new Kafka({
    clientId: settings.clientId,
    brokers: [...(await findBrokers(settings))],
    logLevel: logLevel.NOTHING, // what goes wrong is thrown, and logged once by who can say what it means
    connectionTimeout: waits.connectMs,
    requestTimeout: waits.requestMs,
    retry: { retries: 2, initialRetryTime: 100, maxRetryTime: 500 },
    ...(settings.iam ? { ssl: true, sasl: iamOptions(settings.clusterArn) } : {}),
  });
}
