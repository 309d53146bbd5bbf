// Some partitions' way to the function: one invocation at a time for all of them, so that each stays in order (7).
// With a lane for each partition they move on alone; partitions that share a lane may share a payload (3).

import { BatchDelivery, type DeliveryContext, positionsOf } from "./batch-delivery.ts";
import { countOf } from "./bisect.ts";
import { Commits, type CommitsOptions } from "./commits.ts";
import { type Batch, cutBatch, PAYLOAD_LIMIT_BYTES } from "./event.ts";
import type { FetchedPartition } from "./kafka-source.ts";
import { LaneMember, type PartitionStatus } from "./lane-member.ts";
import type { PartitionQueue } from "./partition-queue.ts";
import { Waiting } from "./waiting.ts";

export interface LaneOptions extends Omit<DeliveryContext, "onError">, CommitsOptions {
  readonly passesFilter: (value: Buffer | null) => boolean;
  /** Commits next offsets. */
  readonly commit: (offsets: ReadonlyMap<number, number>) => Promise<void>;
  readonly onRoom: () => void;
}

export class Lane {
  readonly #options: LaneOptions;
  readonly #members = new Map<number, LaneMember>();
  readonly #stopped = new AbortController();
  readonly #waiting = new Waiting();
  readonly #commits: Commits;
  readonly #finished: Promise<void>;
  #isPaused = false;
  #lastError: string | null = null;
  #firstPartition = 0;
  #current: { readonly abort: AbortController; readonly ended: Promise<void> } | null = null;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#commits = new Commits(options);
    this.#finished = this.#run();
  }

  get statuses(): PartitionStatus[] {
    return [...this.#members.values()].map((member) => member.status(this.#lastError));
  }

  /** Offsets to read on from; a partition without room is left out. */
  get wantedOffsets(): Map<number, number> {
    const wanted = new Map<number, number>();
    for (const { queue } of this.#members.values()) {
      const offset = queue.wantedOffset;
      if (offset !== null && !this.#isPaused) wanted.set(queue.partition, offset);
    }
    return wanted;
  }

  add(partition: number, startOffset: number): void {
    this.#members.set(partition, new LaneMember(partition, startOffset, this.#options.settings.batchSize));
  }

  /** Forgets a partition; resolves when its running invocation has ended. */
  async remove(partition: number): Promise<void> {
    if ((this.#members.get(partition)?.inFlight ?? 0) > 0) await this.#interrupt();
    this.#members.delete(partition);
  }

  /** Takes what was read, unless the partition has moved since. */
  take(fetched: FetchedPartition, readFrom: number): void {
    const member = this.#members.get(fetched.partition);
    if (member === undefined || member.queue.wantedOffset !== readFrom) return;
    const { counters, passesFilter } = this.#options;
    const { added, filtered } = member.queue.add(fetched, (record) => passesFilter(record.value));
    counters.PolledEventCount += added + filtered;
    counters.FilteredOutEventCount += filtered;
    this.#waiting.wake();
  }

  /** Invokes nothing more until `resume`; resolves when the running invocation has ended and is committed. */
  async pause(): Promise<void> {
    this.#isPaused = true;
    await this.#interrupt();
  }

  resume(): void {
    this.#isPaused = false;
    this.#waiting.wake();
  }

  /** Delivers nothing more; resolves when the running invocation has ended and is committed. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#interrupt();
    this.#waiting.wake();
    await this.#finished;
  }

  async #interrupt(): Promise<void> {
    this.#current?.abort.abort();
    await this.#current?.ended;
    await this.#commits.settled;
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const batch = await this.#untilDue();
      if (batch.length === 0) continue;
      const abort = new AbortController();
      const ended = this.#deliver(batch, abort.signal);
      this.#current = { abort, ended };
      await ended;
      this.#current = null;
      this.#options.onRoom();
    }
  }

  async #deliver(queues: Batch, signal: AbortSignal): Promise<void> {
    const { settings, source, faults } = this.#options;
    const whole = cutBatch(source, queues, settings.batchSize);
    const where = positionsOf(settings.topic, whole.batch);
    const cut = faults.strikes("smallBatch", where)
      ? cutBatch(source, queues, 1 + Math.floor(faults.draw("smallBatch", `${where} size`) * whole.count))
      : whole;
    const members: LaneMember[] = [];
    for (const { partition, records } of cut.batch) {
      const member = this.#members.get(partition);
      if (member === undefined) continue;
      member.inFlight = records.length;
      members.push(member);
    }
    const rewinds = members.reduce((sum, member) => sum + member.rewinds, 0);
    const losesCommit = faults.strikes(
      "lostCommit",
      `${positionsOf(settings.topic, cut.batch)} time ${rewinds}`,
    );
    const delivery = new BatchDelivery(
      { ...this.#options, onError: (message) => this.#note(message, members) },
      signal,
    );
    await delivery.deliver(cut, (left) => {
      for (const member of members) member.settle(left);
      if (!losesCommit) this.#commits.commit(members.map(({ queue }) => queue));
    });
    await this.#commits.settled;
    for (const member of members) member.end(losesCommit);
  }

  #note(message: string | null, members: readonly LaneMember[]): void {
    this.#lastError = message;
    const { settings, log } = this.#options;
    for (const member of members) {
      if (message === null) {
        member.succeeded();
        continue;
      }
      const stuck = member.failed(message);
      if (stuck !== null) log(`${settings.topic}-${member.queue.partition} ${stuck}`);
    }
  }

  /** Waits until the batching window is over, or the batch or the payload is full (6). @returns the queues, in turns */
  async #untilDue(): Promise<Batch> {
    const { batchSize, batchingWindowMs } = this.#options.settings;
    while (!this.#stopped.signal.aborted) {
      const nowMs = performance.now();
      const idle = [...this.#members.values()].filter(({ queue }) => queue.records.length === 0);
      for (const { queue } of idle) queue.settledOffset = queue.offsetAfter(0);
      this.#commits.commit(idle.map(({ queue }) => queue));
      const queues = this.#isPaused || !this.#mayCut() ? [] : this.#inTurns(nowMs);
      const count = countOf(queues);
      const bytes = queues.reduce((sum, queue) => sum + queue.bytes, 0);
      const dueMs = Math.min(...queues.map((queue) => queue.oldestReadMs + batchingWindowMs));
      if (count > 0 && (count >= batchSize || bytes >= PAYLOAD_LIMIT_BYTES || dueMs <= nowMs)) {
        this.#firstPartition = (queues[0]?.partition ?? 0) + 1;
        return queues;
      }
      const heldUntilMs = Math.min(
        ...[...this.#members.values()].map(({ queue }) => queue.heldUntilMs).filter((held) => held > nowMs),
      );
      await this.#waiting.wokenOrAfter(Math.min(dueMs, heldUntilMs) - nowMs);
    }
    return [];
  }

  /** Under fault injection the same log is cut alike each time: a partition is read on to a full batch or to its end. */
  #mayCut(): boolean {
    const { faults, settings } = this.#options;
    if (!faults.areOn) return true;
    return [...this.#members.values()].every(
      ({ queue }) =>
        queue.records.length >= settings.batchSize || queue.isAtEnd || queue.wantedOffset === null,
    );
  }

  /** The queues that have records, beginning with another one each time, so that none waits for ever. */
  #inTurns(nowMs: number): PartitionQueue[] {
    const { faults, settings } = this.#options;
    const ready = [...this.#members.values()]
      .filter((member) => {
        const { queue } = member;
        const offset = queue.records[0]?.offset;
        if (offset === undefined) return false;
        if (
          offset !== member.withheldOffset &&
          faults.strikes("withhold", `${settings.topic}-${queue.partition} ${offset}`)
        ) {
          member.withheldOffset = offset;
          queue.heldUntilMs = nowMs + faults.delayMs;
        }
        return queue.heldUntilMs <= nowMs;
      })
      .map(({ queue }) => queue)
      .sort((a, b) => a.partition - b.partition);
    const first = ready.findIndex((queue) => queue.partition >= this.#firstPartition);
    return first <= 0 ? ready : [...ready.slice(first), ...ready.slice(0, first)];
  }
}
