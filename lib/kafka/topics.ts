// Creating topics that are not there yet.

import type { KafkaSettings } from "../config.ts";
import { messageOf } from "../log.ts";
import { openKafka } from "./client.ts";

export interface WantedTopic {
  readonly topic: string;
  readonly numPartitions: number;
}

/** kafkajs says "Topic creation errors" and keeps to itself which and why. */
function rethrowEach(error: unknown): never {
  if (!(error instanceof Error && "errors" in error && Array.isArray(error.errors))) throw error;
  const each = error.errors.map((one: unknown) => {
    const where = typeof one === "object" && one !== null && "topic" in one ? `topic ${one.topic}: ` : "";
    return `${where}${messageOf(one)}`;
  });
  throw new Error(each.join("; "), { cause: error });
}

/**
 * Creates what is missing; what is there stays as it is, for nobody but its owner should change its partitions.
 * @returns the names of those that were created
 * @throws Error where the broker is away or refuses
 */
export async function createTopics(
  settings: KafkaSettings,
  wanted: readonly WantedTopic[],
): Promise<readonly string[]> {
  const admin = (await openKafka(settings)).admin();
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    const missing = wanted.filter(({ topic }) => !existing.has(topic));
    await admin.createTopics({ topics: missing, waitForLeaders: true }).catch(rethrowEach);
    return missing.map(({ topic }) => topic);
  } finally {
    await admin.disconnect();
  }
}
