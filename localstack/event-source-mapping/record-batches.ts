// Record batches as the Kafka client decodes them, made the records of an event (21, 22).

import type { RecordsBatch } from "@platformatic/kafka";
import type { SourceRecord } from "./event.ts";
import type { AbortedTransaction } from "./fetch.ts";

const APPEND_TIME = 0b1000;
const TRANSACTIONAL = 0b1_0000;
const CONTROL_BATCH = 0b10_0000;

/** Records from `fromOffset` on, without control records and without those of aborted transactions (21). */
export function recordsOf(
  batches: readonly RecordsBatch[],
  aborted: readonly AbortedTransaction[],
  fromOffset: number,
): { records: SourceRecord[]; nextOffset: number } {
  const records: SourceRecord[] = [];
  const abortedProducers = new Set<bigint>();
  const pending = [...aborted].sort((a, b) => Number(a.firstOffset - b.firstOffset));
  let nextOffset = fromOffset;
  for (const batch of batches) {
    const firstOffset = Number(batch.firstOffset);
    nextOffset = Math.max(nextOffset, firstOffset + batch.lastOffsetDelta + 1);
    while (
      pending[0] !== undefined &&
      Number(pending[0].firstOffset) <= firstOffset + batch.lastOffsetDelta
    ) {
      abortedProducers.add(pending[0].producerId);
      pending.shift();
    }
    if ((batch.attributes & CONTROL_BATCH) !== 0) {
      // A marker ends its producer's transaction, aborted or committed.
      abortedProducers.delete(batch.producerId);
      continue;
    }
    const transactional = (batch.attributes & TRANSACTIONAL) !== 0;
    if (transactional && abortedProducers.has(batch.producerId)) continue;
    const appendTime = (batch.attributes & APPEND_TIME) !== 0;
    const firstTimestamp = Number(batch.firstTimestamp);
    for (const record of batch.records) {
      const offset = firstOffset + record.offsetDelta;
      if (offset < fromOffset) continue;
      records.push({
        offset,
        timestampMs: appendTime ? Number(batch.maxTimestamp) : firstTimestamp + Number(record.timestampDelta),
        timestampType: appendTime ? "LOG_APPEND_TIME" : "CREATE_TIME",
        key: record.key,
        value: record.value,
        headers: record.headers.map(([name, value]) => [name ?? Buffer.alloc(0), value ?? Buffer.alloc(0)]),
      });
    }
  }
  return { records, nextOffset };
}
