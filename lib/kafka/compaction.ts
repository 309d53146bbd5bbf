// A topic that is compacted: what compaction removes before it is read is not counted, and nobody can tell afterwards.

/** What there is to say of such a topic. */
export const COMPACTED_TOPIC =
  "records that compaction removes before they are read are not counted: set cleanup.policy=delete";

/**
 * The topics that are compacted, each with what there is to say of it. Never throws: nothing depends on it;
 * whether the topic is there at all, others say.
 */
export async function compactionWarnings(
  topics: readonly string[],
  isCompacted: (topic: string) => Promise<boolean | null>,
): Promise<string[]> {
  const compacted = await Promise.all(topics.map((topic) => isCompacted(topic).catch(() => false)));
  return topics
    .filter((_, i) => compacted[i])
    .map((topic) => `${topic}: cleanup.policy=compact; ${COMPACTED_TOPIC}`);
}
