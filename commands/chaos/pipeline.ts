// The pipeline of a run: topics, the real functions in processes of their own, the triggers, the sweeper's schedule.

import type { Audited } from "../../lib/audit/audit.ts";
import { readTopics } from "../../lib/config/kafka.ts";
import { createOn } from "../../lib/kafka/topics.ts";
import { messageOf } from "../../lib/log.ts";
import { byStream } from "../../lib/streams/stream.ts";
import { type Faults, injectFaults, noFaults } from "../../localstack/event-source-mapping/faults.ts";
import { type RunningMapping, startMapping } from "../../localstack/event-source-mapping/mapping.ts";
import { pause } from "../../localstack/event-source-mapping/waiting.ts";
import { ExecutionEnvironments, type LaboratoryError, ORPHAN_LIFE_MS } from "./execution-environments.ts";
import { openClient } from "./load.ts";
import { type StreamName, streams } from "./log.ts";
import type { Random } from "./random.ts";
import type { Broker, Database } from "./servers.ts";

export const topics = readTopics({});

const partitions = { sensor: 3, consumption: 2, weather: 1 };
const ARN = "arn:aws:kafka:local:000000000000:cluster/chaos/1";
const DAY_MS = 86_400_000;
const SWEEP_EVERY_MS = 1_000;
const TIME_OUT_MS = 8_000;
/** Tries of questions without which there is no run or no verdict. */
const PATIENCE = 20;

export interface Lateness {
  readonly delayMs: number;
  readonly idleMs: number;
}

const groupOf = (stream: string) => `chaos-${stream}`;

export class Pipeline {
  readonly aggregators: Readonly<Record<StreamName, ExecutionEnvironments>>;
  readonly sweeper: ExecutionEnvironments;
  readonly #broker: Broker;
  readonly #log: (message: string) => void;
  #faults: Faults = noFaults;
  /** When they began and ended, ms. */
  readonly #sweeps: { readonly startMs: number; endMs: number }[] = [];

  constructor(
    broker: Broker,
    database: Database,
    lateness: Lateness,
    random: Random,
    log: (message: string) => void,
    onTrouble: (trouble: LaboratoryError) => void,
  ) {
    this.#broker = broker;
    this.#log = log;
    const environment = {
      ...database.environment,
      KAFKA_BROKER: broker.proxied,
      MSK_CLUSTER_ARN: ARN,
      KAFKA_TOPIC_SENSOR_DATA: topics.sensor,
      KAFKA_TOPIC_METER_READINGS: topics.consumption,
      KAFKA_TOPIC_WEATHER: topics.weather,
      KAFKA_GROUP_SENSOR_DATA: groupOf("sensor"),
      KAFKA_GROUP_METER_READINGS: groupOf("consumption"),
      KAFKA_GROUP_WEATHER: groupOf("weather"),
      WATERMARK_DELAY_SECONDS: String(lateness.delayMs / 1_000),
      WATERMARK_IDLE_SECONDS: String(lateness.idleMs / 1_000),
    };
    const functionOf = (name: string, reservedConcurrency: number) =>
      new ExecutionEnvironments(name, {
        environment,
        reservedConcurrency,
        timeOutMs: TIME_OUT_MS,
        // Results must not depend on the functions' clocks.
        drawClockOffsetMs: () => random.pick([0, -DAY_MS, DAY_MS, 400 * DAY_MS]),
        onTrouble,
      });
    this.aggregators = {
      sensor: functionOf("aggregate-sensor", 4),
      consumption: functionOf("aggregate-consumption", 3),
      weather: functionOf("aggregate-weather", 2),
    };
    this.sweeper = functionOf("sweep-windows", 3);
  }

  async createTopics(): Promise<void> {
    const admin = openClient(this.#broker.direct, "chaos", PATIENCE).admin();
    await admin.connect();
    await createOn(
      admin,
      streams.map((stream) => ({ topic: topics[stream], numPartitions: partitions[stream] })),
    );
    await admin.disconnect();
  }

  /** One after the other, so that none is slow because of the others. @throws LaboratoryError where one cannot be started */
  async startFunctions(): Promise<void> {
    for (const one of [...Object.values(this.aggregators), this.sweeper]) await one.start();
  }

  /** Faults of the triggers from now on; null: none. */
  useTriggerFaults(
    plan: Parameters<typeof injectFaults>[0] | null,
    onFault: (message: string) => void,
  ): void {
    this.#faults = plan === null ? noFaults : injectFaults(plan, onFault);
  }

  /** What the audit has to know of it. */
  get audited(): Audited {
    return {
      source: ARN,
      topics,
      groups: byStream(groupOf),
    };
  }

  /** One instance of the trigger of each stream. */
  startTriggers(): RunningMapping[] {
    const current = () => this.#faults;
    const faults: Faults = {
      get areOn() {
        return current().areOn;
      },
      get delayMs() {
        return current().delayMs;
      },
      draw: (kind, subject) => current().draw(kind, subject),
      strikes: (kind, subject) => current().strikes(kind, subject),
    };
    return streams.map((stream) =>
      startMapping(
        {
          functionKey: this.aggregators[stream].name,
          functionName: this.aggregators[stream].name,
          eventSourceArn: ARN,
          topic: topics[stream],
          groupId: groupOf(stream),
          batchSize: 200,
          batchingWindowMs: 100,
          startingPosition: "TRIM_HORIZON",
          startingTimestampMs: null,
          failureHandling: {
            maximumRetryAttempts: -1,
            maximumRecordAgeMs: null,
            bisects: true,
            reportsItemFailures: false,
            destination: null,
          },
        },
        [this.#broker.proxied],
        (_, payload) => this.aggregators[stream].invoke(payload),
        this.#log,
        { faults, lookForPartitionsMs: 2_000 },
      ),
    );
  }

  /** One sweep; what goes wrong is for a later one to do. */
  async sweep(): Promise<void> {
    const sweep = { startMs: performance.now(), endMs: Number.POSITIVE_INFINITY };
    this.#sweeps.push(sweep);
    try {
      await this.sweeper.invoke("{}");
      sweep.endMs = performance.now();
    } catch (error) {
      // Broker or database are away, or the sweeper was killed: the schedule goes on.
      this.#log(`sweep: ${messageOf(error)}`);
      sweep.endMs = performance.now() + ORPHAN_LIFE_MS; // nobody waits for it, but it may still be at work
    }
  }

  /** When the oldest of those sweeps began that had not ended at a time; now, where there is none. */
  oldestSweepMs(sinceMs: number): number {
    const [oldest] = this.#sweeps.filter(({ endMs }) => endMs >= sinceMs);
    return oldest?.startMs ?? performance.now();
  }

  async sweepOnSchedule(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.sweep();
      await pause(SWEEP_EVERY_MS, signal);
    }
  }

  /** Committed offsets of the triggers' groups, by `stream-partition`. */
  async readCommitted(): Promise<ReadonlyMap<string, number>> {
    const admin = openClient(this.#broker.direct, "chaos", PATIENCE).admin();
    await admin.connect();
    try {
      const of = async (stream: StreamName) => {
        const [read] = await admin.fetchOffsets({ groupId: groupOf(stream), topics: [topics[stream]] });
        return (read?.partitions ?? []).map(
          (one) => [`${stream}-${one.partition}`, Number(one.offset)] as const,
        );
      };
      return new Map((await Promise.all(streams.map(of))).flat());
    } finally {
      await admin.disconnect();
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...Object.values(this.aggregators), this.sweeper].map((one) => one.stop()));
  }
}
