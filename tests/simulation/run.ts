// Runs one schedule on the real fold, commit loop, watermark and sweep, with a model of broker and database, and
// returns what could be observed. After the schedule comes a calm end: everything is delivered once more, nobody
// dies, and the clock goes on until every window has passed.

import type { SeenEpochs, Tail } from "../../lib/core/log-identity.ts";
import type { LogRecord } from "../../lib/core/log-record.ts";
import { holds, type OffsetRanges } from "../../lib/core/ranges.ts";
import type { PartitionOffsets } from "../../lib/core/watermark.ts";
import { streams } from "../../lib/streams/streams.ts";
import { commitRecords, type Judge } from "../../lib/windows/commit.ts";
import { type SweepStore, sweepStream } from "../../lib/windows/sweep.ts";
import type { Observed, TopicLog } from "../../lib/windows/watch-log.ts";
import { MemoryDatabase, type ServerEvent } from "./memory-database.ts";
import {
  type Content,
  contentOf,
  digitsOf,
  type Meaning,
  patienceOf,
  rulesOf,
  type Schedule,
} from "./schedule.ts";
import { Crash, Scheduler } from "./scheduler.ts";

export interface TopicRecord extends LogRecord {
  readonly partition: number;
  /** 0 in the partition's first log, another number after each time that the topic was created again or the log cut. */
  readonly branch: number;
  readonly appendedAtUs: number;
  readonly meaning: Meaning;
}

export type TraceEvent =
  | { readonly kind: "append"; readonly record: TopicRecord }
  | { readonly kind: "ask"; readonly nowUs: number; readonly offsets: readonly PartitionOffsets[] }
  /** The function answered success for these. */
  | { readonly kind: "success"; readonly records: readonly TopicRecord[] }
  | { readonly kind: "died" }
  | (Extract<ServerEvent, { kind: "commit" }> & { readonly records: readonly TopicRecord[] })
  | Exclude<ServerEvent, { kind: "commit" }>;

/** What the oracle judges. */
export interface Outcome {
  readonly schedule: Schedule;
  readonly trace: readonly TraceEvent[];
  readonly database: MemoryDatabase;
  /** Records that neither retention nor deletion of the topic has taken. */
  readonly onBroker: readonly TopicRecord[];
}

interface Partition {
  records: TopicRecord[];
  first: number;
  end: number;
  branch: number;
  /** The newest last. */
  epochs: { readonly epoch: number; readonly start: number }[];
  /** No sweep has seen the log since it broke. */
  isUnseen: boolean;
}

const START_US = Date.UTC(2026, 0, 15, 10) * 1000;
const address = { source: "simulation", topic: "t" };
const MOST_PARTITIONS = 4;
/** Others may be in the way of one, not of so many in a row. */
const MOST_SWEEPS = 8;

class Simulation {
  readonly #schedule: Schedule;
  readonly #scheduler: Scheduler;
  readonly #database: MemoryDatabase;
  readonly #trace: TraceEvent[] = [];
  readonly #partitions: Partition[] = [];
  readonly #unitUs: number;
  readonly #contents: Content[] = [];
  /** What was delivered, by the tail that its commits name. */
  readonly #deliveries = new WeakMap<Tail, readonly TopicRecord[]>();
  /** Woken when there may be something to read, or nothing ever again. */
  readonly #news = {};
  #topic = 0;
  #branches = 0;
  readonly #inFlight = new Set<readonly TopicRecord[]>();
  readonly #settled = new Set<TopicRecord>();
  /** Woken when a delivery has ended. */
  readonly #ended = {};
  #writers = 0;
  #batches = 0;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
    this.#unitUs = streams[schedule.stream].windowUs / 5;
    const u = this.#unitUs;
    const ticksUs = Array.from(
      { length: 32 },
      (_, i) => [u / 60, u / 6, u / 3, 1.3 * u, 2.5 * u][i - 27] ?? 0,
    );
    this.#scheduler = new Scheduler(START_US, schedule.choices, ticksUs);
    this.#database = new MemoryDatabase(this.#scheduler, (event) => {
      if (event.kind !== "commit") return void this.#trace.push(event);
      const isNew = ({ offset }: TopicRecord) => holds(event.offsets, offset);
      const records = (this.#deliveries.get(event.tail) ?? []).filter(isNew);
      for (const record of records) this.#settled.add(record);
      this.#trace.push({ ...event, records });
    });
  }

  async run(): Promise<Outcome> {
    const { partitions, extraDeliveries, sweeps } = this.#schedule;
    for (let p = 0; p < partitions; p++) this.#addPartition();
    this.#writers = 2;
    this.#scheduler.spawn(() => this.#produce());
    for (const count of sweeps) this.#scheduler.spawn(() => this.#sweepTimes(count));
    for (const code of extraDeliveries) this.#scheduler.spawn(() => this.#deliverExtra(code));
    this.#scheduler.spawn(() => this.#operate());
    await this.#scheduler.run();
    this.#scheduler.calm();
    this.#scheduler.spawn(() => this.#endCalmly());
    await this.#scheduler.run();
    const onBroker = this.#partitions.flatMap((p) => p.records);
    return { schedule: this.#schedule, trace: this.#trace, database: this.#database, onBroker };
  }

  #emptyLog(): Partition {
    return {
      records: [],
      first: 0,
      end: 0,
      branch: ++this.#branches,
      epochs: [{ epoch: 0, start: 0 }],
      isUnseen: true,
    };
  }

  #addPartition(): void {
    const partition = this.#partitions.push({ ...this.#emptyLog(), branch: 0 }) - 1;
    this.#scheduler.spawn(() => this.#poll(partition));
  }

  async #produce(): Promise<void> {
    for (const [serial, code] of this.#schedule.appends.entries()) {
      for (let i = 0; i <= patienceOf(code); i++) await this.#scheduler.pause(false);
      const { nowUs } = this.#scheduler;
      const { partition, gap, content } = contentOf(
        this.#schedule.stream,
        code,
        serial,
        nowUs,
        this.#contents,
      );
      this.#contents.push(content);
      const number = partition % this.#partitions.length;
      const target = this.#partitions[number];
      if (target === undefined) continue;
      // LIMIT: a hole that no delivery spans would hold the watermark for ever; the calm end spans all but a first.
      const offset = target.records.length > 0 ? target.end + gap : target.end;
      const record = {
        ...content,
        partition: number,
        branch: target.branch,
        offset,
        recordTimeMs: serial,
        appendedAtUs: nowUs,
      };
      target.records.push(record);
      target.end = offset + 1;
      this.#trace.push({ kind: "append", record });
      this.#scheduler.wake(this.#news);
    }
    this.#stopWriting();
  }

  #stopWriting(): void {
    this.#writers--;
    this.#scheduler.wake(this.#news);
  }

  /** An invocation of the function. @returns whether the poller got to know that it succeeded */
  async #deliver(partition: number, records: readonly TopicRecord[]): Promise<boolean> {
    if (records.length === 0) return true;
    const judge: Judge = (of, where, rules, tail, batch) => {
      this.#deliveries.set(tail, records);
      return this.#database.judge(of, where, rules, tail, batch);
    };
    this.#inFlight.add(records);
    try {
      const stream = streams[this.#schedule.stream];
      const where = { ...address, partition };
      const rules = rulesOf(this.#unitUs);
      await commitRecords(judge, stream, where, records, rules);
      this.#trace.push({ kind: "success", records });
      return true;
    } catch (error) {
      // A function that died: the batch comes again.
      if (!(error instanceof Crash)) throw error;
      this.#trace.push({ kind: "died" });
      return false;
    } finally {
      this.#inFlight.delete(records);
      this.#scheduler.wake(this.#ended);
    }
  }

  async #poll(partition: number): Promise<void> {
    const sizes = this.#schedule.batchSizes;
    let cursor = 0;
    let topic = this.#topic;
    for (;;) {
      await this.#scheduler.pause(false);
      if (topic !== this.#topic) {
        topic = this.#topic;
        cursor = 0;
      }
      const { records: log = [], end = 0 } = this.#partitions[partition] ?? {};
      if (cursor > end) cursor = 0; // out of range: from the start again
      const size = sizes[this.#batches++ % sizes.length] ?? 1;
      const records = log.filter((record) => record.offset >= cursor).slice(0, size);
      const last = records.at(-1);
      if (last === undefined) {
        if (this.#writers === 0) return;
        await this.#scheduler.wait(this.#news);
      } else if (await this.#deliver(partition, records)) cursor = last.offset + 1;
    }
  }

  async #deliverExtra(code: number): Promise<void> {
    const [number = 0, from = 0, count = 0, patience = 0] = digitsOf(code, 4, 10, 6, 12);
    for (let i = 0; i < patience; i++) await this.#scheduler.pause(false);
    const partition = number % this.#partitions.length;
    const log = this.#partitions[partition]?.records ?? [];
    await this.#deliver(partition, log.slice(from, from + count + 1));
  }

  readonly #log: TopicLog = {
    offsets: async () => {
      await this.#scheduler.pause();
      const offsets = this.#partitions.map(({ first, end }, partition) => ({ partition, first, end }));
      this.#trace.push({ kind: "ask", nowUs: this.#scheduler.nowUs, offsets });
      await this.#scheduler.pause();
      return offsets;
    },
    see: async (entryEpochs) => {
      const seen = this.#partitions.map(({ epochs, end }, partition): [number, SeenEpochs] => {
        const leaderEpoch = epochs.at(-1)?.epoch ?? 0;
        const asked = entryEpochs.get(partition);
        const after = epochs.find(({ epoch }) => asked !== undefined && epoch > asked);
        const entryEpochEnd =
          asked === undefined ? null : asked > leaderEpoch ? "unknown" : (after?.start ?? end);
        return [partition, { leaderEpoch, logEnd: end, entryEpochEnd }];
      });
      const topicId = `topic ${this.#topic}`;
      await this.#scheduler.pause();
      return { clusterId: "cluster", topicId, partitions: new Map(seen) };
    },
    epochStarts: async (partition) => {
      await this.#scheduler.pause();
      return (this.#partitions[partition]?.epochs ?? []).map(({ start }) => start).reverse();
    },
    isCompacted: async () => false,
    read: (partition, ranges) => this.#read(partition, ranges),
  };

  async *#read(partition: number, ranges: OffsetRanges) {
    await this.#scheduler.pause();
    yield (this.#partitions[partition]?.records ?? []).filter(({ offset }) => holds(ranges, offset));
  }

  async #sweep(): Promise<void> {
    const swept = { stream: this.#schedule.stream, ...address };
    const before = this.#partitions.map((one) => ({
      one,
      epochs: one.epochs,
      topic: this.#topic,
      isWhole: !this.#hasStragglers(one),
    }));
    const written: Observed[] = [];
    const store: SweepStore = {
      ...this.#database.sweepStore,
      recordLogs: async (of, observed) => {
        const found = await this.#database.sweepStore.recordLogs(of, observed);
        written.push(...observed.filter((one) => this.#database.hasWritten(one)));
        return found;
      },
    };
    await sweepStream(store, swept, this.#log, rulesOf(this.#unitUs));
    // It was the log of the sweep's beginning, and no other sweep was in the way of writing it down.
    for (const { entry } of written) {
      const { one, epochs, topic, isWhole } = before[entry.partition] ?? {};
      const isSame = one?.epochs === epochs && topic === this.#topic;
      if (one !== undefined && isSame && isWhole === true) one.isUnseen = false;
    }
  }

  async #sweepTimes(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      await this.#scheduler.pause(false);
      try {
        await this.#sweep();
      } catch (error) {
        // A sweeper that died: the next one goes on.
        if (!(error instanceof Crash)) throw error;
      }
    }
  }

  async #sweepAtLast(): Promise<void> {
    for (;;) {
      try {
        return await this.#sweep();
      } catch (error) {
        // A sweeper that died: another one is sent.
        if (!(error instanceof Crash)) throw error;
      }
    }
  }

  async #operate(): Promise<void> {
    for (const code of this.#schedule.operations) {
      const [kind = 0, number = 0, count = 0, patience = 0] = digitsOf(code, 4, 4, 5, 20);
      for (let i = 0; i < patience; i++) await this.#scheduler.pause(false);
      const partition = number % this.#partitions.length;
      if (kind === 0) this.#expire(partition, count);
      else if (kind === 1) {
        if (this.#partitions.length < MOST_PARTITIONS) this.#addPartition();
      } else if (kind === 2) await this.#recreateTopic();
      else await this.#cut(partition, count);
    }
    this.#stopWriting();
  }

  #expire(partition: number, count: number): void {
    const target = this.#partitions[partition];
    if (target === undefined) return;
    const kept = target.records.slice(count);
    target.first = kept[0]?.offset ?? target.end;
    target.records = kept;
  }

  /** Whether a batch is under way that was read before the log broke. */
  #hasStragglers(partition: Partition): boolean {
    const number = this.#partitions.indexOf(partition);
    const isGone = (record: TopicRecord) =>
      record.partition === number && !partition.records.includes(record);
    return [...this.#inFlight].some((records) => records.some(isGone));
  }

  /** LIMIT: of two breaks that no sweep has come between, a batch across both does not say which one it was before. */
  async #untilSeen(partitions: readonly Partition[]): Promise<void> {
    for (let i = 0; i < MOST_SWEEPS && partitions.some(({ isUnseen }) => isUnseen); i++) {
      while (partitions.some((one) => this.#hasStragglers(one))) await this.#scheduler.wait(this.#ended);
      await this.#sweepAtLast();
    }
  }

  /** LIMIT: of a log that is no more, a record is not delivered a second time once a sweep has seen that. */
  async #untilOnceOnly(gone: () => readonly TopicRecord[]): Promise<void> {
    const flights = (record: TopicRecord) => [...this.#inFlight].filter((of) => of.includes(record)).length;
    const isTwice = (record: TopicRecord) => flights(record) > (this.#settled.has(record) ? 0 : 1);
    while (gone().some(isTwice)) await this.#scheduler.wait(this.#ended);
  }

  async #recreateTopic(): Promise<void> {
    await this.#untilSeen(this.#partitions);
    await this.#untilOnceOnly(() => this.#partitions.flatMap(({ records }) => records));
    // LIMIT: before its first watermark a stream that loses its topic waits for the next event.
    if (this.#database.watermarkUs === null) return;
    this.#topic++;
    for (const partition of this.#partitions) Object.assign(partition, this.#emptyLog());
    this.#scheduler.wake(this.#news);
  }

  /** The broker dies, loses the last records of a partition (or none), and leads it again. */
  async #cut(number: number, count: number): Promise<void> {
    const target = this.#partitions[number];
    if (target === undefined) return;
    await this.#untilSeen([target]);
    await this.#untilOnceOnly(() => target.records.slice(Math.max(0, target.records.length - count)));
    const kept = target.records.slice(0, Math.max(0, target.records.length - count));
    const end =
      count === 0 ? target.end : Math.max(target.first, (kept.at(-1)?.offset ?? target.first - 1) + 1);
    const epoch = (target.epochs.at(-1)?.epoch ?? 0) + 1;
    const epochs = [...target.epochs.filter(({ start }) => start < end), { epoch, start: end }];
    const branch = end < target.end ? ++this.#branches : target.branch;
    Object.assign(target, { records: kept, end, epochs, branch, isUnseen: true });
    this.#scheduler.wake(this.#news);
  }

  async #endCalmly(): Promise<void> {
    // What was taken for a repetition before a sweep saw that the log had broken is delivered again after it.
    for (let round = 0; round < 2; round++) {
      await this.#sweep();
      for (const [partition, { records }] of this.#partitions.entries())
        await this.#deliver(partition, records);
    }
    for (const units of [0, 12, 1.2, 1.2]) {
      this.#scheduler.nowUs += units * this.#unitUs;
      await this.#sweep();
    }
  }
}

/** @throws what the code under test throws, but for the deaths that the schedule asked for */
export function runSchedule(schedule: Schedule): Promise<Outcome> {
  return new Simulation(schedule).run();
}
