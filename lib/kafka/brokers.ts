// Finds the bootstrap brokers: from the environment, or by asking MSK's control plane, which bears few questions: once per
// execution environment, as long as they can be connected to.

import type { KafkaSettings } from "../config/kafka.ts";

/** By what was asked. */
const found = new Map<string, Promise<readonly string[]>>();
const questionOf = ({ clusterArn, iam }: KafkaSettings) => `${clusterArn} ${iam}`;

async function ask(clusterArn: string, iam: boolean): Promise<readonly string[]> {
  // Loaded only here: the SDK's client takes longer to load than everything else in a producer.
  const { GetBootstrapBrokersCommand, KafkaClient } = await import("@aws-sdk/client-kafka");
  const client = new KafkaClient({});
  try {
    const answer = await client.send(new GetBootstrapBrokersCommand({ ClusterArn: clusterArn }));
    const brokers = iam
      ? answer.BootstrapBrokerStringSaslIam
      : (answer.BootstrapBrokerStringTls ?? answer.BootstrapBrokerString);
    if (!brokers) throw new Error(`MSK names no brokers ${iam ? "with IAM " : ""}for ${clusterArn}`);
    return brokers.split(",");
  } finally {
    client.destroy();
  }
}

/** @throws Error where MSK does not know the cluster or has no brokers with IAM for it */
export async function findBrokers(settings: KafkaSettings): Promise<readonly string[]> {
  if (settings.brokers.length > 0 || settings.clusterArn === null) return settings.brokers;
  const question = questionOf(settings);
  const brokers = found.get(question) ?? ask(settings.clusterArn, settings.iam);
  found.set(question, brokers);
  try {
    return await brokers;
  } catch (error) {
    forgetBrokers(settings);
    throw error;
  }
}

/** To be called where a connection fails: MSK may name others by now. */
export function forgetBrokers(settings: KafkaSettings): void {
  found.delete(questionOf(settings));
}
