// A topic as the sweeper and the audit look at it.

import type { OffsetRanges } from "../core/ranges.ts";
import type { Archive } from "./archive.ts";
import type { GroupReader } from "./groups.ts";
import type { OffsetReader } from "./offsets.ts";

/** The questions that `TopicLog` (lib/windows/watch-log.ts) asks, of one topic; each throws as the reader's or the archive's does. */
export function topicLogOf(
  topic: string,
  offsets: OffsetReader,
  groups: Pick<GroupReader, "isCompacted">,
  archive: Archive,
) {
  return {
    offsets: () => offsets.read(topic),
    see: (entryEpochs: ReadonlyMap<number, number>) => archive.see(topic, entryEpochs),
    epochStarts: (partition: number, leaderEpoch: number) =>
      archive.epochStarts(topic, partition, leaderEpoch),
    isCompacted: () => groups.isCompacted(topic).then((told) => told ?? false),
    read: (partition: number, ranges: OffsetRanges) => archive.read(topic, partition, ranges),
  };
}
