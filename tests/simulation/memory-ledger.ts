// The ledger's table as PostgreSQL keeps it: its rows, who holds their locks, and which of them only their own
// transaction sees.

import type { LogBreak, UnverifiedTail } from "../../lib/core/log-identity.ts";
import { difference, type OffsetRanges, union } from "../../lib/core/ranges.ts";
import type { FoldedBatch } from "../../lib/windows/fold.ts";
import type { Observed } from "../../lib/windows/watch-log.ts";
import type { RowLocks } from "./row-locks.ts";

export interface LedgerRow {
  /** ledger.id */
  readonly id: number;
  readonly partition: number;
  readonly incarnation: number;
  applied: OffsetRanges;
  records: number;
  counted: number;
  quarantined: number;
  tooLate: number;
  duplicates: number;
  conflicts: number;
  doubtful: number;
  late: number;
  maxEventTimeUs: number | null;
  advancedAtUs: number | null;
  clusterId: string | null;
  topicId: string | null;
  leaderEpoch: number | null;
  epochSinceUs: number | null;
  brokerEnd: number | null;
  /** Changes with each observation; null before the first. */
  version: string | null;
  /** Batches that are not verified, the oldest first. */
  tails: readonly NumberedTail[];
}

export interface NumberedTail extends UnverifiedTail {
  readonly id: number;
}

const latest = (a: number | null, b: number | null) => (a === null ? b : b === null ? a : Math.max(a, b));

/** What a batch adds to its row. */
export function addBatch(entry: LedgerRow, batch: FoldedBatch, nowUs: number): void {
  entry.applied = union(entry.applied, batch.offsets);
  entry.records += batch.records;
  entry.counted += batch.counted;
  entry.quarantined += batch.refused.length;
  entry.tooLate += batch.tooLate.length;
  entry.duplicates += batch.duplicates;
  entry.conflicts += batch.conflicts.length;
  entry.doubtful += new Set(batch.doubtful.map(({ offset }) => offset)).size;
  const { maxEventTimeUs } = batch;
  if (maxEventTimeUs !== null && maxEventTimeUs > (entry.maxEventTimeUs ?? Number.NEGATIVE_INFINITY))
    entry.advancedAtUs = nowUs;
  entry.maxEventTimeUs = latest(entry.maxEventTimeUs, maxEventTimeUs);
}

const unobserved = {
  clusterId: null,
  topicId: null,
  leaderEpoch: null,
  epochSinceUs: null,
  brokerEnd: null,
  version: null,
};

let versions = 0;
const nextVersion = () => String(++versions);

/** `begin_entry`: the one after this, for the log that was seen. The caller has locked this one. */
export function entryAfter(
  entry: LedgerRow,
  observed: Observed,
  broken: LogBreak,
  nowUs: number,
): Omit<LedgerRow, "id"> {
  const { seen, brokerEnd, verifiedTail } = observed;
  const goesOn = broken.kind === "truncated";
  return {
    ...{ partition: entry.partition, incarnation: entry.incarnation + 1 },
    applied: difference(entry.applied, broken.dead),
    ...{ records: 0, counted: 0, quarantined: 0, tooLate: 0 },
    ...{ duplicates: 0, conflicts: 0, doubtful: 0, late: 0 },
    maxEventTimeUs: goesOn ? entry.maxEventTimeUs : null,
    advancedAtUs: nowUs,
    clusterId: seen.clusterId,
    topicId: seen.topicId ?? (goesOn ? entry.topicId : null),
    ...{ leaderEpoch: seen.leaderEpoch, epochSinceUs: nowUs, brokerEnd, version: nextVersion() },
    tails: entry.tails.filter(({ id }) => id > Number(verifiedTail ?? -1)),
  };
}

/** `observe_log`, of one source. The caller has locked the entry. */
export function noteObserved(entry: LedgerRow, observed: Observed, nowUs: number): void {
  const { seen, brokerEnd, verifiedTail, isComplete } = observed;
  entry.clusterId = seen.clusterId ?? entry.clusterId;
  entry.topicId = seen.topicId ?? entry.topicId;
  if (isComplete && seen.leaderEpoch !== null && seen.leaderEpoch !== entry.leaderEpoch) {
    entry.leaderEpoch = seen.leaderEpoch;
    entry.epochSinceUs = nowUs;
  }
  entry.brokerEnd = brokerEnd;
  entry.version = nextVersion();
  entry.tails = entry.tails.filter(({ id }) => id > Number(verifiedTail ?? -1));
}

export class MemoryLedger {
  readonly rows: LedgerRow[] = [];
  readonly #locks: RowLocks;
  #lastId = 0;
  readonly #uncommitted = new Set<LedgerRow>();

  constructor(locks: RowLocks) {
    this.#locks = locks;
  }

  newest(partition: number): LedgerRow | undefined {
    return this.rows
      .filter((row) => row.partition === partition && !this.#uncommitted.has(row))
      .reduce<LedgerRow | undefined>((a, b) => (a && a.incarnation > b.incarnation ? a : b), undefined);
  }

  /** INSERT … ON CONFLICT DO NOTHING: waits for whoever is inserting the same key. Returns the row if it is new. */
  async insert(partition: number, incarnation: number): Promise<LedgerRow | null> {
    for (;;) {
      const there = this.rows.find((r) => r.partition === partition && r.incarnation === incarnation);
      if (there === undefined) break;
      if (!this.#uncommitted.has(there)) return null;
      await this.#locks.released(there);
    }
    const zero = {
      records: 0,
      counted: 0,
      quarantined: 0,
      tooLate: 0,
      duplicates: 0,
      conflicts: 0,
      doubtful: 0,
      late: 0,
    };
    const none = { maxEventTimeUs: null, advancedAtUs: null, ...unobserved };
    const row: LedgerRow = {
      id: ++this.#lastId,
      partition,
      incarnation,
      applied: [],
      tails: [],
      ...zero,
      ...none,
    };
    this.rows.push(row);
    return row;
  }

  /** The newest entry, locked; one may have been added while this waited. */
  async claim(partition: number): Promise<LedgerRow> {
    for (;;) {
      const entry = this.newest(partition);
      if (entry !== undefined) {
        await this.#locks.lock(entry);
        if (this.newest(partition) === entry) return entry;
        this.#locks.unlock(entry);
        continue;
      }
      const inserted = await this.insert(partition, 0);
      if (inserted === null) continue;
      this.#uncommitted.add(inserted);
      await this.#locks.lock(inserted);
      return inserted;
    }
  }

  /** The entry after this one, unless it is there. */
  begin(after: Omit<LedgerRow, "id">): boolean {
    const isThere = this.rows.some(
      (r) => r.partition === after.partition && r.incarnation === after.incarnation,
    );
    if (!isThere) this.rows.push({ id: ++this.#lastId, ...after });
    return !isThere;
  }

  /** Ends the transaction that claimed an entry: whoever does not get to its commit, by an error or by dying, is rolled back. */
  release(entry: LedgerRow, committed: boolean): void {
    if (!committed && this.#uncommitted.has(entry)) this.rows.splice(this.rows.indexOf(entry), 1);
    this.#uncommitted.delete(entry);
    this.#locks.unlock(entry);
  }
}
