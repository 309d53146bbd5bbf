// How @platformatic/kafka connects, with waits that end.

import type { KafkaSettings } from "../config/kafka.ts";
import { findBrokers } from "./brokers.ts";
import { iamToken } from "./client.ts";

/** @throws Error where the brokers cannot be found */
export async function clientOptions(settings: KafkaSettings) {
  return {
    clientId: settings.clientId,
    bootstrapBrokers: [...(await findBrokers(settings))],
    connectTimeout: 1_500,
    requestTimeout: 5_000,
    ...(settings.iam
      ? {
          tls: {},
          tlsServerName: true, // said in the handshake, as other clients do unasked
          sasl: { mechanism: "OAUTHBEARER" as const, token: () => iamToken(settings.clusterArn) },
        }
      : {}),
  };
}
