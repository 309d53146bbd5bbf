// Sends readings to their topics in the order of their times, at full speed or paced by event time.

import { setTimeout as sleep } from "node:timers/promises";
import type { EventProducer, OutgoingRecord } from "../lib/kafka/produce.ts";
import { keyOf, messageOf, type Reading } from "./reading.ts";

export interface SendOptions {
  readonly topics: { readonly sensor: string; readonly consumption: string };
  readonly shiftMs: number;
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
  readings: readonly Reading[],
  options: SendOptions,
): Promise<number> {
  const firstMs = readings[0]?.timeMs ?? 0;
  const startMs = performance.now();
  const dueMs = (reading: Reading) => (reading.timeMs - firstMs) / options.speed;
  let sent = 0;
  while (sent < readings.length && !options.signal.aborted) {
    const elapsedMs = performance.now() - startMs;
    let to = sent;
    while (to < readings.length && to - sent < RECORDS_PER_SEND) {
      const reading = readings[to];
      if (reading === undefined || dueMs(reading) > elapsedMs + STEP_MS) break;
      to++;
    }
    const next = readings[to];
    if (to === sent && next !== undefined) {
      // Ended early by the signal, which the loop looks at next.
      await sleep(dueMs(next) - elapsedMs, undefined, { signal: options.signal }).catch(() => undefined);
      continue;
    }
    const records: { sensor: OutgoingRecord[]; meter: OutgoingRecord[] } = { sensor: [], meter: [] };
    for (const reading of readings.slice(sent, to))
      records[reading.kind].push({ key: keyOf(reading), value: messageOf(reading, options.shiftMs) });
    if (records.sensor.length > 0) await producer.send(options.topics.sensor, records.sensor);
    if (records.meter.length > 0) await producer.send(options.topics.consumption, records.meter);
    sent = to;
    options.onSent(sent);
  }
  return sent;
}
