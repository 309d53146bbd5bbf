// The cluster as a whole: its brokers, and a producer for failure destinations. With kafka-source.ts and
// record-batches.ts the only place that knows the Kafka client.

import { Base, Producer, stringSerializers } from "@platformatic/kafka";

export interface BrokerAddress {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export interface Cluster {
  brokers(): Promise<readonly BrokerAddress[]>;
  /** Resolves when all replicas have it. */
  sendToTopic(topic: string, key: string, value: string): Promise<void>;
  close(): Promise<void>;
}

const ALL_REPLICAS = -1;

/** Connects when it is first used. */
export function openCluster(bootstrapBrokers: readonly string[]): Cluster {
  const options = {
    clientId: "event-source-mapping",
    bootstrapBrokers: [...bootstrapBrokers],
    retries: 3,
    retryDelay: 250,
  };
  let reader: Base | null = null;
  let producer: Producer<string, string, string, string> | null = null;
  return {
    async brokers() {
      reader ??= new Base(options);
      const { brokers } = await reader.metadata({ topics: [], forceUpdate: true });
      return [...brokers].map(([nodeId, { host, port }]) => ({ nodeId, host, port }));
    },
    async sendToTopic(topic, key, value) {
      producer ??= new Producer({ ...options, serializers: stringSerializers });
      await producer.send({ messages: [{ topic, key, value }], acks: ALL_REPLICAS });
    },
    async close() {
      await Promise.all([reader?.close(), producer?.close()]);
    },
  };
}
