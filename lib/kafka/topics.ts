// Creating topics that are not there yet.

import { setTimeout as sleep } from "node:timers/promises";
import type { Admin, ITopicConfig } from "kafkajs";
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

/** How long brokers may take to hear of a topic from the controller that has made it; mostly milliseconds. */
const KNOWN_WITHIN_MS = 10_000;
const notKnownYet = ["UNKNOWN_TOPIC_OR_PARTITION", "LEADER_NOT_AVAILABLE"];

function isNotKnownYet(error: unknown): boolean {
  return error instanceof Error && "type" in error && notKnownYet.some((type) => type === error.type);
}

/**
 * Creates topics and waits until they have leaders. kafkajs' own `waitForLeaders` fails where a broker has not heard
 * of a topic yet: of 600 topics on a busy machine, three.
 * @throws Error naming each topic that is refused, or that no broker knows after 10 s
 */
export async function createOn(admin: Admin, topics: readonly ITopicConfig[]): Promise<void> {
  await admin.createTopics({ topics: [...topics], waitForLeaders: false }).catch(rethrowEach);
  const names = topics.map(({ topic }) => topic);
  for (const startMs = performance.now(); ; await sleep(20)) {
    try {
      await admin.fetchTopicMetadata({ topics: names });
      return;
    } catch (error) {
      if (!isNotKnownYet(error)) throw error;
      // Its controller has it; the broker that was asked will know it soon.
      if (performance.now() - startMs > KNOWN_WITHIN_MS)
        throw new Error(`created ${names.join(", ")}, but after 10 s a broker says: ${messageOf(error)}`, {
          cause: error,
        });
    }
  }
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
    if (missing.length > 0) await createOn(admin, missing);
    return missing.map(({ topic }) => topic);
  } finally {
    await admin.disconnect();
  }
}
