// The audit: asks the broker and PostgreSQL and names what became of every offset and of every counted event.
// Order of the questions, so that a running pipeline gives no false alarm: committed offsets, then the ledger (what was
// committed before has been applied before), then nothing more of either.

import type { Pool } from "pg";
import type { LogBreak } from "../core/log-identity.ts";
import { difference, type OffsetRanges, size, union } from "../core/ranges.ts";
import type { PartitionOffsets } from "../core/watermark.ts";
import type { Archive } from "../kafka/archive.ts";
import type { GroupReader } from "../kafka/groups.ts";
import type { OffsetReader } from "../kafka/offsets.ts";
import { isReplaySource } from "../postgres/replay-source.ts";
import { type StreamName, streamNames } from "../streams/stream.ts";
import { type BrokenLog, type LedgerEntry, type Redelivered, readBooks, type StreamState } from "./books.ts";
import {
  type Classified,
  checkLedger,
  classifyOffsets,
  type Explained,
  explainSuspects,
  judgeTotals,
} from "./classify.ts";
import { needsNote, unseenBreaks, unseenText } from "./logs.ts";

/** What is to be audited. */
export interface Audited {
  readonly source: string;
  readonly topics: Readonly<Record<StreamName, string>>;
  /** Consumer group of each stream's trigger. */
  readonly groups: Readonly<Record<StreamName, string>>;
}

export interface AuditDependencies {
  readonly pool: Pool;
  readonly offsets: OffsetReader;
  readonly groups: GroupReader;
  /** Read only where a suspect range has to be explained. */
  readonly archive: Archive;
}

/** A partition on the broker. */
export interface PartitionAudit extends Omit<Classified, "suspect">, Explained {
  readonly stream: StreamName;
  readonly topic: string;
  readonly partition: number;
  readonly incarnation: number;
  readonly first: number;
  readonly end: number;
  readonly committed: number | null;
  /** Whether the topic's cleanup.policy contains `compact`; null where the broker does not say. */
  readonly isCompacted: boolean | null;
  /**
   * Offsets that were settled, or passed, without a record: transaction markers, aborted records and, in a compacted topic,
   * what compaction removed before it was read. Afterwards nobody can tell these apart.
   */
  readonly withoutRecord: number;
}

/** A row of the ledger that has no partition on the broker to compare it with. */
export interface OtherEntry {
  readonly source: string;
  readonly topic: string;
  readonly partition: number;
  readonly incarnation: number;
  readonly why:
    | "earlier incarnation"
    | "before the log was truncated"
    | "before the topic was created again"
    | "of the cluster before"
    | "replays of quarantined records"
    | "another source or topic";
  readonly records: number;
}

export interface StreamAudit extends StreamState {
  readonly counted: number;
  /** Records that were not counted, because an event of their identity with other content had been. */
  readonly conflicts: number;
  /** `DOUBLED by 3`, `LOST by 2`, or null. */
  readonly difference: string | null;
}

export interface AuditReport {
  readonly source: string;
  readonly partitions: readonly PartitionAudit[];
  readonly others: readonly OtherEntry[];
  readonly streams: readonly StreamAudit[];
  /** Where another log took a log's place, or a log was cut. */
  readonly breaks: readonly BrokenLog[];
  readonly redelivered: readonly Redelivered[];
  /** What does not add up, each with its place. */
  readonly problems: readonly string[];
}

/** As `holds_less` in SQL: nothing is applied below what is lost, or nothing above it. */
export function holdsLess({
  applied,
  lost,
  expired,
}: Pick<PartitionAudit, "applied" | "lost" | "expired">): boolean {
  const missing = union(lost, expired);
  const [first, last] = [missing[0], missing.at(-1)];
  if (first === undefined || last === undefined) return false;
  return !(applied.some(({ from }) => from < first.from) && applied.some(({ to }) => to > last.to));
}

/**
 * Nothing is lost, doubled or inconsistent. Lag, holes, what retention removed that nobody has missed, and what compaction
 * may have taken are named, but no fault of ours.
 */
export function isClean({ partitions, streams, breaks, problems }: AuditReport): boolean {
  return (
    problems.length === 0 &&
    !breaks.some(needsNote) &&
    partitions.every(({ lost, expired }) => lost.length === 0 && expired.length === 0) &&
    streams.every(({ difference }) => difference === null)
  );
}

interface BrokerPartition extends PartitionOffsets {
  readonly stream: StreamName;
  readonly topic: string;
  readonly committed: number | null;
  readonly isCompacted: boolean | null;
}

async function askBroker(
  { topics, groups }: Audited,
  { offsets, groups: reader }: AuditDependencies,
): Promise<BrokerPartition[]> {
  const partitions: BrokerPartition[] = [];
  for (const stream of streamNames) {
    const topic = topics[stream];
    const committed = await reader.readCommitted(topic, groups[stream]);
    const isCompacted = await reader.isCompacted(topic);
    for (const known of await offsets.read(topic))
      partitions.push({
        ...known,
        stream,
        topic,
        isCompacted,
        committed: committed.get(known.partition) ?? null,
      });
  }
  return partitions;
}

/** At which offsets of the ranges the broker has a record. */
async function findRecords(
  archive: Archive,
  { topic, partition }: BrokerPartition,
  ranges: OffsetRanges,
): Promise<OffsetRanges> {
  let found: OffsetRanges = [];
  for await (const records of archive.read(topic, partition, ranges))
    found = union(
      found,
      records.map(({ offset }) => ({ from: offset, to: offset + 1 })),
    );
  return found;
}

/** Records of all entries of a partition: the newest one may have taken over offsets from those before it. */
const recordsOf = ({ topic, partition }: BrokerPartition, entries: readonly LedgerEntry[]) =>
  entries
    .filter((one) => one.topic === topic && one.partition === partition && !isReplaySource(one.source))
    .reduce((sum, one) => sum + one.records, 0);

async function auditPartition(
  known: BrokerPartition,
  entry: LedgerEntry | undefined,
  entries: readonly LedgerEntry[],
  archive: Archive,
): Promise<PartitionAudit> {
  const { applied, acknowledged } = entry ?? { applied: [], acknowledged: [] };
  const { suspect, ...classified } = classifyOffsets({ ...known, applied, acknowledged });
  const records = suspect.length === 0 ? [] : await findRecords(archive, known, suspect);
  const { stream, topic, partition, first, end, committed, isCompacted } = known;
  const explained = explainSuspects(suspect, records);
  return {
    ...{ stream, topic, partition, first, end, committed, isCompacted, incarnation: entry?.incarnation ?? 0 },
    ...classified,
    ...explained,
    withoutRecord: Math.max(0, size(applied) - recordsOf(known, entries)) + size(explained.holes),
  };
}

/** The newest entry of a partition. */
function entryOf({ topic, partition }: BrokerPartition, source: string, entries: readonly LedgerEntry[]) {
  return entries
    .filter((one) => one.source === source && one.topic === topic && one.partition === partition)
    .at(-1);
}

/** What an entry was before the one after it began. */
function whyEarlier(entry: LedgerEntry, breaks: readonly BrokenLog[]): OtherEntry["why"] {
  const kind = breaks.find(
    (one) =>
      one.source === entry.source &&
      one.topic === entry.topic &&
      one.partition === entry.partition &&
      one.incarnation === entry.incarnation + 1 &&
      one.kind !== "renamed",
  )?.kind;
  if (kind === "truncated") return "before the log was truncated";
  if (kind === "created_again") return "before the topic was created again";
  return kind === "another_cluster" ? "of the cluster before" : "earlier incarnation";
}

function streamsOf(
  states: readonly StreamState[],
  entries: readonly LedgerEntry[],
  topics: Audited["topics"],
): StreamAudit[] {
  const streamOf = (entry: LedgerEntry) =>
    streamNames.find((stream) => topics[stream] === entry.topic) ?? entry.stream;
  return states.map((state) => {
    const own = entries.filter((entry) => streamOf(entry) === state.stream);
    const counted = own.reduce((sum, entry) => sum + entry.counted, 0);
    const conflicts = own.reduce((sum, entry) => sum + entry.conflicts, 0);
    return { ...state, counted, conflicts, difference: judgeTotals({ ...state, counted }) };
  });
}

/** @throws where broker or database are away, or the ledger does not know the source */
export async function audit(audited: Audited, dependencies: AuditDependencies): Promise<AuditReport> {
  const onBroker = await askBroker(audited, dependencies);
  const { entries, streams, breaks, redelivered } = await readBooks(dependencies.pool);
  const sources = new Set(entries.map(({ source }) => source));
  if (sources.size > 0 && !sources.has(audited.source))
    throw new Error(
      `the ledger knows no source ${audited.source}, but ${[...sources].join(", ")}: set MSK_CLUSTER_ARN`,
    );

  const { pool, offsets, groups, archive } = dependencies;
  const unseen = new Map<string, ReadonlyMap<number, LogBreak>>();
  for (const stream of streamNames) {
    const swept = { stream, source: audited.source, topic: audited.topics[stream] };
    unseen.set(swept.topic, await unseenBreaks(pool, swept, offsets, groups, archive));
  }
  const partitions: PartitionAudit[] = [];
  const compared = new Set<LedgerEntry>();
  const problems: string[] = [];
  for (const known of onBroker) {
    const entry = entryOf(known, audited.source, entries);
    if (entry !== undefined) compared.add(entry);
    const broken = unseen.get(known.topic)?.get(known.partition);
    if (broken !== undefined) problems.push(unseenText(known.topic, known.partition, broken));
    const alive = entry && { ...entry, applied: difference(entry.applied, broken?.dead ?? []) };
    partitions.push(await auditPartition(known, alive, entries, archive));
  }
  const live = new Set(partitions.map(({ topic, partition }) => `${topic}-${partition}`));
  const others = entries
    .filter((entry) => !compared.has(entry))
    .map((entry): OtherEntry => {
      const { source, topic, partition, incarnation, records } = entry;
      const isEarlier = source === audited.source && live.has(`${topic}-${partition}`);
      const why = isReplaySource(source)
        ? "replays of quarantined records"
        : isEarlier
          ? whyEarlier(entry, breaks)
          : "another source or topic";
      return { source, topic, partition, incarnation, why, records };
    });
  for (const entry of entries)
    for (const what of checkLedger(entry))
      problems.push(
        `${entry.source} ${entry.topic}-${entry.partition} incarnation ${entry.incarnation}: ${what}`,
      );
  return {
    source: audited.source,
    partitions,
    others,
    streams: streamsOf(streams, entries, audited.topics),
    breaks,
    redelivered,
    problems,
  };
}
