// Sends readings to their topics, in the order in which they come, at full speed or paced by event time.

import { setTimeout as sleep } from "node:timers/promises";
import type { EventProducer, OutgoingRecord } from "../../lib/kafka/produce.ts";
import type { Positions } from "./positions.ts";
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

/** setTimeout takes no more. */
const LONGEST_SLEEP_MS = 2 ** 31 - 1;

interface Batch {
  readonly records: OutgoingRecord[];
  readonly lines: number[];
}

function emptyBatches(): Record<Reading["series"]["kind"], Batch> {
  return { sensor: { records: [], lines: [] }, meter: { records: [], lines: [] } };
}

/**
 * @param positions takes where each record has been stored (fewer than given where the signal ended it)
 * @throws NotStoredError
 */
export async function sendReadings(
  producer: EventProducer,
  readings: AsyncIterable<Reading>,
  positions: Positions,
  options: SendOptions,
): Promise<void> {
  const { signal } = options;
  const startMs = performance.now();
  let firstUs: number | null = null;
  let sent = 0;
  let batches = emptyBatches();

  async function store(topic: string, { records, lines }: Batch): Promise<void> {
    if (records.length === 0) return;
    positions.add(topic, await producer.send(topic, records), lines);
    sent += records.length;
  }
  async function flush(): Promise<void> {
    const { sensor, meter } = batches;
    batches = emptyBatches();
    await store(options.topics.sensor, sensor);
    await store(options.topics.consumption, meter);
    options.onSent(sent);
  }
  const dueInMs = (reading: Reading, startUs: number) =>
    (reading.timeUs - startUs) / 1000 / options.speed - (performance.now() - startMs);

  for await (const reading of readings) {
    if (signal.aborted) return;
    firstUs ??= reading.timeUs;
    if (dueInMs(reading, firstUs) > STEP_MS) await flush();
    for (let waitMs = dueInMs(reading, firstUs); waitMs > STEP_MS; waitMs = dueInMs(reading, firstUs)) {
      // Ended early by the signal, which is looked at next.
      await sleep(Math.min(waitMs, LONGEST_SLEEP_MS), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
    }
    const { records, lines } = batches[reading.series.kind];
    records.push({ key: keyOf(reading.series), value: eventOf(reading, options.shiftUs) });
    lines.push(reading.line);
    if (records.length >= RECORDS_PER_SEND) await flush();
  }
  await flush();
}
