// Finds out, before a sweep uses them, whether the ledger's entries are still of the logs that the broker has. The ledger
// is read first, then the broker's ends, then its ids and epochs: an answer speaks of no record that came after it.

import {
  type EntryIdentity,
  type Found,
  judgeLog,
  type LogBreak,
  mustVerify,
  type SeenLog,
  type SeenTopic,
} from "../core/log-identity.ts";
import type { LogRecord } from "../core/log-record.ts";
import { type OffsetRanges, union } from "../core/ranges.ts";
import type { PartitionOffsets } from "../core/watermark.ts";
import { digestOf } from "./tail.ts";

/** A topic on the broker. Each call throws where the broker is away or has no such topic. */
export interface TopicLog {
  offsets(): Promise<readonly PartitionOffsets[]>;
  /** @param entryEpochs the epochs last seen, by partition */
  see(entryEpochs: ReadonlyMap<number, number>): Promise<SeenTopic>;
  /** Where the newest epochs of a partition begin, of which this is the present one. */
  epochStarts(partition: number, leaderEpoch: number): Promise<readonly number[]>;
  /** Whether compaction takes records of it; false where the broker does not say. */
  isCompacted(): Promise<boolean>;
  /** The records of the ranges that are there. */
  read(partition: number, ranges: OffsetRanges): AsyncIterable<readonly LogRecord[]>;
}

/** The newest ledger entry of a partition. */
export interface LedgerEntry extends EntryIdentity {
  /** Changes with each observation; null before the first. */
  readonly version: string | null;
  /** Ids of the newest batch that was not verified, and of the newest in `tails`; null where there is none. */
  readonly newestTail: string | null;
  readonly newestReadTail: string | null;
}

export interface Observed {
  readonly entry: LedgerEntry;
  readonly seen: SeenLog;
  /** End of what the broker gives to readers. */
  readonly brokerEnd: number;
  /** Up to this batch, all are settled by what was seen. */
  readonly verifiedTail: string | null;
  /** Whether no batch is left to be compared. */
  readonly isComplete: boolean;
  readonly broken: LogBreak | null;
}

/** Of a partition without an entry. */
function noEntry(partition: number): LedgerEntry {
  const nothing = { version: null, clusterId: null, topicId: null, leaderEpoch: null, brokerEnd: null };
  const noTails = { unverified: [], tails: [], newestTail: null, newestReadTail: null };
  return { partition, incarnation: 0, applied: [], isEpochFresh: false, ...nothing, ...noTails };
}

/** What the broker has now where batches ended that are not verified. */
async function find(log: TopicLog, { partition, tails }: EntryIdentity, seen: SeenLog): Promise<Found> {
  const wanted = tails
    .map(({ lastOffset }) => lastOffset)
    .filter((offset) => seen.first <= offset && offset < seen.end)
    .map((offset) => ({ from: offset, to: offset + 1 }));
  const digests = new Map<number, string>();
  if (wanted.length > 0)
    for await (const records of log.read(partition, union([], wanted)))
      for (const record of records) digests.set(record.offset, digestOf(record));
  const epochStarts = seen.leaderEpoch === null ? [] : await log.epochStarts(partition, seen.leaderEpoch);
  const isRecordMissing = wanted.some(({ from }) => !digests.has(from));
  return { digests, epochStarts, isCompacted: isRecordMissing && (await log.isCompacted()) };
}

/** Whether the records that were found are of the log that was seen: it may have been cut or replaced in between. */
const isStill = (before: SeenTopic, after: SeenTopic, partition: number) =>
  after.clusterId === before.clusterId &&
  after.topicId === before.topicId &&
  after.partitions.get(partition)?.leaderEpoch === before.partitions.get(partition)?.leaderEpoch;

/**
 * Looks at every partition that the broker has. One whose log changes meanwhile is left to the next sweep: half of what was
 * seen of it would be of one log, half of another.
 * @param entries read before `offsets` were asked for
 * @throws what the log throws
 */
export async function watchLog(
  log: TopicLog,
  entries: readonly LedgerEntry[],
  offsets: readonly PartitionOffsets[],
): Promise<Observed[]> {
  const epochs = entries.flatMap(({ partition, leaderEpoch }): [number, number][] =>
    leaderEpoch === null ? [] : [[partition, leaderEpoch]],
  );
  const topic = await log.see(new Map(epochs));
  const { clusterId, topicId, partitions } = topic;
  const observed: Observed[] = [];
  const compared = new Set<number>();
  for (const { partition, first, end } of offsets) {
    const epochsSeen = partitions.get(partition);
    if (epochsSeen === undefined) continue;
    const { logEnd, ...epochsOf } = epochsSeen;
    const entry = entries.find((one) => one.partition === partition) ?? noEntry(partition);
    const seen = { clusterId, topicId, first, end: Math.max(end, logEnd ?? 0), ...epochsOf };
    const found = mustVerify(entry, seen) ? await find(log, entry, seen) : null;
    if (found !== null) compared.add(partition);
    observed.push({
      entry,
      seen,
      brokerEnd: end,
      verifiedTail: found === null ? entry.newestTail : entry.newestReadTail,
      isComplete: found === null || entry.newestTail === entry.newestReadTail,
      broken: judgeLog(entry, seen, found),
    });
  }
  if (compared.size === 0) return observed;
  const after = await log.see(new Map());
  return observed.filter(
    ({ entry }) => !compared.has(entry.partition) || isStill(topic, after, entry.partition),
  );
}
