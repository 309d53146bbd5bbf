// Sends readings to their topics, in the order in which they come, at full speed or paced by event time.

import { setTimeout as sleep } from "node:timers/promises";
import type { EventProducer, OutgoingRecord } from "../lib/kafka/produce.ts";
import { eventOf, keyOf, type Reading } from "./reading.ts";

export interface SendOptions {
  readonly topics: { readonly sensor: string; readonly consumption: string };
  readonly shiftUs: number;
  /** Seconds of event time per second, or Infinity. */
  readonly speed: number;
  readonly signal: AbortSignal;
  readonly onSent: (total: number) => void;
}

const RECORDS_PER_SEND = 2_000;
/** Paced readings that are due within this are sent together. */
const STEP_MS = 100;

/** @returns how many were sent (fewer than given where the signal ended it) @throws NotStoredError */
export async function sendReadings(
  producer: EventProducer,
  readings: AsyncIterable<Reading>,
  options: SendOptions,
): Promise<number> {
  const { signal } = options;
  const startMs = performance.now();
  let firstUs: number | null = null;
  let sent = 0;
  let records: { sensor: OutgoingRecord[]; meter: OutgoingRecord[] } = { sensor: [], meter: [] };

  async function flush(): Promise<void> {
    const { sensor, meter } = records;
    if (sensor.length > 0) await producer.send(options.topics.sensor, sensor);
    if (meter.length > 0) await producer.send(options.topics.consumption, meter);
    sent += sensor.length + meter.length;
    records = { sensor: [], meter: [] };
    options.onSent(sent);
  }

  for await (const reading of readings) {
    if (signal.aborted) return sent;
    firstUs ??= reading.timeUs;
    const dueInMs = (reading.timeUs - firstUs) / 1000 / options.speed - (performance.now() - startMs);
    if (dueInMs > STEP_MS) {
      await flush();
      // Ended early by the signal, which is looked at next.
      await sleep(dueInMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return sent;
    }
    records[reading.series.kind].push({
      key: keyOf(reading.series),
      value: eventOf(reading, options.shiftUs),
    });
    if (records.sensor.length + records.meter.length >= RECORDS_PER_SEND) await flush();
  }
  await flush();
  return sent;
}
