// The ledger's table as PostgreSQL keeps it: its rows, who holds their locks, and which of them only their own
// transaction sees.

import { type OffsetRanges, union } from "../../lib/core/ranges.ts";
import type { FoldedBatch } from "../../lib/streams/fold.ts";
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
  late: number;
  maxEventTimeUs: number | null;
  advancedAtUs: number | null;
  maxRecordTimeMs: number | null;
}

const latest = (a: number | null, b: number | null) => (a === null ? b : b === null ? a : Math.max(a, b));

/** What a batch adds to its row. */
export function addBatch(entry: LedgerRow, batch: FoldedBatch<unknown>, nowUs: number): void {
  entry.applied = union(entry.applied, batch.offsets);
  entry.records += batch.records;
  entry.counted += batch.counted;
  entry.quarantined += batch.refused.length;
  entry.tooLate += batch.tooLate.length;
  entry.duplicates += batch.duplicates;
  entry.conflicts += batch.conflicts.length;
  const { maxEventTimeUs } = batch;
  if (maxEventTimeUs !== null && maxEventTimeUs > (entry.maxEventTimeUs ?? Number.NEGATIVE_INFINITY))
    entry.advancedAtUs = nowUs;
  entry.maxEventTimeUs = latest(entry.maxEventTimeUs, maxEventTimeUs);
  entry.maxRecordTimeMs = latest(entry.maxRecordTimeMs, batch.maxRecordTimeMs);
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
    const zero = { records: 0, counted: 0, quarantined: 0, tooLate: 0, duplicates: 0, conflicts: 0, late: 0 };
    const none = { maxEventTimeUs: null, advancedAtUs: null, maxRecordTimeMs: null };
    const row: LedgerRow = { id: ++this.#lastId, partition, incarnation, applied: [], ...zero, ...none };
    this.rows.push(row);
    return row;
  }

  /** The newest entry, locked. It is the newest of when it was looked for: one may have been added while waiting. */
  async claim(partition: number, dead: number | null): Promise<LedgerRow> {
    for (;;) {
      const entry = this.newest(partition);
      if (entry !== undefined) {
        await this.#locks.lock(entry);
        if (entry.incarnation !== dead) return entry;
        this.#locks.unlock(entry);
      }
      const inserted = await this.insert(partition, entry === undefined ? 0 : entry.incarnation + 1);
      if (inserted === null) continue;
      this.#uncommitted.add(inserted);
      await this.#locks.lock(inserted);
      return inserted;
    }
  }

  /** Ends the transaction that claimed an entry: whoever does not get to its commit, by an error or by dying, is rolled back. */
  release(entry: LedgerRow, committed: boolean): void {
    if (!committed && this.#uncommitted.has(entry)) this.rows.splice(this.rows.indexOf(entry), 1);
    this.#uncommitted.delete(entry);
    this.#locks.unlock(entry);
  }
}
