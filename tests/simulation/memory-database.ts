// A model of PostgreSQL under lib/postgres/sql: claim_batch, commit_*, move_watermark and what sweep-store.ts
// asks, with their locks and with what each statement can see. tests/integration/postgres/model.test.ts runs it beside
// PostgreSQL. A transaction's changes become visible at its end, in one step; `pause` stands wherever another
// transaction can come in between.

import type { Tail } from "../../lib/core/log-identity.ts";
import {
  difference,
  fromMultirange,
  type OffsetRanges,
  size,
  toMultirange,
  union,
} from "../../lib/core/ranges.ts";
import type { Event, Stream } from "../../lib/streams/stream.ts";
import type { Judge, PartitionAddress, Verdict } from "../../lib/windows/commit.ts";
import type { DoubtfulValue, FoldedBatch, SeenIdentity } from "../../lib/windows/fold.ts";
import type { LatenessCount } from "../../lib/windows/lateness.ts";
import type { FoundBreak, ObservedPartition, SweepStore } from "../../lib/windows/sweep.ts";
import type { LedgerEntry, Observed } from "../../lib/windows/watch-log.ts";
import { addBatch, entryAfter, type LedgerRow, MemoryLedger, noteObserved } from "./memory-ledger.ts";
import { RowLocks, SharedLock, type Tasks } from "./row-locks.ts";
import {
  type EarlierRow,
  type Finality,
  mergeRows,
  type ShownRow,
  shown,
  type WindowRow,
} from "./window-rows.ts";

const DAY_US = 86_400e6;

interface ConflictRow {
  readonly log: number;
  readonly offset: number;
  readonly firstLog: number;
  readonly firstOffset: number;
}

interface Progress {
  readonly first: number;
  readonly end: number;
  readonly lag: number;
  readonly idle: boolean;
  readonly observedSinceUs: number;
  readonly observedAtUs: number;
}

/** What happened at the server, in its order. */
export type ServerEvent =
  | {
      readonly kind: "commit";
      readonly partition: number;
      readonly incarnation: number;
      readonly offsets: OffsetRanges;
      /** Of the delivery. */
      readonly tail: Tail;
      readonly nowUs: number;
      /** The watermark that the batch was judged by, and the one when it took effect. */
      readonly judgedByUs: number | null;
      readonly watermarkUs: number | null;
    }
  /** A sweep has read the ledger, under the stream's lock, and decides; `offsets` as in its "move". */
  | { readonly kind: "decide"; readonly offsets: object }
  | {
      readonly kind: "move";
      readonly nowUs: number;
      readonly watermarkUs: number | null;
      /** The broker's answer that it was decided on. */
      readonly offsets: object;
      readonly heldBy: number | null;
      /** How many partitions were idle. */
      readonly idle: number;
    };

/** `log_name`. */
function nameOf({
  clusterId,
  topicId,
  leaderEpoch,
}: Pick<LedgerRow, "clusterId" | "topicId" | "leaderEpoch">) {
  const parts = [
    ["cluster", clusterId],
    ["topic", topicId],
    ["epoch", leaderEpoch],
  ];
  return parts.flatMap(([word, value]) => (value === null ? [] : `${word} ${value}`)).join(", ");
}

/** One stream's tables. */
export class MemoryDatabase {
  readonly windows = new Map<string, WindowRow>();
  readonly finality: Finality[] = [];
  readonly history: EarlierRow[] = [];
  readonly quarantine: { partition: number; incarnation: number; offset: number; reason: string }[] = [];
  readonly tooLate: { partition: number; incarnation: number; offset: number; timeUs: number }[] = [];
  readonly seen = new Map<string, SeenIdentity & { readonly timeUs: number }>();
  readonly conflicts: ConflictRow[] = [];
  readonly doubtful: (DoubtfulValue & { readonly log: number })[] = [];
  /** Events by log, day and bucket. */
  readonly lateness = new Map<string, LatenessCount & { readonly log: number }>();
  readonly progress = new Map<number, Progress>();
  watermarkUs: number | null = null;
  heldBy: number | null = null;
  #tails = 0;
  readonly #streamRow = {};
  readonly #locks: RowLocks;
  /** `share_finality`, and `move_watermark` alone. */
  readonly #finalityLock: SharedLock;
  readonly #ledger: MemoryLedger;
  readonly #written = new WeakSet<Observed>();
  readonly #tasks: Tasks;
  readonly #onEvent: (event: ServerEvent) => void;
  readonly #stragglingUs: number;

  /** @param stragglingUs for how long after an epoch was first seen a function may still commit a batch of the one before */
  constructor(
    tasks: Tasks,
    onEvent: (event: ServerEvent) => void = () => undefined,
    stragglingUs = Number.POSITIVE_INFINITY,
  ) {
    this.#stragglingUs = stragglingUs;
    this.#tasks = tasks;
    this.#onEvent = onEvent;
    this.#locks = new RowLocks(tasks);
    this.#finalityLock = new SharedLock(tasks);
    this.#ledger = new MemoryLedger(this.#locks);
  }

  get rows(): ReadonlyMap<string, ShownRow> {
    return new Map([...this.windows].map(([key, row]) => [key, shown(row, this.watermarkUs, this.finality)]));
  }

  /** Whether a sweep has written down what it observed: another one may have been in its way. */
  hasWritten(observed: Observed): boolean {
    return this.#written.has(observed);
  }

  get ledger(): readonly LedgerRow[] {
    return this.#ledger.rows;
  }

  #apply(entry: LedgerRow, tail: Tail, batch: FoldedBatch, nowUs: number): void {
    const { partition, incarnation } = entry;
    for (const { eventKey, timeUs, content, offset } of batch.identities)
      this.seen.set(eventKey, { timeUs, content, log: entry.id, offset });
    for (const { offset, first } of batch.conflicts)
      this.conflicts.push({
        ...{ log: entry.id, offset },
        ...{ firstLog: first.log ?? entry.id, firstOffset: first.offset },
      });
    for (const doubt of batch.doubtful) this.doubtful.push({ log: entry.id, ...doubt });
    for (const { day, belowS, events } of batch.lateness) {
      const key = `${day} ${entry.id} ${belowS}`;
      const before = this.lateness.get(key)?.events ?? 0;
      this.lateness.set(key, { day, log: entry.id, belowS, events: before + events });
    }
    for (const { offset, refused } of batch.refused)
      this.quarantine.push({ partition, incarnation, offset, reason: refused });
    for (const { offset, timeUs } of batch.tooLate)
      this.tooLate.push({ partition, incarnation, offset, timeUs });
    addBatch(entry, batch, nowUs);
    entry.tails = [...entry.tails, { ...tail, offsets: batch.offsets, id: this.#tails++ }];
  }

  /** `commit_<stream>`. */
  readonly judge: Judge = async (stream, address, rules, tail, batch) => {
    await this.#tasks.pause();
    const verdict = await this.#judge(stream, address, rules, tail, batch);
    await this.#tasks.pause();
    return verdict;
  };

  async #judge<E extends Event>(
    stream: Stream<E>,
    { topic, partition }: PartitionAddress,
    rules: { readonly futureSkewUs: number; readonly amendmentHorizonUs: number },
    tail: Tail,
    batch: FoldedBatch,
  ): Promise<Verdict | "try again"> {
    const nowUs = this.#tasks.nowUs;
    const entry = await this.#ledger.claim(partition);
    let committed = false;
    await this.#finalityLock.share();
    try {
      const judgedByUs = this.watermarkUs;
      const seen = batch.identities.flatMap(({ eventKey }) => {
        const first = this.seen.get(eventKey);
        return first === undefined
          ? []
          : { eventKey, content: first.content, log: first.log, offset: first.offset };
      });
      const overlap = difference(batch.offsets, difference(batch.offsets, entry.applied));
      const verdict = { incarnation: entry.incarnation, nowUs, watermarkUs: judgedByUs };
      if (
        overlap.length > 0 ||
        (batch.maxEventTimeUs !== null && batch.maxEventTimeUs > nowUs + rules.futureSkewUs) ||
        (batch.firstWindowEndUs !== null &&
          judgedByUs !== null &&
          batch.firstWindowEndUs <= judgedByUs - rules.amendmentHorizonUs) ||
        seen.length > 0
      ) {
        committed = true;
        const alreadyApplied = toMultirange(overlap);
        return { ...verdict, applied: false, alreadyApplied, seen };
      }
      await this.#tasks.pause();
      if (batch.identities.some((identity) => this.seen.has(identity.eventKey))) return "try again";
      committed = true;
      const offsets = fromMultirange(toMultirange(batch.offsets));
      this.#apply(entry, tail, batch, nowUs);
      const late = mergeRows(
        this,
        stream,
        batch,
        `${topic}-${partition}:${toMultirange(offsets)}`,
        judgedByUs,
        nowUs,
      );
      entry.late += late;
      const { incarnation } = entry;
      this.#onEvent({
        kind: "commit",
        partition,
        incarnation,
        offsets,
        tail,
        nowUs,
        judgedByUs,
        watermarkUs: this.watermarkUs,
      });
      // Stations' histories are no part of the model: the weather of its tests lies within 10 °C.
      const byHistory = stream.stationReadingOf === undefined ? {} : { doubtfulByHistory: 0 };
      return { ...verdict, applied: true, late, ...byHistory };
    } finally {
      this.#finalityLock.giveBack();
      this.#ledger.release(entry, committed);
    }
  }

  readonly sweepStore: SweepStore = {
    readLedger: async () => {
      await this.#tasks.pause();
      const readAtUs = this.#tasks.nowUs;
      const partitions = new Set(this.ledger.map((row) => row.partition).sort((a, b) => a - b));
      const entries = [...partitions].flatMap((partition): LedgerEntry[] => {
        const newest = this.#ledger.newest(partition);
        if (newest === undefined) return [];
        const {
          incarnation,
          applied,
          clusterId,
          topicId,
          leaderEpoch,
          epochSinceUs,
          brokerEnd,
          version,
          tails,
        } = newest;
        const newestTail = tails.at(-1)?.id.toString() ?? null;
        return [
          {
            ...{
              partition,
              incarnation,
              applied,
              clusterId,
              topicId,
              leaderEpoch,
              brokerEnd,
              version,
              tails,
            },
            isEpochFresh: epochSinceUs !== null && epochSinceUs > readAtUs - this.#stragglingUs,
            unverified: tails.reduce<OffsetRanges>((all, { offsets }) => union(all, offsets), []),
            ...{ newestTail, newestReadTail: newestTail },
          },
        ];
      });
      return { readAtUs, entries };
    },
    recordLogs: async (_, observed) => {
      await this.#tasks.pause();
      const nowUs = this.#tasks.nowUs;
      const locked: LedgerRow[] = [];
      try {
        for (const { entry } of observed) {
          const { partition, incarnation } = entry;
          const isIt = (row: LedgerRow) => row.partition === partition && row.incarnation === incarnation;
          await this.#ledger.insert(partition, incarnation); // waits for who is inserting it
          const row = this.ledger.find(isIt);
          if (row === undefined) continue;
          await this.#locks.lock(row);
          locked.push(row);
          await this.#tasks.pause();
        }
        const found: FoundBreak[] = [];
        for (const row of locked) {
          const one = observed.find(({ entry }) => entry.partition === row.partition);
          if (one === undefined || one.entry.version !== row.version) continue; // another sweep was here since
          if (one.broken === null) {
            noteObserved(row, one, nowUs);
            this.#written.add(one);
          } else if (this.#ledger.begin(entryAfter(row, one, one.broken, nowUs))) {
            this.#written.add(one);
            const { dead, ...broken } = one.broken;
            const before = nameOf(row);
            found.push({
              ...broken,
              partition: row.partition,
              before,
              after: nameOf(one.seen),
              offsets: dead,
            });
          }
        }
        return found;
      } finally {
        for (const row of locked) this.#locks.unlock(row);
        await this.#tasks.pause();
      }
    },
    moveWatermark: async (_, offsets, nowUs, idleUs, decide) => {
      await this.#tasks.pause();
      await this.#locks.lock(this.#streamRow);
      try {
        const previousUs = this.watermarkUs;
        await this.#tasks.pause();
        const partitions = offsets.map((o): ObservedPartition => {
          const entry = this.#ledger.newest(o.partition);
          const before = this.progress.get(o.partition);
          const watched = before !== undefined && before.observedAtUs > nowUs - idleUs;
          const observedSinceUs = watched ? before.observedSinceUs : nowUs;
          return {
            partition: o.partition,
            lag: o.first < o.end ? size(difference([{ from: o.first, to: o.end }], entry?.applied ?? [])) : 0,
            maxEventTimeUs: entry?.maxEventTimeUs ?? null,
            silentForUs: nowUs - Math.max(observedSinceUs, entry?.advancedAtUs ?? observedSinceUs),
            offsets: o,
            observedSinceUs,
          };
        });
        this.#onEvent({ kind: "decide", offsets });
        const moved = decide(previousUs, partitions);
        await this.#tasks.pause();
        for (const {
          partition,
          lag,
          offsets: { first, end },
          observedSinceUs,
        } of partitions) {
          const idle = moved.idlePartitions.includes(partition);
          this.progress.set(partition, {
            first,
            end,
            lag,
            idle,
            observedSinceUs,
            observedAtUs: Math.max(nowUs, this.progress.get(partition)?.observedAtUs ?? nowUs),
          });
        }
        await this.#finalityLock.take();
        try {
          await this.#tasks.pause();
        } finally {
          this.#finalityLock.release();
        }
        this.watermarkUs = moved.watermarkUs;
        if (moved.watermarkUs !== null)
          this.finality.push({ upToUs: moved.watermarkUs, atUs: this.#tasks.nowUs });
        this.heldBy = moved.heldBy;
        const { watermarkUs, heldBy } = moved;
        this.#onEvent({
          kind: "move",
          nowUs,
          watermarkUs,
          offsets,
          heldBy,
          idle: moved.idlePartitions.length,
        });
        return moved;
      } finally {
        this.#locks.unlock(this.#streamRow);
      }
    },
    forgetIdentities: async (_, amendmentHorizonUs) => {
      await this.#tasks.pause();
      const { watermarkUs } = this;
      if (watermarkUs === null) return;
      for (const [key, { timeUs }] of this.seen)
        if (timeUs < watermarkUs - DAY_US - amendmentHorizonUs) this.seen.delete(key);
    },
  };
}
