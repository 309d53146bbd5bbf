// The demo's producers: first the history up to now, then live, second by second. What was sent last is remembered,
// so that the next start goes on there.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type EventProducer, openProducer } from "../../../lib/kafka/produce.ts";
import { messageOf } from "../../../lib/log.ts";
import type { StreamName } from "../../../lib/streams/stream.ts";
import { terminal } from "../terminal.ts";
import { type DemoEvent, meterEvents, type Span, sensorEvents, weatherEvents } from "./events.ts";

export interface DemoOptions {
  readonly folder: string;
  readonly brokers: string;
  readonly topics: Readonly<Record<StreamName, string>>;
  readonly seed: number;
  readonly backfillMs: number;
  /** Seconds between the weather events of the schedule, which the history has, too. */
  readonly weatherSeconds: number;
}

export interface Demo {
  /** Sends the weather's history. What its schedule sends must come after it, or the history would be late. */
  sendWeather(): Promise<void>;
  /** Sends the rest of the history, then goes on live. @returns how many events the history had */
  start(): Promise<number>;
  stop(): Promise<void>;
}

const BACKFILL_SENSOR_MS = 60_000;
const LIVE_SENSOR_MS = 10_000;
const LIVE_STEP_MS = 1_000;
const CHUNK_MS = 3_600_000;
const RECORDS_PER_SEND = 1_000;

async function send(producer: EventProducer, topic: string, events: Iterable<DemoEvent>): Promise<number> {
  let sent = 0;
  let records: { key: string; value: string }[] = [];
  for (const { key, value } of events) {
    records.push({ key, value });
    if (records.length < RECORDS_PER_SEND) continue;
    await producer.send(topic, records);
    sent += records.length;
    records = [];
  }
  if (records.length > 0) await producer.send(topic, records);
  return sent + records.length;
}

async function lastSentMs(file: string): Promise<number> {
  try {
    const remembered: { sentToMs: number } = JSON.parse(await readFile(file, "utf8"));
    return remembered.sentToMs;
  } catch {
    // The first start, or a file that a kill has cut off: then the whole history is sent.
    return 0;
  }
}

/** A demo that has sent nothing yet; its history ends now. */
export async function openDemo(options: DemoOptions): Promise<Demo> {
  const { topics, seed } = options;
  const file = join(options.folder, "demo.json");
  const stopped = new AbortController();
  const producer = openProducer({
    brokers: options.brokers.split(","),
    clusterArn: null,
    clientId: "demo",
    iam: false,
  });

  const toMs = Date.now();
  const history: Span = { fromMs: Math.max(await lastSentMs(file), toMs - options.backfillMs), toMs };

  async function backfill(): Promise<number> {
    let events = 0;
    for (let { fromMs } = history; fromMs < history.toMs && !stopped.signal.aborted; fromMs += CHUNK_MS) {
      const span: Span = { fromMs, toMs: Math.min(fromMs + CHUNK_MS, history.toMs) };
      events += await send(producer, topics.consumption, meterEvents(seed, span));
      events += await send(producer, topics.sensor, sensorEvents(seed, span, BACKFILL_SENSOR_MS));
      await writeFile(file, JSON.stringify({ sentToMs: span.toMs }));
    }
    return events;
  }

  async function goLive(fromMs: number): Promise<void> {
    // The weather goes on by the schedule of produce-weather.
    for (let sentMs = fromMs; !stopped.signal.aborted; ) {
      const span: Span = { fromMs: sentMs, toMs: Date.now() };
      try {
        await send(producer, topics.sensor, sensorEvents(seed, span, LIVE_SENSOR_MS));
        await send(producer, topics.consumption, meterEvents(seed, span));
        await writeFile(file, JSON.stringify({ sentToMs: span.toMs }));
        sentMs = span.toMs;
      } catch (error) {
        // The broker is away: what was not confirmed is sent again with the next step.
        terminal.say(`demo: ${messageOf(error)}; trying again`);
      }
      await sleep(LIVE_STEP_MS, undefined, { signal: stopped.signal }).catch(() => undefined); // stopped meanwhile
    }
  }

  let finished: Promise<void> = Promise.resolve();
  let weatherEventsSent = 0;
  return {
    async sendWeather() {
      const events = weatherEvents(seed, history, options.weatherSeconds * 1000);
      weatherEventsSent = await send(producer, topics.weather, events);
    },
    start() {
      const filled = backfill();
      finished = filled
        .then(() => goLive(history.toMs))
        .catch((error) => terminal.say(`demo: ${messageOf(error)}`));
      return filled.then((events) => events + weatherEventsSent);
    },
    async stop() {
      stopped.abort();
      await finished;
      await producer.close();
    },
  };
}
