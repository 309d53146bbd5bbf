// The committed records in the answer to a fetch of one partition. Pure.

import type { Consumer } from "@platformatic/kafka";
import type { LogRecord } from "../core/log-record.ts";

/** Attributes of a record batch (Kafka's message format 2). */
const APPEND_TIME = 0b1000;
const TRANSACTIONAL = 0b1_0000;
const CONTROL_BATCH = 0b10_0000;

export type Fetched = Awaited<ReturnType<Consumer["fetch"]>>["responses"][number]["partitions"][number];

/**
 * The committed records, and the offset after all that was looked at. The client leaves aborted records out by itself,
 * but only those of a producer's last aborted transaction, and only where its marker has been fetched as well.
 */
export function committedRecords(fetched: Fetched): { records: LogRecord[]; next: number } {
  const records: LogRecord[] = [];
  const aborting = new Set<bigint>();
  const aborted = [...(fetched.abortedTransactions ?? [])].sort((a, b) =>
    Number(a.firstOffset - b.firstOffset),
  );
  let next = 0;
  for (const batch of fetched.records ?? []) {
    const first = Number(batch.firstOffset);
    next = first + batch.lastOffsetDelta + 1;
    for (; aborted[0] !== undefined && Number(aborted[0].firstOffset) < next; aborted.shift())
      aborting.add(aborted[0].producerId);
    if ((batch.attributes & CONTROL_BATCH) !== 0) {
      aborting.delete(batch.producerId); // the marker that ends a transaction
      continue;
    }
    if ((batch.attributes & TRANSACTIONAL) !== 0 && aborting.has(batch.producerId)) continue;
    for (const record of batch.records)
      records.push({
        offset: first + record.offsetDelta,
        recordTimeMs:
          (batch.attributes & APPEND_TIME) !== 0
            ? Number(batch.maxTimestamp)
            : Number(batch.firstTimestamp + record.timestampDelta),
        value: record.value,
      });
  }
  return { records, next };
}
