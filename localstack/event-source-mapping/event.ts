// The event that AWS hands to a function for Kafka records (1–3), written as JSON text straight from the records, and
// the cutting of a batch by number and size (4).

import type { Slice } from "./partial-response.ts";

/** A record as the broker has it. */
export interface SourceRecord {
  readonly offset: number;
  /** ms, −1 where there is none. */
  readonly timestampMs: number;
  readonly timestampType: "CREATE_TIME" | "LOG_APPEND_TIME";
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [name: Buffer, value: Buffer])[];
}

export type Batch = readonly Slice<SourceRecord>[];

export interface EventSource {
  readonly eventSourceArn: string | null;
  readonly bootstrapServers: string;
  readonly topic: string;
  /** true: a null key or value is `null`; else the field is missing. AWS does not say which it is (2). */
  readonly writesNulls?: boolean;
}

/** AWS's limit for the payload of an invocation, in bytes of JSON. */
export const PAYLOAD_LIMIT_BYTES = 6_291_456;

/** Header values are arrays of signed bytes; names may repeat and keep their order. */
function headersJson(headers: SourceRecord["headers"]): string {
  return headers
    .map(([name, value]) => `{${JSON.stringify(name.toString("utf8"))}:[${new Int8Array(value).join(",")}]}`)
    .join(",");
}

function bytesJson(name: "key" | "value", bytes: Buffer | null, writesNulls: boolean): string {
  if (bytes === null) return writesNulls ? `"${name}":null,` : "";
  return `"${name}":"${bytes.toString("base64")}",`;
}

/** One record as JSON. A null key or value is left out, or null; an empty one is "". */
export function recordJson(
  topicJson: string,
  partition: number,
  record: SourceRecord,
  writesNulls = false,
): string {
  return (
    `{"topic":${topicJson},"partition":${partition},"offset":${record.offset},"timestamp":${record.timestampMs},` +
    `"timestampType":"${record.timestampType}",${bytesJson("key", record.key, writesNulls)}` +
    `${bytesJson("value", record.value, writesNulls)}"headers":[${headersJson(record.headers)}]}`
  );
}

export interface CutBatch {
  readonly batch: Batch;
  readonly count: number;
  readonly payload: string;
  readonly bytes: number;
}

/**
 * Cuts the longest batch off the front of the queues that has at most `batchSize` records over all partitions and
 * keeps the payload within the limit. A first record that alone is beyond the limit is cut by itself: `bytes` tells.
 * @param queues in the order in which they are drawn from, none of them empty
 */
export function cutBatch(
  source: EventSource,
  queues: Batch,
  batchSize: number,
  limitBytes = PAYLOAD_LIMIT_BYTES,
): CutBatch {
  const topicJson = JSON.stringify(source.topic);
  const kind =
    source.eventSourceArn === null
      ? '"eventSource":"SelfManagedKafka"'
      : `"eventSource":"aws:kafka","eventSourceArn":${JSON.stringify(source.eventSourceArn)}`;
  const head = `{${kind},"bootstrapServers":${JSON.stringify(source.bootstrapServers)},"records":{`;
  const batch: Slice<SourceRecord>[] = [];
  const parts: string[] = [];
  let count = 0;
  let bytes = Buffer.byteLength(head) + 2;
  let isFull = false;
  for (const { partition, records } of queues) {
    if (isFull || count === batchSize) break;
    const name = `${batch.length > 0 ? "," : ""}${JSON.stringify(`${source.topic}-${partition}`)}:[`;
    const texts: string[] = [];
    let sliceBytes = name.length + 1;
    for (const record of records) {
      if (count === batchSize) break;
      const json = recordJson(topicJson, partition, record, source.writesNulls);
      // Only header names can be other than ASCII.
      const size =
        (record.headers.length > 0 ? Buffer.byteLength(json) : json.length) + (texts.length > 0 ? 1 : 0);
      isFull = count > 0 && bytes + sliceBytes + size > limitBytes;
      if (isFull) break;
      texts.push(json);
      sliceBytes += size;
      count++;
    }
    if (texts.length === 0) break;
    batch.push({
      partition,
      records: texts.length === records.length ? records : records.slice(0, texts.length),
    });
    parts.push(`${name}${texts.join(",")}]`);
    bytes += sliceBytes;
  }
  return { batch, count, payload: `${head}${parts.join("")}}}`, bytes };
}
