// Finds the bootstrap brokers: from the environment, or by asking MSK's control plane once per execution environment.

import type { KafkaSettings } from "../config.ts";

/** @throws Error where MSK does not know the cluster or has no brokers with IAM for it */
export async function findBrokers(settings: KafkaSettings): Promise<readonly string[]> {
  if (settings.brokers.length > 0 || settings.clusterArn === null) return settings.brokers;
  // Loaded only here: the SDK's client takes longer to load than everything else in a producer.
  const { GetBootstrapBrokersCommand, KafkaClient } = await import("@aws-sdk/client-kafka");
  const client = new KafkaClient({});
  try {
    const answer = await client.send(new GetBootstrapBrokersCommand({ ClusterArn: settings.clusterArn }));
    const brokers = settings.iam
      ? answer.BootstrapBrokerStringSaslIam
      : (answer.BootstrapBrokerStringTls ?? answer.BootstrapBrokerString);
    if (!brokers)
      throw new Error(`MSK names no brokers ${settings.iam ? "with IAM " : ""}for ${settings.clusterArn}`);
    return brokers.split(",");
  } finally {
    client.destroy();
  }
}
