// What is read and not yet delivered of one partition. Bounded: a partition without room is not read on.

import { PAYLOAD_LIMIT_BYTES, type SourceRecord } from "./event.ts";
import type { FetchedPartition } from "./kafka-source.ts";

/** What the records of one fetch that are still here have in common. */
interface Read {
  count: number;
  readonly recordBytes: number;
  /** ms of performance.now(). */
  readonly readMs: number;
}

/** About what a record takes in the payload: base64 adds a third, the other fields about so much. */
const payloadBytes = (bytes: number) => 180 + (4 / 3) * bytes;

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
  readonly #batchSize: number;
  #isAtEnd = false;
  #reads: Read[] = [];

  constructor(partition: number, startOffset: number, batchSize: number) {
    this.partition = partition;
    this.#batchSize = batchSize;
    this.endOffset = startOffset;
    this.settledOffset = startOffset;
    this.committedOffset = startOffset;
    this.#fetchOffset = startOffset;
  }

  get records(): readonly SourceRecord[] {
    return this.#records;
  }

  /** About what the records take as a payload. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The offset to read on from, or null where there is no room: a batch in flight and one to follow are enough. */
  get wantedOffset(): number | null {
    const hasRoom = this.#records.length < 2 * this.#batchSize && this.#bytes < 2 * PAYLOAD_LIMIT_BYTES;
    return hasRoom ? this.#fetchOffset : null;
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
      const recordBytes = payloadBytes(fetched.bytes / fetched.records.length);
      this.#reads.push({ count: added.length, recordBytes, readMs: performance.now() });
      this.#bytes += added.length * recordBytes;
      this.#records = this.#records.length === 0 ? added : this.#records.concat(added);
    }
    return { added: added.length, filtered: fetched.records.length - added.length };
  }

  /** Takes the first `count` records away: they are done. */
  remove(count: number): void {
    this.#records = this.#records.slice(count);
    for (let left = count; left > 0; ) {
      const [first] = this.#reads;
      if (first === undefined) break;
      const taken = Math.min(left, first.count);
      first.count -= taken;
      this.#bytes -= taken * first.recordBytes;
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
