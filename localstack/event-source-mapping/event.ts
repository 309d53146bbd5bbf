// The event that AWS hands to a function for Kafka records (1, 2), written as JSON text straight from the records,
// and the cutting of a batch by number and size (4).

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

export interface EventSource {
  readonly eventSourceArn: string | null;
  readonly bootstrapServers: string;
  readonly topic: string;
}

/** AWS's limit for the payload of an invocation, in bytes of JSON. */
export const PAYLOAD_LIMIT_BYTES = 6_291_456;

/** Header values are arrays of signed bytes; names may repeat and keep their order. */
function headersJson(headers: SourceRecord["headers"]): string {
  return headers
    .map(([name, value]) => `{${JSON.stringify(name.toString("utf8"))}:[${new Int8Array(value).join(",")}]}`)
    .join(",");
}

/** One record as JSON. A null key or value is left out; an empty one is "". */
export function recordJson(topicJson: string, partition: number, record: SourceRecord): string {
  const key = record.key === null ? "" : `"key":"${record.key.toString("base64")}",`;
  const value = record.value === null ? "" : `"value":"${record.value.toString("base64")}",`;
  return (
    `{"topic":${topicJson},"partition":${partition},"offset":${record.offset},"timestamp":${record.timestampMs},` +
    `"timestampType":"${record.timestampType}",${key}${value}"headers":[${headersJson(record.headers)}]}`
  );
}

export interface CutBatch {
  /** How many records of the queue's front are in it. */
  readonly count: number;
  readonly payload: string;
  readonly bytes: number;
}

/**
 * Cuts the longest batch off the front of a partition's queue that has at most `batchSize` records and keeps the
 * payload within the limit. A first record that alone is beyond the limit is cut by itself: `bytes` tells.
 */
export function cutBatch(
  source: EventSource,
  partition: number,
  queue: readonly SourceRecord[],
  batchSize: number,
): CutBatch {
  const topicJson = JSON.stringify(source.topic);
  const kind =
    source.eventSourceArn === null
      ? '"eventSource":"SelfManagedKafka"'
      : `"eventSource":"aws:kafka","eventSourceArn":${JSON.stringify(source.eventSourceArn)}`;
  const head = `{${kind},"bootstrapServers":${JSON.stringify(source.bootstrapServers)},"records":{${JSON.stringify(`${source.topic}-${partition}`)}:[`;
  const tail = "]}}";
  const parts: string[] = [];
  let bytes = Buffer.byteLength(head) + tail.length;
  for (const record of queue) {
    if (parts.length === batchSize) break;
    const json = recordJson(topicJson, partition, record);
    // Only header names can be other than ASCII.
    const added =
      (record.headers.length > 0 ? Buffer.byteLength(json) : json.length) + (parts.length > 0 ? 1 : 0);
    if (parts.length > 0 && bytes + added > PAYLOAD_LIMIT_BYTES) break;
    parts.push(json);
    bytes += added;
  }
  return { count: parts.length, payload: head + parts.join(",") + tail, bytes };
}
