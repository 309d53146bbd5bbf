// What the Kafka client throws, told apart and in words.

import { messageOf } from "./error-message.ts";

export function isMissingTopic(error: unknown): boolean {
  return (
    error instanceof Error && /unknown.topic/i.test(`${error.message} ${"apiId" in error ? error.apiId : ""}`)
  );
}

export class MissingTopicError extends Error {
  override readonly name = "MissingTopicError";

  constructor(topic: string, brokers: readonly string[], cause?: unknown) {
    super(
      `topic ${topic} does not exist (kafka-topics.sh --bootstrap-server ${brokers[0]} --create --topic ${topic} --partitions 4)`,
      { cause },
    );
  }
}

/** What failed, in words: the client nests lists of errors, one for each try and each broker. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof AggregateError)) return messageOf(error);
  return [...new Set(error.errors.map(reasonOf))].sort().join(" ");
}

/** Whether records could not be read, in contrast to a cluster that cannot be reached or refuses. */
export function isUnreadable(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isUnreadable);
  if (error instanceof Error && "syscall" in error) return false; // of the network
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return !code.startsWith("PLT_KFK_") || code === "PLT_KFK_UNSUPPORTED_COMPRESSION";
}
