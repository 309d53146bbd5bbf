// Sweeps all streams; what is wrong with one does not keep the others from becoming final.

import type { LogRecord } from "../core/log-record.ts";
import type { OffsetRanges } from "../core/ranges.ts";
import type { PartitionOffsets } from "../core/watermark.ts";
import { messageOf } from "../log.ts";
import { type StreamName, type StreamZones, streamNames } from "../streams/stream.ts";
import type { LatenessRules } from "./commit.ts";
import { logBreaks } from "./log-breaks.ts";
import {
  type CheckedGaps,
  type SweepOutcome,
  type SweepRules,
  type SweepStore,
  type SweptTopic,
  sweepStream,
} from "./sweep.ts";
import type { TopicLog } from "./watch-log.ts";

/** What is swept. */
export interface SweptStreams {
  readonly source: string;
  readonly topics: Readonly<Record<StreamName, string>>;
  /** Consumer group of each stream's trigger. */
  readonly groups: Readonly<Record<StreamName, string>>;
}

/** Next offset of a trigger's group, by partition. */
export type Committed = ReadonlyMap<number, number>;

/** The next offset at or after `from` that holds a committed record or still may; the broker's word. */
export type NextRecord = (topic: string, partition: number, from: number) => Promise<number>;

/** The broker's committed records in the ranges, in offset order, in pieces. */
export type ReadRecords = (
  topic: string,
  partition: number,
  ranges: OffsetRanges,
) => AsyncIterable<readonly LogRecord[]>;

/** What a sweep asks of the broker; each throws where it is away. */
export interface SweptBroker {
  readonly topicLog: (topic: string) => TopicLog;
  readonly readCommitted: (topic: string, groupId: string) => Promise<Committed>;
  readonly nextRecord: NextRecord;
  readonly readRecords: ReadRecords;
}

/** How much may still be delivered again. */
export interface Allowance {
  /** Most records, of all ranges together; what is left of it. */
  records: number;
  /** Whether there is time for another batch. */
  readonly hasTime: () => boolean;
}

/** What is lost of one partition, in offset order. */
export interface LostPartition extends SweptTopic {
  readonly partition: number;
  readonly lost: OffsetRanges;
}

/** What is asked of the database beside each stream's sweep; each throws where it is away. */
export interface SweepDatabase extends SweepStore {
  /**
   * What the group has passed and the broker has records of; holes among it are settled.
   * @param committed asked before the ledger is read: what was committed before has been applied before
   */
  findLost(
    swept: SweptTopic,
    offsets: readonly PartitionOffsets[],
    committed: Committed,
    nextRecord: NextRecord,
  ): Promise<CheckedGaps>;
  /**
   * Puts on record what is lost, and logs what was not lost before.
   * @returns how many offsets are lost, and how many more have not been looked up on the broker yet
   */
  recordLost(
    swept: SweptTopic,
    offsets: readonly PartitionOffsets[],
    committed: Committed,
    passed: CheckedGaps,
  ): Promise<{ readonly lost: number; readonly unchecked: number }>;
  /** Settles what is no record, beyond where the group is. */
  settleHolesAhead(
    swept: SweptTopic,
    offsets: readonly PartitionOffsets[],
    committed: Committed,
    nextRecord: NextRecord,
  ): Promise<void>;
  /** @returns how many records */
  redeliver(
    lost: readonly LostPartition[],
    readRecords: ReadRecords,
    rules: LatenessRules,
    allowance: Allowance,
  ): Promise<number>;
  /** Completes conflicts whose first events only the topic still has. */
  completeConflicts(
    swept: SweptTopic,
    log: TopicLog,
    zones: StreamZones | undefined,
    hasTime: () => boolean,
  ): Promise<void>;
}

export interface StreamOutcome extends Omit<SweepOutcome, "passed"> {
  /** Offsets that the trigger has passed and that are not counted, as this sweep found them. */
  readonly lost: number;
  /** More of these, perhaps, that have not been looked up on the broker yet: where this is not 0, `lost` may be too low. */
  readonly unchecked: number;
}

export interface Swept {
  readonly outcomes: readonly StreamOutcome[];
  /** How many lost records were delivered again. */
  readonly redelivered: number;
  /** What went wrong, for each stream that it went wrong for. */
  readonly failures: readonly Error[];
}

interface OneSwept {
  readonly outcome: StreamOutcome;
  readonly lost: readonly LostPartition[];
}

async function sweepOne(
  database: SweepDatabase,
  stream: StreamName,
  { source, topics, groups }: SweptStreams,
  broker: SweptBroker,
  rules: SweepRules & LatenessRules,
): Promise<OneSwept> {
  const swept = { stream, source, topic: topics[stream] };
  const topicLog = broker.topicLog(swept.topic);
  // First of all: what was committed before the ledger is read has been applied before, or is lost.
  const committed = await broker.readCommitted(swept.topic, groups[stream]);
  const { passed, ...outcome } = await sweepStream(database, swept, topicLog, rules, (offsets) =>
    database.findLost(swept, offsets, committed, broker.nextRecord),
  );
  logBreaks(source, swept.topic, outcome.breaks);
  const offsets = await topicLog.offsets();
  const found = await database.recordLost(swept, offsets, committed, passed);
  // Last of all: a sweep does not wait for it, the next one has the use of it.
  await database.settleHolesAhead(swept, offsets, committed, broker.nextRecord);
  const lost = [...Map.groupBy(passed.withRecord, (gap) => gap.partition)].map(([partition, gaps]) => ({
    ...swept,
    partition,
    lost: gaps.map(({ from, to }) => ({ from, to })),
  }));
  return { outcome: { ...outcome, ...found }, lost };
}

/**
 * Every stream has its turn. Then, as far as the allowance goes, what was lost is delivered again; last come conflicts,
 * which no row and no watermark waits for.
 * The caller uses the rest, and then throws the failures.
 */
export async function sweepAll(
  database: SweepDatabase,
  streams: SweptStreams,
  broker: SweptBroker,
  rules: SweepRules & LatenessRules,
  allowance: Allowance,
): Promise<Swept> {
  const sweeps: OneSwept[] = [];
  const failures: Error[] = [];
  for (const stream of streamNames) {
    try {
      sweeps.push(await sweepOne(database, stream, streams, broker, rules));
    } catch (error) {
      // The other streams still have their turn.
      failures.push(
        new Error(`${stream} (${streams.topics[stream]}): ${messageOf(error)}`, { cause: error }),
      );
    }
  }
  const lost = sweeps.flatMap((one) => one.lost);
  let redelivered = 0;
  if (lost.length > 0)
    try {
      redelivered = await database.redeliver(lost, broker.readRecords, rules, allowance);
    } catch (error) {
      // What has been swept is swept.
      failures.push(new Error(`lost records: ${messageOf(error)}`, { cause: error }));
    }
  for (const stream of streamNames) {
    if (!allowance.hasTime()) break;
    const topic = streams.topics[stream];
    const swept = { stream, source: streams.source, topic };
    try {
      await database.completeConflicts(swept, broker.topicLog(topic), rules.zones, allowance.hasTime);
    } catch (error) {
      // The next sweep tries it again; the other streams' conflicts have their turn.
      failures.push(new Error(`conflicts of ${stream} (${topic}): ${messageOf(error)}`, { cause: error }));
    }
  }
  return { outcomes: sweeps.map((one) => one.outcome), redelivered, failures };
}
