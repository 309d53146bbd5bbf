// What is read and not yet delivered of one partition. Bounded: a partition without room is not read on.

import { PAYLOAD_LIMIT_BYTES, type SourceRecord } from "./event.ts";
import type { FetchedPartition } from "./kafka-source.ts";

/** What a partition may hold in memory: a batch in flight and one to follow. */
const BUFFER_LIMIT_BYTES = 2 * PAYLOAD_LIMIT_BYTES;

/** A record's share of the memory, roughly what it takes in the payload. */
function weightOf(record: SourceRecord): number {
  const headerBytes = record.headers.reduce((sum, [name, value]) => sum + name.length + 4 * value.length, 0);
  return 200 + 1.34 * ((record.key?.length ?? 0) + (record.value?.length ?? 0)) + headerBytes;
}

export class PartitionQueue {
  readonly partition: number;
  endOffset: number;
  /** All before it is done. */
  settledOffset: number;
  committedOffset: number;
  /** Fault injection: not delivered before, ms of performance.now(). */
  heldUntilMs = 0;
  #records: readonly SourceRecord[] = [];
  #bytes = 0;
  #fetchOffset: number;
  #isAtEnd = false;
  /** One entry for each fetch that is still here: how many of its records, and when it was read. */
  #reads: { count: number; readMs: number }[] = [];

  constructor(partition: number, startOffset: number) {
    this.partition = partition;
    this.endOffset = startOffset;
    this.settledOffset = startOffset;
    this.committedOffset = startOffset;
    this.#fetchOffset = startOffset;
  }

  get records(): readonly SourceRecord[] {
    return this.#records;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The offset to read on from, or null where there is no room. */
  get wantedOffset(): number | null {
    return this.#bytes < BUFFER_LIMIT_BYTES ? this.#fetchOffset : null;
  }

  /** Whether all that could be read at the last reading has been read. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /** Where delivery is once all records of the queue before `count` are done. */
  offsetAfter(count: number): number {
    return this.#records[count]?.offset ?? this.#fetchOffset;
  }

  /** When the first record was read, ms of performance.now(). */
  get oldestReadMs(): number {
    return this.#reads[0]?.readMs ?? Number.POSITIVE_INFINITY;
  }

  add(
    fetched: FetchedPartition,
    passes: (record: SourceRecord) => boolean,
  ): { added: number; filtered: number } {
    this.endOffset = Math.max(fetched.endOffset, fetched.nextOffset);
    this.#isAtEnd = fetched.nextOffset >= fetched.readableEndOffset;
    this.#fetchOffset = fetched.nextOffset;
    const added = fetched.records.filter(passes);
    if (added.length > 0) {
      this.#reads.push({ count: added.length, readMs: performance.now() });
      for (const record of added) this.#bytes += weightOf(record);
      this.#records = this.#records.length === 0 ? added : this.#records.concat(added);
    }
    return { added: added.length, filtered: fetched.records.length - added.length };
  }

  /** Takes the first `count` records away: they are done. */
  remove(count: number): void {
    for (const record of this.#records.slice(0, count)) this.#bytes -= weightOf(record);
    this.#records = this.#records.slice(count);
    for (let left = count; left > 0; ) {
      const [first] = this.#reads;
      if (first === undefined) break;
      const taken = Math.min(left, first.count);
      first.count -= taken;
      left -= taken;
      if (first.count === 0) this.#reads.shift();
    }
  }

  /** Forgets what was read and starts again from the last commit. */
  rewind(): void {
    this.#records = [];
    this.#reads = [];
    this.#bytes = 0;
    this.#isAtEnd = false;
    this.#fetchOffset = this.committedOffset;
    this.settledOffset = this.committedOffset;
  }
}
