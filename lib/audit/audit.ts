// The audit: asks the broker and PostgreSQL and names what became of every offset and of every counted event.
// Order of the questions, so that a running pipeline gives no false alarm: committed offsets, then the ledger (what was
// committed before has been applied before), then nothing more of either.

import type { Pool } from "pg";
import { type OffsetRanges, union } from "../core/ranges.ts";
import type { PartitionOffsets } from "../core/watermark.ts";
import type { Archive } from "../kafka/archive.ts";
import type { OffsetReader } from "../kafka/offsets.ts";
import { isReplaySource } from "../store/replay-source.ts";
import { type StreamName, streamNames } from "../streams/stream.ts";
import { type LedgerEntry, readBooks, type StreamState } from "./books.ts";
import {
  type Classified,
  checkLedger,
  classifyOffsets,
  type Explained,
  explainSuspects,
  judgeTotals,
} from "./classify.ts";

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
}

/** A row of the ledger that has no partition on the broker to compare it with. */
export interface OtherEntry {
  readonly source: string;
  readonly topic: string;
  readonly partition: number;
  readonly incarnation: number;
  readonly why: "earlier incarnation" | "replays of quarantined records" | "another source or topic";
  readonly records: number;
}

export interface StreamAudit extends StreamState {
  readonly counted: number;
  /** `DOUBLED by 3`, `LOST by 2`, or null. */
  readonly difference: string | null;
}

export interface AuditReport {
  readonly source: string;
  readonly partitions: readonly PartitionAudit[];
  readonly others: readonly OtherEntry[];
  readonly streams: readonly StreamAudit[];
  /** What does not add up, each with its place. */
  readonly problems: readonly string[];
}

/** Nothing is lost, doubled or inconsistent. Lag, holes and what retention has removed are named, but no fault of ours. */
export function isClean({ partitions, streams, problems }: AuditReport): boolean {
  return (
    problems.length === 0 &&
    partitions.every(({ lost }) => lost.length === 0) &&
    streams.every(({ difference }) => difference === null)
  );
}

interface BrokerPartition extends PartitionOffsets {
  readonly stream: StreamName;
  readonly topic: string;
  readonly committed: number | null;
}

async function askBroker({ topics, groups }: Audited, offsets: OffsetReader): Promise<BrokerPartition[]> {
  const partitions: BrokerPartition[] = [];
  for (const stream of streamNames) {
    const topic = topics[stream];
    const committed = await offsets.readCommitted(topic, groups[stream]);
    for (const known of await offsets.read(topic))
      partitions.push({ ...known, stream, topic, committed: committed.get(known.partition) ?? null });
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

async function auditPartition(
  known: BrokerPartition,
  entry: LedgerEntry | undefined,
  archive: Archive,
): Promise<PartitionAudit> {
  const { suspect, ...classified } = classifyOffsets({ ...known, applied: entry?.applied ?? [] });
  const records = suspect.length === 0 ? [] : await findRecords(archive, known, suspect);
  const { stream, topic, partition, first, end, committed } = known;
  return {
    ...{ stream, topic, partition, first, end, committed, incarnation: entry?.incarnation ?? 0 },
    ...classified,
    ...explainSuspects(suspect, records),
  };
}

/** The entry that stands for the topic as it is now: not one whose offsets lie beyond its end. */
function entryOf(
  { topic, partition, end }: BrokerPartition,
  source: string,
  entries: readonly LedgerEntry[],
) {
  const newest = entries
    .filter((one) => one.source === source && one.topic === topic && one.partition === partition)
    .at(-1);
  return (newest?.applied.at(-1)?.to ?? 0) <= end ? newest : undefined;
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
    return { ...state, counted, difference: judgeTotals({ ...state, counted }) };
  });
}

/** @throws where broker or database are away, or the ledger does not know the source */
export async function audit(audited: Audited, dependencies: AuditDependencies): Promise<AuditReport> {
  const onBroker = await askBroker(audited, dependencies.offsets);
  const { entries, streams } = await readBooks(dependencies.pool);
  const sources = new Set(entries.map(({ source }) => source));
  if (sources.size > 0 && !sources.has(audited.source))
    throw new Error(
      `the ledger knows no source ${audited.source}, but ${[...sources].join(", ")}: set MSK_CLUSTER_ARN`,
    );

  const partitions: PartitionAudit[] = [];
  const compared = new Set<LedgerEntry>();
  for (const known of onBroker) {
    const entry = entryOf(known, audited.source, entries);
    if (entry !== undefined) compared.add(entry);
    partitions.push(await auditPartition(known, entry, dependencies.archive));
  }
  const live = new Set(partitions.map(({ topic, partition }) => `${topic}-${partition}`));
  const others = entries
    .filter((entry) => !compared.has(entry))
    .map(({ source, topic, partition, incarnation, records }): OtherEntry => {
      const isEarlier = source === audited.source && live.has(`${topic}-${partition}`);
      const why = isReplaySource(source)
        ? "replays of quarantined records"
        : isEarlier
          ? "earlier incarnation"
          : "another source or topic";
      return { source, topic, partition, incarnation, why, records };
    });
  const problems = entries.flatMap((entry) =>
    checkLedger(entry).map(
      (what) => `${entry.source} ${entry.topic}-${entry.partition} incarnation ${entry.incarnation}: ${what}`,
    ),
  );
  return {
    source: audited.source,
    partitions,
    others,
    streams: streamsOf(streams, entries, audited.topics),
    problems,
  };
}
