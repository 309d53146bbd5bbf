// Sweeps all streams; what is wrong with one does not keep the others from becoming final.

import type { Pool } from "pg";
import { messageOf } from "../log.ts";
import { type StreamName, streamNames } from "../streams/stream.ts";
import type { LatenessRules } from "./commit.ts";
import type { NextRecord } from "./holes.ts";
import { logBreaks } from "./log-breaks.ts";
import { type Committed, findLost, recordLost, settleHolesAhead } from "./lost.ts";
import type { Allowance, LostPartition, ReadRecords } from "./redeliver.ts";
import { type SweepOutcome, type SweepRules, type SweepStore, sweepStream } from "./sweep.ts";
import { postgresSweepStore } from "./sweep-store.ts";
import type { TopicLog } from "./watch-log.ts";

/** What is swept. */
export interface SweptStreams {
  readonly source: string;
  readonly topics: Readonly<Record<StreamName, string>>;
  /** Consumer group of each stream's trigger. */
  readonly groups: Readonly<Record<StreamName, string>>;
}

/** What a sweep asks of the broker; each throws where it is away. */
export interface SweptBroker {
  readonly topicLog: (topic: string) => TopicLog;
  readonly readCommitted: (topic: string, groupId: string) => Promise<Committed>;
  readonly nextRecord: NextRecord;
  readonly readRecords: ReadRecords;
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
  pool: Pool,
  store: SweepStore,
  stream: StreamName,
  { source, topics, groups }: SweptStreams,
  broker: SweptBroker,
  rules: SweepRules & LatenessRules,
): Promise<OneSwept> {
  const swept = { stream, source, topic: topics[stream] };
  const topicLog = broker.topicLog(swept.topic);
  // First of all: what was committed before the ledger is read has been applied before, or is lost.
  const committed = await broker.readCommitted(swept.topic, groups[stream]);
  const { passed, ...outcome } = await sweepStream(store, swept, topicLog, rules, (offsets) =>
    findLost(pool, swept, offsets, committed, broker.nextRecord),
  );
  logBreaks(source, swept.topic, outcome.breaks);
  const offsets = await topicLog.offsets();
  const found = await recordLost(pool, swept, offsets, committed, passed);
  // Last of all: a sweep does not wait for it, the next one has the use of it.
  await settleHolesAhead(pool, swept, offsets, committed, broker.nextRecord);
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
  pool: Pool,
  streams: SweptStreams,
  broker: SweptBroker,
  rules: SweepRules & LatenessRules,
  allowance: Allowance,
): Promise<Swept> {
  const store = postgresSweepStore(pool);
  const sweeps: OneSwept[] = [];
  const failures: Error[] = [];
  for (const stream of streamNames) {
    try {
      sweeps.push(await sweepOne(pool, store, stream, streams, broker, rules));
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
      // Loaded only here: it needs all streams' decoders, and a sweep rarely needs it.
      const { redeliverLost } = await import("./redeliver.ts");
      redelivered = await redeliverLost(pool, lost, broker.readRecords, rules, allowance);
    } catch (error) {
      // What has been swept is swept.
      failures.push(new Error(`lost records: ${messageOf(error)}`, { cause: error }));
    }
  // Loaded only here: a sweep's start does not need it.
  const { completeConflicts } = await import("./complete-conflicts.ts");
  for (const stream of streamNames) {
    if (!allowance.hasTime()) break;
    const topic = streams.topics[stream];
    const swept = { stream, source: streams.source, topic };
    try {
      await completeConflicts(pool, swept, broker.topicLog(topic), rules.zones, allowance.hasTime);
    } catch (error) {
      // The next sweep tries it again; the other streams' conflicts have their turn.
      failures.push(new Error(`conflicts of ${stream} (${topic}): ${messageOf(error)}`, { cause: error }));
    }
  }
  return { outcomes: sweeps.map((one) => one.outcome), redelivered, failures };
}
