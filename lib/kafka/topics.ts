// Creating topics that are not there yet, and seeing that they can be used.

import { setTimeout as sleep } from "node:timers/promises";
import type { Admin, ITopicConfig } from "kafkajs";
import type { KafkaSettings } from "../config/kafka.ts";
import { messageOf } from "../log.ts";
import type { Waits } from "./client.ts";
import { refuseUnfitCluster } from "./cluster-check.ts";
import { keepConnection } from "./connection.ts";

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

/** For a cluster that was made just now: a broker may take its own time for a topic, and is to say so itself. */
const PATIENT: Waits = { connectMs: 10_000, requestMs: 30_000 };
const CREATE_TIMEOUT_MS = 25_000;

/** How long brokers may take to hear of a topic from the controller that has made it; mostly milliseconds. */
const KNOWN_WITHIN_MS = 10_000;
const notKnownYet = ["UNKNOWN_TOPIC_OR_PARTITION", "LEADER_NOT_AVAILABLE", "NOT_LEADER_FOR_PARTITION"];

function isNotKnownYet(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ("type" in error && notKnownYet.some((type) => type === error.type)) || isNotKnownYet(error.cause);
}

/**
 * Asks for a topic's offsets, and again as long as a broker has not heard of it; its controller has it.
 * @returns how many partitions it has
 */
async function partitionsOnceLed(admin: Admin, topic: string): Promise<number> {
  for (const startMs = performance.now(); ; await sleep(20)) {
    try {
      return (await admin.fetchTopicOffsets(topic)).length;
    } catch (error) {
      if (!isNotKnownYet(error)) throw error;
      if (performance.now() - startMs > KNOWN_WITHIN_MS)
        throw new Error(`${topic}: there, but after 10 s a broker says: ${messageOf(error)}`, {
          cause: error,
        });
    }
  }
}

/**
 * Creates topics, and waits until brokers lead all of their partitions, which is to say, answer for their offsets. The
 * controller answers as soon as it has made them, and brokers hear of them from it afterwards: until then one says
 * UNKNOWN_TOPIC_OR_PARTITION to whoever sends or reads, or NOT_LEADER_FOR_PARTITION, where it has their names and not yet
 * their logs. kafkajs' own `waitForLeaders` waits out LEADER_NOT_AVAILABLE and fails with the others: of 600 topics on a
 * busy machine, three.
 * @throws Error naming each topic that is refused, or those that a broker does not know after 10 s
 */
export async function createOn(admin: Admin, topics: readonly ITopicConfig[]): Promise<void> {
  const wanted = { topics: [...topics], waitForLeaders: false, timeout: CREATE_TIMEOUT_MS };
  await admin.createTopics(wanted).catch(rethrowEach);
  await Promise.all(topics.map(({ topic }) => partitionsOnceLed(admin, topic)));
}

export interface ReadyTopics {
  /** Names of those that were not there. */
  readonly created: readonly string[];
  /** What each topic has now, which is another number than was wanted where it was there before. */
  readonly partitions: ReadonlyMap<string, number>;
}

/**
 * Creates what is missing; what is there stays as it is, for nobody but its owner should change its partitions. Then asks
 * for the offsets of all of them, as the sweeper will: of a cluster that cannot be asked no window would become final.
 * @throws Error where the broker is away, refuses, or cannot be worked with (cluster-check.ts)
 */
export async function createTopics(
  settings: KafkaSettings,
  wanted: readonly WantedTopic[],
): Promise<ReadyTopics> {
  await refuseUnfitCluster(settings);
  const connection = keepConnection(settings, (kafka) => kafka.admin(), PATIENT);
  try {
    const admin = await connection.get();
    const existing = new Set(await admin.listTopics());
    const missing = wanted.filter(({ topic }) => !existing.has(topic));
    if (missing.length > 0) await createOn(admin, missing);
    const partitions = new Map<string, number>();
    for (const { topic } of wanted) partitions.set(topic, await partitionsOnceLed(admin, topic));
    return { created: missing.map(({ topic }) => topic), partitions };
  } finally {
    await connection.drop();
  }
}
