// Which log the broker has under a partition's name, and what of the ledger's entry belongs to it. Pure. Laws: what the
// present log is not proven to have lost is not counted again; what it is proven to have lost gives its offsets free.

import { clip, difference, type OffsetRanges, union } from "./ranges.ts";

/** The last record of a batch. */
export interface Tail {
  readonly lastOffset: number;
  /** Of the record. */
  readonly digest: string;
}

/** A batch that was applied and is not yet known to be of the present log. */
export interface UnverifiedTail extends Tail {
  readonly offsets: OffsetRanges;
}

/** The newest ledger entry of a partition, as far as it says which log it is of. */
export interface EntryIdentity {
  readonly partition: number;
  readonly incarnation: number;
  readonly applied: OffsetRanges;
  /** Null until the sweeper has asked; the topic's id stays null where the broker knows topics by name only. */
  readonly clusterId: string | null;
  readonly topicId: string | null;
  readonly leaderEpoch: number | null;
  /** End of the log when it was last seen. */
  readonly brokerEnd: number | null;
  /** The epoch has been seen for so short a time that a batch read before it may still be committed. */
  readonly isEpochFresh: boolean;
  /** Offsets of all batches that are not verified; `tails` are the oldest of these. */
  readonly unverified: OffsetRanges;
  readonly tails: readonly UnverifiedTail[];
}

/** What the broker says of a partition, asked after the entry was read. */
export interface SeenLog {
  readonly clusterId: string | null;
  readonly topicId: string | null;
  /** By the leader itself; null where it does not speak of epochs. */
  readonly leaderEpoch: number | null;
  readonly first: number;
  readonly end: number;
  /**
   * Where the records of the entry's epoch and of earlier ones end; "unknown" where the leader has never had that epoch,
   * null where nobody was asked.
   */
  readonly entryEpochEnd: number | "unknown" | null;
}

/** What the broker has where batches ended that are not verified. */
export interface Found {
  /** Of the records, by offset. */
  readonly digests: ReadonlyMap<number, string>;
  /** Where the log's newest epochs begin: only there it can have been cut. */
  readonly epochStarts: readonly number[];
  /** Compaction takes records of this log: one that is not there proves nothing. */
  readonly isCompacted: boolean;
}

/** What a leader says of a partition's epochs. */
export interface SeenEpochs extends Pick<SeenLog, "leaderEpoch" | "entryEpochEnd"> {
  /** End of the leader's log; null where it does not say it. */
  readonly logEnd: number | null;
}

/** What the brokers say of a topic. */
export interface SeenTopic {
  readonly clusterId: string | null;
  readonly topicId: string | null;
  /** Without those of which nothing is sure at the moment, because their leader is just changing. */
  readonly partitions: ReadonlyMap<number, SeenEpochs>;
}

export type LogBreak =
  | { readonly kind: "another_cluster" | "created_again"; readonly dead: OffsetRanges }
  /** `from` to `to`: offsets that had been seen and that the log has lost, or has other records in by now. */
  | { readonly kind: "truncated"; readonly dead: OffsetRanges; readonly from: number; readonly to: number };

const onFrom = (ranges: OffsetRanges, offset: number) => clip(ranges, offset, Number.POSITIVE_INFINITY);
const offsetsOf = (tails: readonly UnverifiedTail[]) =>
  union(
    [],
    tails.flatMap(({ offsets }) => offsets),
  );
const differs = (a: string | null, b: string | null) => a !== null && b !== null && a !== b;

/** Whether another log than the entry's answers under its name, and which kind of another. */
function isAnother(entry: EntryIdentity, seen: SeenLog): "another_cluster" | "created_again" | null {
  if (differs(entry.clusterId, seen.clusterId)) return "another_cluster";
  if (differs(entry.topicId, seen.topicId)) return "created_again";
  // By name only: a log whose leader has never had the epoch that was seen is another one.
  if (seen.topicId === null && seen.entryEpochEnd === "unknown") return "created_again";
  return null;
}

/** Whether batches that are not verified have to be compared with the records that the broker has in their place. */
export function mustVerify(entry: EntryIdentity, seen: SeenLog): boolean {
  if (entry.tails.length === 0) return false;
  if (isAnother(entry, seen) !== null) return true;
  return seen.leaderEpoch !== null && (entry.leaderEpoch !== seen.leaderEpoch || entry.isEpochFresh);
}

/** From which of its offsets on a batch is of a log that is no more; null where it is of the present one. */
function deathOf({ lastOffset, digest }: Tail, seen: SeenLog, { digests, epochStarts, isCompacted }: Found) {
  const found = digests.get(lastOffset);
  if (found === digest || lastOffset < seen.first) return null;
  if (found === undefined && isCompacted && lastOffset < seen.end) return null;
  const starts = epochStarts.filter((at) => at <= lastOffset);
  if (starts.length > 0) return Math.max(...starts);
  if (lastOffset >= seen.end) return seen.end;
  // Without a record there, and no later epoch, compaction took it: the topic may have been compacted once.
  return found === undefined ? null : 0;
}

/**
 * @param found where `mustVerify` wants it; else null
 * @returns what broke, or null where the log is the entry's
 */
export function judgeLog(entry: EntryIdentity, seen: SeenLog, found: Found | null): LogBreak | null {
  const another = isAnother(entry, seen);
  if (another !== null) {
    const isAlive = (tail: UnverifiedTail) => found?.digests.get(tail.lastOffset) === tail.digest;
    const unread = difference(entry.unverified, offsetsOf(entry.tails));
    const alive = union(unread, offsetsOf(entry.tails.filter(isAlive)));
    return { kind: another, dead: difference(entry.applied, alive) };
  }
  const cut = typeof seen.entryEpochEnd === "number" ? Math.min(seen.entryEpochEnd, seen.end) : seen.end;
  const verified = difference(entry.applied, entry.unverified);
  let dead = union(onFrom(verified, cut), onFrom(entry.applied, seen.end));
  if (found !== null)
    for (const tail of entry.tails) {
      const from = deathOf(tail, seen, found);
      if (from !== null) dead = union(dead, onFrom(tail.offsets, from));
    }
  const unseen =
    entry.brokerEnd !== null && entry.brokerEnd > cut ? [{ from: cut, to: entry.brokerEnd }] : [];
  const gone = union(dead, unseen);
  const [first, last] = [gone.at(0), gone.at(-1)];
  if (first === undefined || last === undefined) return null;
  return { kind: "truncated", dead, from: first.from, to: last.to };
}
