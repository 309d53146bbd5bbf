// Creating topics that are not there yet.

import type { KafkaSettings } from "../config.ts";
import { openKafka } from "./client.ts";

export interface WantedTopic {
  readonly topic: string;
  readonly numPartitions: number;
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
    await admin.createTopics({ topics: missing, waitForLeaders: true });
    return missing.map(({ topic }) => topic);
  } finally {
    await admin.disconnect();
  }
}
