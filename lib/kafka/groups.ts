// What only the sweeper and the audit ask of the broker: how far a trigger's group has come, and what a topic keeps.

import type { ConfigResourceTypes } from "kafkajs";
import type { KafkaSettings } from "../config/kafka.ts";
import { keepAdmin } from "./admin.ts";

export interface GroupReader {
  /** Next offset of each partition for which the group has committed one. @throws Error where the broker is away */
  readCommitted(topic: string, groupId: string): Promise<ReadonlyMap<number, number>>;
  /**
   * Whether the topic's `cleanup.policy` contains `compact`; null where the broker refuses or does not offer the question.
   * @throws Error where the broker is away, or cannot say it just now
   */
  isCompacted(topic: string): Promise<boolean | null>;
  close(): Promise<void>;
}

const CLEANUP_POLICY = "cleanup.policy";
/** Node does not see kafkajs' own constant among its exports. */
const TOPIC: ConfigResourceTypes.TOPIC = 2;

/**
 * Whether the broker will not say it at another time either: the topic may not be described, or the question is not
 * offered.
 */
export function isNotTold(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === "KafkaJSServerDoesNotSupportApiKey") return true;
  const type = "type" in error ? error.type : null;
  return (
    type === "TOPIC_AUTHORIZATION_FAILED" ||
    type === "CLUSTER_AUTHORIZATION_FAILED" ||
    type === "UNSUPPORTED_VERSION"
  );
}

/** kafkajs says the same of a refusal and of a broker that has no coordinator yet. */
function withAdvice(error: unknown, groupId: string): unknown {
  if (!(error instanceof Error) || error.name !== "KafkaJSGroupCoordinatorNotFound") return error;
  const advice =
    "with IAM, kafka-cluster:DescribeGroup may be missing; a new broker has one after some seconds";
  return new Error(`the group ${groupId} has no coordinator, or may not be described: ${advice}`, {
    cause: error,
  });
}

export function openGroupReader(settings: KafkaSettings): GroupReader {
  const admin = keepAdmin(settings);
  return {
    close: admin.close,
    async readCommitted(topic, groupId) {
      const [answer] = await admin
        .ask((client) => client.fetchOffsets({ groupId, topics: [topic] }))
        .catch((error: unknown) => {
          throw withAdvice(error, groupId);
        });
      const committed = (answer?.partitions ?? []).map((p): [number, number] => [
        p.partition,
        Number(p.offset),
      ]);
      return new Map(committed.filter(([, offset]) => offset >= 0)); // −1: none
    },
    async isCompacted(topic) {
      const told = await admin
        .ask((client) =>
          client.describeConfigs({
            resources: [{ type: TOPIC, name: topic, configNames: [CLEANUP_POLICY] }],
            includeSynonyms: false,
          }),
        )
        .catch((error: unknown) => {
          if (isNotTold(error)) return null; // nothing depends on it so much that a sweep should fail for ever
          throw error;
        });
      if (told === null) return null;
      const policy = told.resources[0]?.configEntries.find(({ configName }) => configName === CLEANUP_POLICY);
      return (policy?.configValue ?? "").split(",").some((word) => word.trim() === "compact");
    },
  };
}
