// One event source mapping as it runs: a group member that reads a topic and hands each partition to its lane.

import type { FailureSink } from "./destination.ts";
import { failureRecord, type GivenUp } from "./failure-record.ts";
import { type Faults, noFaults } from "./faults.ts";
import { compileFilter } from "./filter.ts";
import type { Invoke } from "./invoke.ts";
import { isUnreadable, reasonOf } from "./kafka-errors.ts";
import { openSource, type TopicSource } from "./kafka-source.ts";
import type { LaneOptions } from "./lane.ts";
import type { PartitionStatus } from "./lane-member.ts";
import { Lanes, lanesFor } from "./lanes.ts";
import { type Counters, noCounts } from "./metrics.ts";
import { Reminder } from "./reminder.ts";
import type { MappingSettings } from "./settings.ts";
import { pause } from "./waiting.ts";

export interface MappingStatus {
  readonly functionName: string;
  readonly topic: string;
  readonly groupId: string;
  readonly state: "Creating" | "Enabled" | "Disabled";
  readonly lastProcessingResult: string;
  readonly partitions: readonly PartitionStatus[];
}

export interface RunningMapping {
  readonly status: MappingStatus;
  /** Nothing is delivered after it resolves; the running invocations have ended. */
  stop(): Promise<void>;
}

export interface MappingExtras {
  readonly id?: string;
  readonly faults?: Faults;
  readonly sink?: FailureSink;
  readonly counters?: Counters;
  readonly writesNulls?: boolean;
  readonly readsUncommitted?: boolean;
  /** How often it looks for new partitions, ms; rule 11 has a minute. */
  readonly lookForPartitionsMs?: number;
}

const FETCH_WAIT_MS = 500;
const RETRY_MS = 1_000;
const LOOK_FOR_PARTITIONS_MS = 30_000;

class Mapping implements RunningMapping {
  readonly #settings: MappingSettings;
  readonly #brokers: readonly string[];
  readonly #invoke: Invoke;
  readonly #extras: MappingExtras;
  readonly #counters: Counters;
  readonly #say: (message: string) => void;
  readonly #stopped = new AbortController();
  readonly #lanes = new Lanes();
  readonly #passesFilter: (value: Buffer | null) => boolean;
  readonly #finished: Promise<void>;
  #isJoined = false;
  readonly #problem = new Reminder();
  #lost: Error | null = null;
  #topicId: string | null = null;
  #partitionCount = 0;
  #assignment: Promise<void> = Promise.resolve();
  #signalRoom: () => void = () => undefined;

  constructor(
    settings: MappingSettings,
    brokers: readonly string[],
    invoke: Invoke,
    log: (message: string) => void,
    extras: MappingExtras,
  ) {
    this.#settings = settings;
    this.#brokers = brokers;
    this.#invoke = invoke;
    this.#extras = extras;
    this.#counters = extras.counters ?? noCounts();
    this.#say = (message) => log(`${settings.topic} → ${settings.functionKey}: ${message}`);
    this.#passesFilter = compileFilter(settings.filterPatterns ?? []);
    this.#finished = this.#run();
  }

  get status(): MappingStatus {
    const partitions = this.#lanes.statuses;
    return {
      functionName: this.#settings.functionName,
      topic: this.#settings.topic,
      groupId: this.#settings.groupId,
      state: this.#stopped.signal.aborted ? "Disabled" : this.#isJoined ? "Enabled" : "Creating",
      lastProcessingResult: this.#lastResult(partitions),
      partitions,
    };
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#signalRoom();
    await this.#lanes.drop();
    await this.#finished;
  }

  #lastResult(partitions: readonly PartitionStatus[]): string {
    const lastError = partitions.find((one) => one.lastError !== null)?.lastError ?? this.#problem.message;
    if (lastError !== null) return `PROBLEM: ${lastError}`;
    return partitions.some((one) => one.delivered > 0) ? "OK" : "No records processed";
  }

  #report(error: unknown): void {
    const message = reasonOf(error);
    if (this.#problem.isDue(message, performance.now())) this.#say(`${message}; trying again`);
  }

  get #source() {
    return {
      eventSourceArn: this.#settings.eventSourceArn,
      bootstrapServers: this.#brokers.join(","),
      topic: this.#settings.topic,
      writesNulls: this.#extras.writesNulls ?? false,
    };
  }

  /** Who takes what is given up; nobody where it is dropped. */
  #destination(): Pick<LaneOptions, "handOver"> {
    const { functionName, groupId, failureHandling } = this.#settings;
    const { sink, id = groupId } = this.#extras;
    const destination = failureHandling?.destination ?? null;
    if (sink === undefined || destination === null) return {};
    const recordOf = (given: GivenUp) =>
      failureRecord(functionName, this.#source, given, Date.now(), destination.kind === "s3");
    return { handOver: (given) => sink.send(destination, id, recordOf(given)) };
  }

  #laneOptions(source: TopicSource): LaneOptions {
    return {
      settings: this.#settings,
      source: this.#source,
      invoke: this.#invoke,
      faults: this.#extras.faults ?? noFaults,
      counters: this.#counters,
      log: this.#say,
      ...this.#destination(),
      passesFilter: this.#passesFilter,
      commit: (offsets) => source.commit(offsets),
      onRoom: () => this.#signalRoom(),
    };
  }

  async #assign(source: TopicSource, partitions: readonly number[]): Promise<void> {
    const { topicId, partitionCount } = await source.describeTopic();
    const added = await this.#lanes.keepOnly(partitions, lanesFor(this.#settings, partitionCount));
    const knownCount = this.#partitionCount || partitionCount;
    if (added.length > 0 && !this.#stopped.signal.aborted) {
      const offsets = await source.startOffsets(added, knownCount, (partition, known, start) => {
        this.#counters.OffsetGapCount++;
        this.#say(`${this.#settings.topic}-${partition}: offset ${known} is gone, going on at ${start}`);
      });
      // LATEST is another offset each time: what fails now must not be skipped by the next start.
      if (this.#settings.startingPosition === "LATEST") await source.commit(offsets);
      // Stopped meanwhile: a lane that is made now would deliver after the stop.
      if (this.#stopped.signal.aborted) return;
      for (const partition of added)
        this.#lanes.add(partition, offsets.get(partition) ?? 0, () => this.#laneOptions(source));
    }
    this.#topicId = topicId;
    this.#partitionCount = partitionCount;
    this.#lanes.resume();
    this.#signalRoom();
  }

  async #readOn(source: TopicSource): Promise<void> {
    const wanted = this.#lanes.wantedOffsets;
    if (wanted.size === 0) {
      await new Promise<void>((resolve) => {
        this.#signalRoom = resolve;
        if (this.#stopped.signal.aborted || this.#lost !== null) resolve();
      });
      return;
    }
    try {
      this.#lanes.take(await source.fetch(wanted, FETCH_WAIT_MS), wanted);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      await this.#readEach(source, wanted);
    }
  }

  /** One partition cannot be read: it stops, with a reason; the others go on. */
  async #readEach(source: TopicSource, wanted: ReadonlyMap<number, number>): Promise<void> {
    for (const [partition, offset] of wanted) {
      const one = new Map([[partition, offset]]);
      try {
        this.#lanes.take(await source.fetch(one, 0), one);
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        const reason = `${this.#settings.topic}-${partition}: the records at offset ${offset} cannot be read: ${reasonOf(error)}`;
        this.#lanes.markUnreadable(partition, reason);
        this.#say(`${reason}; this partition stops here, the others go on`);
      }
    }
  }

  async #runOnce(): Promise<void> {
    const source = openSource({
      brokers: this.#brokers,
      ...this.#settings,
      knownTopicId: this.#topicId,
      readsUncommitted: this.#extras.readsUncommitted ?? false,
    });
    this.#lost = null;
    const closed = new AbortController();
    try {
      await source.join({
        onRevoke: () => this.#lanes.pause(),
        onAssignment: (partitions) => {
          this.#assignment = this.#assignment
            .then(() => this.#assign(source, partitions))
            .catch((error) => this.#lose(error));
        },
        onLost: (error) => this.#lose(error),
      });
      await this.#assignment;
      this.#isJoined = true;
      this.#problem.clear();
      void this.#lookForPartitions(source, closed.signal);
      while (!this.#stopped.signal.aborted && this.#lost === null) await this.#readOn(source);
      if (this.#lost !== null) throw this.#lost;
    } finally {
      this.#isJoined = false;
      closed.abort();
      await this.#assignment;
      await this.#lanes.drop();
      // A broker that is gone cannot be told that we leave.
      await source.close().catch(() => undefined);
    }
  }

  #lose(error: unknown): void {
    this.#lost = error instanceof Error ? error : new Error(String(error));
    this.#signalRoom();
  }

  /** New partitions are shared out by a rebalance, which nobody but a member asks for (11). */
  async #lookForPartitions(source: TopicSource, signal: AbortSignal): Promise<void> {
    const everyMs = this.#extras.lookForPartitionsMs ?? LOOK_FOR_PARTITIONS_MS;
    while (!signal.aborted) {
      await pause(everyMs, signal);
      if (signal.aborted) return;
      try {
        const { topicId, partitionCount } = await source.describeTopic();
        if (this.#topicId !== null && topicId !== this.#topicId)
          this.#lose(new Error("the topic was created again"));
        else if (partitionCount > this.#partitionCount) await source.rejoin();
      } catch (error) {
        // The reading itself fails as well, then, and says so.
        if (!signal.aborted) this.#lose(error);
      }
    }
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      try {
        await this.#runOnce();
      } catch (error) {
        // Broker or topic are not there, or went away: they may come (back), and the group knows where we were.
        if (!this.#stopped.signal.aborted) this.#report(error);
        await pause(RETRY_MS, this.#stopped.signal);
      }
    }
  }
}

export function startMapping(
  settings: MappingSettings,
  brokers: readonly string[],
  invoke: Invoke,
  log: (message: string) => void,
  extras: MappingExtras = {},
): RunningMapping {
  return new Mapping(settings, brokers, invoke, log, extras);
}
