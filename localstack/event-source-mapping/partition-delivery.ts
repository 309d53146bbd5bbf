// One partition's way to its function: in order, one invocation at a time (7), committed after success (9), tried
// again for ever after failure (13). What waits here is bounded; a partition without room is not read on.

import { setTimeout as sleep } from "node:timers/promises";
import { cutBatch, type EventSource, PAYLOAD_LIMIT_BYTES, type SourceRecord } from "./event.ts";
import type { Invoke } from "./invoke.ts";
import type { FetchedPartition } from "./kafka-source.ts";
import { retryDelayMs } from "./retry.ts";
import type { MappingSettings } from "./settings.ts";

export interface DeliveryOptions {
  readonly settings: MappingSettings;
  readonly source: EventSource;
  readonly invoke: Invoke;
  readonly commit: (partition: number, offset: number) => Promise<void>;
  readonly onRoom: () => void;
  readonly log: (message: string) => void;
}

export interface DeliveryStatus {
  readonly partition: number;
  /** Next offset to be delivered. */
  readonly nextOffset: number;
  readonly endOffset: number;
  readonly lag: number;
  readonly inFlight: number;
  readonly delivered: number;
  readonly failures: number;
  readonly lastError: string | null;
}

/** What a partition may hold in memory: a batch in flight and one to follow. */
const BUFFER_LIMIT_BYTES = 2 * PAYLOAD_LIMIT_BYTES;

/** A record's share of the memory, roughly what it takes in the payload. */
function weightOf(record: SourceRecord): number {
  return 200 + 1.34 * ((record.key?.length ?? 0) + (record.value?.length ?? 0));
}

export class PartitionDelivery {
  readonly partition: number;
  readonly #options: DeliveryOptions;
  readonly #stopped = new AbortController();
  #queue: SourceRecord[] = [];
  #queuedBytes = 0;
  /** When the oldest record of the queue was read, ms. */
  #oldestReadMs = 0;
  #fetchOffset: number;
  #deliveredOffset: number;
  #endOffset: number;
  #inFlight = 0;
  #delivered = 0;
  #failures = 0;
  #lastError: string | null = null;
  #wake: () => void = () => undefined;
  readonly finished: Promise<void>;

  constructor(partition: number, startOffset: number, options: DeliveryOptions) {
    this.partition = partition;
    this.#options = options;
    this.#fetchOffset = startOffset;
    this.#deliveredOffset = startOffset;
    this.#endOffset = startOffset;
    this.finished = this.#run();
  }

  /** The offset to read on from, or null where there is no room. */
  get wantedOffset(): number | null {
    return this.#queuedBytes < BUFFER_LIMIT_BYTES && !this.#stopped.signal.aborted ? this.#fetchOffset : null;
  }

  get status(): DeliveryStatus {
    return {
      partition: this.partition,
      nextOffset: this.#deliveredOffset,
      endOffset: this.#endOffset,
      lag: Math.max(0, this.#endOffset - this.#deliveredOffset),
      inFlight: this.#inFlight,
      delivered: this.#delivered,
      failures: this.#failures,
      lastError: this.#lastError,
    };
  }

  take(fetched: FetchedPartition): void {
    this.#endOffset = Math.max(fetched.endOffset, fetched.nextOffset);
    this.#fetchOffset = fetched.nextOffset;
    if (fetched.records.length === 0) {
      // Only control records: nothing to deliver, so they are passed when nothing waits before them.
      if (this.#queue.length === 0 && this.#inFlight === 0) this.#deliveredOffset = fetched.nextOffset;
      return;
    }
    if (this.#queue.length === 0) this.#oldestReadMs = performance.now();
    for (const record of fetched.records) this.#queuedBytes += weightOf(record);
    this.#queue = this.#queue.length === 0 ? [...fetched.records] : this.#queue.concat(fetched.records);
    this.#wake();
  }

  /** Delivers nothing more; resolves when the running invocation has ended and been committed. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#wake();
    await this.finished;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.#untilDue();
      if (signal.aborted) return;
      const batch = cutBatch(
        this.#options.source,
        this.partition,
        this.#queue,
        this.#options.settings.batchSize,
      );
      const records = this.#queue.slice(0, batch.count);
      const last = records.at(-1);
      if (last === undefined) continue;
      this.#inFlight = records.length;
      const succeeded = await this.#invokeUntilSuccess(batch.payload, records);
      this.#inFlight = 0;
      if (!succeeded) return;
      this.#queue = this.#queue.slice(batch.count);
      for (const record of records) this.#queuedBytes -= weightOf(record);
      this.#oldestReadMs = performance.now();
      this.#delivered += records.length;
      this.#deliveredOffset = this.#queue[0]?.offset ?? this.#fetchOffset;
      this.#options.onRoom();
      await this.#commit(this.#deliveredOffset);
    }
  }

  /** Waits until the batching window is over, or the batch or the payload is full (6). */
  async #untilDue(): Promise<void> {
    const { batchSize, batchingWindowMs } = this.#options.settings;
    while (!this.#stopped.signal.aborted) {
      const isFull = this.#queue.length >= batchSize || this.#queuedBytes >= PAYLOAD_LIMIT_BYTES;
      const remainingMs = this.#oldestReadMs + batchingWindowMs - performance.now();
      if (this.#queue.length > 0 && (isFull || remainingMs <= 0)) return;
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      if (this.#queue.length === 0) await woken;
      else await this.#sleepUnless(woken, remainingMs);
    }
  }

  async #sleepUnless(woken: Promise<void>, delayMs: number): Promise<void> {
    const timer = new AbortController();
    const slept = sleep(delayMs, undefined, { signal: timer.signal }).catch(() => undefined); // ended early
    await Promise.race([woken, slept]);
    timer.abort();
  }

  async #invokeUntilSuccess(payload: string, records: readonly SourceRecord[]): Promise<boolean> {
    const { settings, invoke, log } = this.#options;
    const where = `${settings.topic}-${this.partition} offsets ${records.at(0)?.offset}–${records.at(-1)?.offset}`;
    for (let failures = 0; ; ) {
      try {
        await invoke(settings.functionName, payload);
        if (failures > 0) log(`${where}: delivered to ${settings.functionName} after ${failures} failures`);
        this.#lastError = null;
        return true;
      } catch (error) {
        // Whatever the function or its endpoint failed with, the batch stays and comes again.
        failures++;
        this.#failures++;
        this.#lastError = error instanceof Error ? error.message : String(error);
        const delayMs = retryDelayMs(failures, Math.random());
        if (failures === 1 || Math.log2(failures) % 1 === 0)
          log(`${where}: ${this.#lastError}; try ${failures + 1} in ${Math.round(delayMs)} ms`);
        await this.#sleepUnlessStopped(delayMs);
        if (this.#stopped.signal.aborted) return false;
      }
    }
  }

  async #sleepUnlessStopped(delayMs: number): Promise<void> {
    await sleep(delayMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined); // stopped meanwhile
  }

  async #commit(offset: number): Promise<void> {
    try {
      await this.#options.commit(this.partition, offset);
    } catch (error) {
      // Delivery is at least once: what was not committed comes again, perhaps to another member of the group.
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.log(
        `${this.#options.settings.topic}-${this.partition}: offset ${offset} not committed: ${reason}`,
      );
    }
  }
}
