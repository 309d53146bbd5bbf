// The producers of a run: events of all streams at a steady rate, with clocks that are wrong. Whether a record was
// stored is for the log to say: what a broker that was killed did not confirm is not sent again.

import { Kafka, logLevel, Partitioners, type Producer } from "kafkajs";
import "../../lib/kafka/request-queue.ts";
import { pause } from "../../localstack/event-source-mapping/waiting.ts";
import type { EventGenerator, OutgoingEvent } from "./events.ts";
import { FATE_HEADER, type StreamName, streams } from "./log.ts";
import type { Random } from "./random.ts";

const TICK_MS = 250;
const DAY_MS = 86_400_000;
const perSecond: Readonly<Record<StreamName, number>> = { sensor: 160, consumption: 80, weather: 16 };

export function kafkaMessage({ key, value, fate }: OutgoingEvent, clockOffsetMs: number) {
  return {
    key,
    value,
    headers: { [FATE_HEADER]: fate },
    timestamp: String(Date.now() + clockOffsetMs),
  };
}

/** @param retries few, for whoever acts in the midst of faults and tries again himself */
export function openClient(brokers: string, clientId: string, retries = 2): Kafka {
  return new Kafka({
    brokers: [brokers],
    clientId,
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_500,
    requestTimeout: 3_000,
    retry: { retries, initialRetryTime: 100, maxRetryTime: 500 },
  });
}

export interface LoadOptions {
  readonly brokers: string;
  readonly topics: Readonly<Record<StreamName, string>>;
  readonly events: EventGenerator;
  readonly random: Random;
  readonly durationMs: number;
  readonly hasWatermark: (stream: StreamName) => boolean;
}

export interface LoadCounts {
  confirmed: number;
  unconfirmed: number;
}

async function connectProducer(brokers: string): Promise<Producer> {
  const producer = openClient(brokers, "load").producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
    metadataMaxAge: 2_000, // sees new partitions soon
  });
  await producer.connect();
  return producer;
}

/** Sends until the signal or the duration ends it. */
export async function runLoad(options: LoadOptions, counts: LoadCounts, signal: AbortSignal): Promise<void> {
  const { topics, events, random, durationMs } = options;
  const startMs = performance.now();
  let producer: Producer | null = null;
  let due = { sensor: 0, consumption: 0, weather: 0 };
  for (let tick = 1; !signal.aborted; tick++) {
    const progress = Math.min(1, (performance.now() - startMs) / durationMs);
    const clockOffsetMs = random.pick([0, 0, -DAY_MS, DAY_MS]);
    const topicMessages = streams.map((stream) => {
      const owed = due[stream] + (perSecond[stream] * TICK_MS) / 1_000;
      const count = Math.floor(owed);
      due = { ...due, [stream]: owed - count };
      const made = Array.from({ length: count }, () =>
        events.next(stream, progress, options.hasWatermark(stream)),
      );
      return { topic: topics[stream], messages: made.map((event) => kafkaMessage(event, clockOffsetMs)) };
    });
    const total = topicMessages.reduce((sum, { messages }) => sum + messages.length, 0);
    try {
      producer ??= await connectProducer(options.brokers);
      await producer.sendBatch({ topicMessages, acks: -1 });
      counts.confirmed += total;
    } catch {
      // The broker is away. A later tick connects anew.
      counts.unconfirmed += total;
      void producer?.disconnect().catch(() => undefined); // it lost its broker
      producer = null;
    }
    const waitMs = startMs + tick * TICK_MS - performance.now();
    if (waitMs < -5_000) tick = Math.floor((performance.now() - startMs) / TICK_MS);
    await pause(Math.max(waitMs, 1), signal);
  }
  await producer?.disconnect().catch(() => undefined); // the broker may be away
}
