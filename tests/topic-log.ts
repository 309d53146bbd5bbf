// A topic as a sweep asks for it, where a test has no broker or wants one that never changes its leader.

import type { SeenEpochs, SeenTopic } from "../lib/core/log-identity.ts";
import type { LogRecord } from "../lib/core/log-record.ts";
import type { PartitionOffsets } from "../lib/core/watermark.ts";
import type { TopicLog } from "../lib/windows/watch-log.ts";

export interface ToldLog {
  readonly clusterId: string | null;
  readonly topicId: string | null;
  /** Of all partitions. */
  readonly epochs: SeenEpochs;
  readonly epochStarts: readonly number[];
  readonly records: readonly LogRecord[];
}

const untold: ToldLog = {
  clusterId: "cluster",
  topicId: "topic",
  epochs: { leaderEpoch: 0, logEnd: null, entryEpochEnd: null },
  epochStarts: [],
  records: [],
};

/** @param told what it says of itself, as far as that matters */
export function logOf(
  offsets: () => Promise<readonly PartitionOffsets[]>,
  told: Partial<ToldLog> = {},
): TopicLog {
  const { clusterId, topicId, epochs, epochStarts, records } = { ...untold, ...told };
  return {
    offsets,
    async see(): Promise<SeenTopic> {
      const partitions = (await offsets()).map(({ partition }): [number, SeenEpochs] => [partition, epochs]);
      return { clusterId, topicId, partitions: new Map(partitions) };
    },
    epochStarts: async () => epochStarts,
    isCompacted: async () => false,
    async *read(_, ranges) {
      yield records.filter(({ offset }) => ranges.some(({ from, to }) => from <= offset && offset < to));
    },
  };
}
