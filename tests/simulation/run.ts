// Runs one schedule on the real fold, commit loop, watermark and sweep, with a model of broker and database, and
// returns what could be observed. After the schedule comes a calm end: everything is delivered once more, nobody
// dies, and the clock goes on until every window has passed.

import type { PartitionOffsets } from "../../lib/core/watermark.ts";
import { commitRecords } from "../../lib/store/commit.ts";
import { sweepStream } from "../../lib/store/sweep.ts";
import type { LogRecord } from "../../lib/streams/fold.ts";
import { MemoryDatabase, type ServerEvent } from "./memory-database.ts";
import {
  type Content,
  contentOf,
  digitsOf,
  type Meaning,
  patienceOf,
  rulesOf,
  type Schedule,
  streams,
} from "./schedule.ts";
import { Crash, Scheduler } from "./scheduler.ts";

export interface TopicRecord extends LogRecord {
  readonly partition: number;
  /** 0 for the first topic of that name, 1 for the one created after it was deleted, … */
  readonly topicIncarnation: number;
  readonly appendedAtUs: number;
  readonly meaning: Meaning;
}

export type TraceEvent =
  | { readonly kind: "append"; readonly record: TopicRecord }
  | { readonly kind: "ask"; readonly nowUs: number; readonly offsets: readonly PartitionOffsets[] }
  /** The function answered success for these. */
  | { readonly kind: "success"; readonly records: readonly TopicRecord[] }
  | { readonly kind: "died" }
  | (ServerEvent & { readonly topicIncarnation: number });

/** What the oracle judges. */
export interface Observed {
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
}

const START_US = Date.UTC(2026, 0, 15, 10) * 1000;
const address = { source: "simulation", topic: "t" };
const MOST_PARTITIONS = 4;

class Simulation {
  readonly #schedule: Schedule;
  readonly #scheduler: Scheduler;
  readonly #database: MemoryDatabase;
  readonly #trace: TraceEvent[] = [];
  readonly #partitions: Partition[] = [];
  readonly #unitUs: number;
  readonly #contents: Content[] = [];
  readonly #settled = new Set<string>();
  /** Woken when there may be something to read, or nothing ever again. */
  readonly #news = {};
  readonly #quiet = {};
  #topicIncarnation = 0;
  #writers = 0;
  #delivering = 0;
  #recreating = false;
  #clocksOfProducersRight = true;
  #deliveredFromStart = new Set<number>();
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
      this.#trace.push({ ...event, topicIncarnation: this.#topicIncarnation });
      if (event.kind === "commit")
        for (const { from, to } of event.offsets)
          for (let offset = from; offset < to; offset++) this.#settled.add(`${event.partition}/${offset}`);
    });
  }

  async run(): Promise<Observed> {
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

  #addPartition(): void {
    const partition = this.#partitions.push({ records: [], first: 0, end: 0 }) - 1;
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
        topicIncarnation: this.#topicIncarnation,
        offset,
        recordTimeMs: this.#clocksOfProducersRight ? Math.floor(nowUs / 1000) : 0,
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
    this.#delivering++;
    try {
      const stream = streams[this.#schedule.stream];
      const where = { ...address, partition };
      const rules = rulesOf(this.#unitUs);
      // The streams differ in their events; each goes its own way through the one function.
      if (stream.name === "sensor")
        await commitRecords(this.#database.judge, streams.sensor, where, records, rules);
      else await commitRecords(this.#database.judge, streams.consumption, where, records, rules);
      this.#trace.push({ kind: "success", records });
      this.#deliveredFromStart.add(partition);
      return true;
    } catch (error) {
      // A function that died: the batch comes again.
      if (!(error instanceof Crash)) throw error;
      this.#trace.push({ kind: "died" });
      return false;
    } finally {
      this.#delivering--;
      if (this.#delivering === 0) this.#scheduler.wake(this.#quiet);
    }
  }

  async #poll(partition: number): Promise<void> {
    const sizes = this.#schedule.batchSizes;
    let cursor = 0;
    let incarnation = this.#topicIncarnation;
    for (;;) {
      await this.#scheduler.pause(false);
      if (incarnation !== this.#topicIncarnation) {
        incarnation = this.#topicIncarnation;
        cursor = 0;
      }
      const log = this.#partitions[partition]?.records ?? [];
      const size = sizes[this.#batches++ % sizes.length] ?? 1;
      const records = log.filter((record) => record.offset >= cursor).slice(0, size);
      const last = records.at(-1);
      if (last === undefined || this.#recreating) {
        if (this.#writers === 0) return;
        await this.#scheduler.wait(this.#news);
      } else if (await this.#deliver(partition, records)) cursor = last.offset + 1;
    }
  }

  async #deliverExtra(code: number): Promise<void> {
    const [number = 0, from = 0, count = 0, patience = 0] = digitsOf(code, 4, 10, 6, 12);
    for (let i = 0; i < patience; i++) await this.#scheduler.pause(false);
    const partition = number % this.#partitions.length;
    if (this.#recreating) return;
    // LIMIT: of a topic created again, the first delivery must begin at its start (docs of the oracle).
    const begin = this.#topicIncarnation > 0 && !this.#deliveredFromStart.has(partition) ? 0 : from;
    const log = this.#partitions[partition]?.records ?? [];
    await this.#deliver(partition, log.slice(begin, begin + count + 1));
  }

  async #sweep(): Promise<void> {
    const ask = async () => {
      await this.#scheduler.pause();
      const offsets = this.#partitions.map(({ first, end }, partition) => ({ partition, first, end }));
      this.#trace.push({ kind: "ask", nowUs: this.#scheduler.nowUs, offsets });
      await this.#scheduler.pause();
      return offsets;
    };
    const swept = { stream: this.#schedule.stream, ...address };
    await sweepStream(this.#database.sweepStore, swept, ask, rulesOf(this.#unitUs));
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
      const [kind = 0, number = 0, count = 0, patience = 0] = digitsOf(code, 3, 4, 5, 20);
      for (let i = 0; i < patience; i++) await this.#scheduler.pause(false);
      const partition = number % this.#partitions.length;
      if (kind === 0) this.#expire(partition, count);
      else if (kind === 1) {
        if (this.#partitions.length < MOST_PARTITIONS) this.#addPartition();
      } else await this.#recreateTopic();
    }
    this.#stopWriting();
  }

  #expire(partition: number, count: number): void {
    const target = this.#partitions[partition];
    if (target === undefined || (this.#topicIncarnation > 0 && !this.#deliveredFromStart.has(partition)))
      return;
    const kept = target.records.slice(count);
    target.first = kept[0]?.offset ?? target.end;
    target.records = kept;
  }

  async #recreateTopic(): Promise<void> {
    this.#recreating = true;
    while (this.#delivering > 0) await this.#scheduler.wait(this.#quiet);
    // LIMIT: a topic created again is recognised by a younger replay of what the ledger holds, from the first offset
    // on, or by a sweep that sees it shorter than the ledger; one of the two must be.
    const recognisable = this.#partitions.every((_, p) => {
      const prefix = `${p}/`;
      return this.#settled.has(`${p}/0`) || ![...this.#settled].some((key) => key.startsWith(prefix));
    });
    // LIMIT: before its first watermark a stream that loses its topic waits for the next event.
    if (this.#database.watermarkUs !== null) {
      this.#settled.clear();
      this.#deliveredFromStart.clear();
      this.#topicIncarnation++;
      this.#scheduler.nowUs += this.#unitUs / 60;
      for (const partition of this.#partitions) Object.assign(partition, { records: [], first: 0, end: 0 });
      this.#clocksOfProducersRight = recognisable;
      if (!recognisable) await this.#sweepAtLast();
    }
    this.#recreating = false;
    this.#scheduler.wake(this.#news);
  }

  async #endCalmly(): Promise<void> {
    for (const [partition, { records }] of this.#partitions.entries())
      await this.#deliver(partition, records);
    for (const units of [0, 12, 1.2, 1.2]) {
      this.#scheduler.nowUs += units * this.#unitUs;
      await this.#sweep();
    }
  }
}

/** @throws what the code under test throws, but for the deaths that the schedule asked for */
export function runSchedule(schedule: Schedule): Promise<Observed> {
  return new Simulation(schedule).run();
}
