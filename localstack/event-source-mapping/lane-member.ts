// A partition in its lane: its queue, and how the delivery of its records goes.

import type { Batch } from "./event.ts";
import { PartitionQueue } from "./partition-queue.ts";

export interface PartitionStatus {
  readonly partition: number;
  /** Next offset to be delivered. */
  readonly nextOffset: number;
  readonly endOffset: number;
  readonly lag: number;
  readonly inFlight: number;
  readonly delivered: number;
  readonly failures: number;
  /** Of the batch that is in flight: how often it has failed, and since when (ISO 8601). */
  readonly failuresInRow: number;
  readonly failingSince: string | null;
  readonly lastError: string | null;
}

/** A batch that has failed so often in a row is said to be stuck: by then it has been tried for some seconds. */
const STUCK_AFTER_FAILURES = 6;

export class LaneMember {
  readonly queue: PartitionQueue;
  /** Records of the running invocation. */
  inFlight = 0;
  /** Fault injection: how often its commit was lost, and the offset that was held back last. */
  rewinds = 0;
  withheldOffset = -1;
  #delivered = 0;
  #failures = 0;
  #failuresInRow = 0;
  #failingSinceMs = 0;

  constructor(partition: number, startOffset: number, batchSize: number) {
    this.queue = new PartitionQueue(partition, startOffset, batchSize);
  }

  status(lastError: string | null): PartitionStatus {
    const { partition, settledOffset, endOffset } = this.queue;
    return {
      partition,
      nextOffset: settledOffset,
      endOffset,
      lag: Math.max(0, endOffset - settledOffset),
      inFlight: this.inFlight,
      delivered: this.#delivered,
      failures: this.#failures,
      failuresInRow: this.#failuresInRow,
      failingSince: this.#failuresInRow === 0 ? null : this.#failingSince,
      lastError,
    };
  }

  get #failingSince(): string {
    return new Date(this.#failingSinceMs).toISOString();
  }

  succeeded(): void {
    this.#failuresInRow = 0;
  }

  /** @returns what there is to say where it is stuck from this failure on, else null */
  failed(reason: string): string | null {
    if (this.#failuresInRow === 0) this.#failingSinceMs = Date.now();
    this.#failures++;
    this.#failuresInRow++;
    if (this.#failuresInRow !== STUCK_AFTER_FAILURES) return null;
    return (
      `is stuck at offset ${this.queue.settledOffset} since ${this.#failingSince}: ` +
      `${this.#failuresInRow} failures in a row, the last: ${reason}`
    );
  }

  /** @param left what of the delivery's first `inFlight` records, and of others' records, is not done */
  settle(left: readonly Batch[]): void {
    const { queue } = this;
    const offsets = left.flatMap((batch) =>
      batch
        .filter((slice) => slice.partition === queue.partition)
        .map((slice) => slice.records[0]?.offset ?? 0),
    );
    queue.settledOffset = offsets.length === 0 ? queue.offsetAfter(this.inFlight) : Math.min(...offsets);
  }

  /** The delivery has ended: what is done leaves the queue; where its commit was lost, it starts again from the last. */
  end(losesCommit: boolean): void {
    const { queue } = this;
    const done = queue.records
      .slice(0, this.inFlight)
      .filter((record) => record.offset < queue.settledOffset).length;
    queue.remove(done);
    this.#delivered += done;
    this.inFlight = 0;
    if (losesCommit) {
      this.rewinds++;
      queue.rewind();
    }
  }
}
