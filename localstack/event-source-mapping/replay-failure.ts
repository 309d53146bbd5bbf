// A failed batch delivered once more (18): its records are read again from the topic, made the very event that failed,
// and the function is invoked with it.

import { countOf, splitAt } from "./bisect.ts";
import { type Batch, type CutBatch, cutBatch, PAYLOAD_LIMIT_BYTES } from "./event.ts";
import { instant } from "./failure-record.ts";
import { compileFilter } from "./filter.ts";
import { InvocationError, type Invoke } from "./invoke.ts";
import { readAnswer, type Slice } from "./partial-response.ts";
import { type ReadRange, type RecordRange, readOffsets } from "./read-offsets.ts";
import type { FailedRange, StoredFailure } from "./stored-failures.ts";

/** What the mapping of the failed function has set, as far as it decides what an event holds and an answer means. */
export interface ReplayRules {
  readonly filterPatterns: readonly string[];
  readonly reportsItemFailures: boolean;
}

interface ReplayEvent {
  readonly payload: string;
  readonly slices: readonly Slice<{ readonly offset: number }>[];
}

export interface RebuiltEvents {
  readonly events: readonly ReplayEvent[];
  readonly records: number;
  readonly from: "topic" | "payload";
  /** Offsets that the topic does not have any more, with the reason. */
  readonly gone: readonly string[];
}

/** `topic-0 5–9` */
export const rangeText = (topic: string, { partition, firstOffset, lastOffset }: RecordRange) =>
  `${topic}-${partition} ${firstOffset}–${lastOffset}`;

/** Another topic of the same name has other records at these offsets. */
function isOtherTopic(range: FailedRange, read: ReadRange): boolean {
  const [first] = read.records;
  return first?.offset === range.firstOffset && instant(first.timestampMs) !== range.firstTimestamp;
}

/** @throws Error where one record alone is beyond Lambda's limit */
function eventsOf(failure: StoredFailure, batch: Batch): CutBatch[] {
  const events: CutBatch[] = [];
  for (let left = batch; left.length > 0; ) {
    const cut = cutBatch(failure, left, failure.batchSize);
    if (cut.bytes > PAYLOAD_LIMIT_BYTES)
      throw new Error(`a payload of ${cut.bytes} bytes; Lambda takes at most ${PAYLOAD_LIMIT_BYTES}`);
    events.push(cut);
    [, left] = splitAt(left, cut.count);
  }
  return events;
}

/** The event that the S3 destination was given; nobody but we wrote it, so it has the event's shape. */
function eventOfPayload(payload: string): ReplayEvent {
  const event: { records: Record<string, { partition: number; offset: number }[]> } = JSON.parse(payload);
  const slices = Object.values(event.records).map((records) => ({
    partition: records[0]?.partition ?? 0,
    records,
  }));
  return { payload, slices };
}

/**
 * Reads the records again and builds the event; where the topic lacks some of them and the failure carries its payload,
 * that is the event.
 * @throws Error where nothing can be delivered, or other records would be than those that failed
 */
export async function rebuildEvents(
  failure: StoredFailure,
  brokers: readonly string[],
  rules: ReplayRules,
): Promise<RebuiltEvents> {
  const { topic, ranges, batchSize } = failure;
  const passesFilter = compileFilter(rules.filterPatterns);
  const read = await readOffsets(brokers, topic, ranges);
  const gone: string[] = [];
  const batch = ranges.flatMap((range, i): Slice<ReadRange["records"][number]>[] => {
    const found = read[i];
    if (found === undefined || isOtherTopic(range, found)) {
      gone.push(`${rangeText(topic, range)} (the topic was created again)`);
      return [];
    }
    gone.push(...found.gone.map((part) => `${rangeText(topic, part)} (removed from the topic)`));
    const records = found.records.filter(({ value }) => passesFilter(value));
    return records.length === 0 ? [] : [{ partition: range.partition, records }];
  });
  const count = countOf(batch);
  if (gone.length === 0 && count < batchSize)
    gone.push(
      `${batchSize - count} of ${batchSize} records (compacted, or filtered by the mapping's new filter)`,
    );
  if (count > batchSize)
    throw new Error(
      `${count} records where ${batchSize} failed: the mapping had a filter that is not known (any more)`,
    );
  if (gone.length > 0 && failure.payload !== null) {
    const event = eventOfPayload(failure.payload);
    return { events: [event], records: countOf(event.slices), from: "payload", gone };
  }
  if (count === 0) throw new Error(`nothing to replay: ${gone.join(", ")}`);
  const events = eventsOf(failure, batch).map((cut) => ({ payload: cut.payload, slices: cut.batch }));
  return { events, records: count, from: "topic", gone };
}

/** Invokes the function with one event after the other. @throws Error where it fails, or names items that failed */
export async function deliverEvents(
  failure: StoredFailure,
  { events }: RebuiltEvents,
  invoke: Invoke,
  rules: ReplayRules,
): Promise<void> {
  for (const { payload, slices } of events) {
    const body = await invoke(failure.functionName, payload);
    if (!rules.reportsItemFailures) continue;
    const answer = readAnswer(typeof body === "string" ? body : "", failure.topic, slices);
    if (answer.kind === "failure") throw new InvocationError(failure.functionName, answer.reason);
    if (answer.kind === "success") continue;
    const items = [...answer.failedFrom].map(
      ([partition, offset]) => `${failure.topic}-${partition} ${offset}`,
    );
    throw new InvocationError(failure.functionName, `it names failed items from ${items.join(", ")} on`);
  }
}
