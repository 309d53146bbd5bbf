// How @platformatic/kafka connects, with waits that end.

import { subscribe } from "node:diagnostics_channel";
import { EventEmitter } from "node:events";
import type { KafkaSettings } from "../config/kafka.ts";
import { findBrokers } from "./brokers.ts";
import { iamToken } from "./client.ts";

// The client gives up a connection whose login was refused. Where the broker resets it afterwards, its "error" has no
// listener and would end the process. What breaks is said by the question that it breaks.
subscribe("plt:kafka:instances", (created) => {
  if (typeof created !== "object" || created === null || !("instance" in created)) return;
  if (created.instance instanceof EventEmitter) created.instance.on("error", () => undefined);
});

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
