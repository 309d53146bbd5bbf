// Reads given ranges of a partition, without a consumer group: what a trigger that reads committed records would be
// delivered. By @platformatic/kafka, for kafkajs cannot read what snappy, lz4 or zstd have compressed.

import { Consumer } from "@platformatic/kafka";
import type { LogRecord } from "../aggregate/fold.ts";
import type { KafkaSettings } from "../config.ts";
import { clip, type OffsetRanges } from "../core/ranges.ts";
import { findBrokers } from "./brokers.ts";
import { iamToken } from "./client.ts";

export interface RecordReader {
  /**
   * The records of the ranges, in offset order, in pieces of about a megabyte; an empty piece is none.
   * @throws Error where the broker is away, or where it does not give what lies in a range
   */
  read(topic: string, partition: number, ranges: OffsetRanges): AsyncGenerator<readonly LogRecord[]>;
  close(): Promise<void>;
}

const READ_COMMITTED = 1;
const FETCH_BYTES = 1024 * 1024;
const APPEND_TIME = 0b1000;
const TRANSACTIONAL = 0b1_0000;
const CONTROL_BATCH = 0b10_0000;

type Fetched = Awaited<ReturnType<Consumer["fetch"]>>["responses"][number]["partitions"][number];

/**
 * The records that count, and the offset after all that was looked at. The client leaves aborted records out by itself,
 * but only those of a producer's last aborted transaction, and only where its marker has been fetched as well.
 */
function recordsOf(fetched: Fetched): { records: LogRecord[]; next: number } {
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

export async function openRecordReader(settings: KafkaSettings): Promise<RecordReader> {
  const consumer = new Consumer({
    clientId: settings.clientId,
    groupId: `${settings.clientId}-reader`, // never joined
    bootstrapBrokers: [...(await findBrokers(settings))],
    retries: 3,
    retryDelay: 250,
    ...(settings.iam
      ? { tls: {}, sasl: { mechanism: "OAUTHBEARER", token: () => iamToken(settings.clusterArn) } }
      : {}),
  });

  async function fetchFrom(topic: string, partition: number, offset: number): Promise<Fetched | undefined> {
    const known = (await consumer.metadata({ topics: [topic] })).topics.get(topic);
    if (known === undefined) throw new Error(`topic ${topic} does not exist`);
    const answer = await consumer.fetch({
      node: known.partitions[partition]?.leader ?? -1,
      maxWaitTime: 500,
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      isolationLevel: READ_COMMITTED,
      topics: [
        {
          topicId: known.id,
          partitions: [
            {
              partition,
              currentLeaderEpoch: -1,
              fetchOffset: BigInt(offset),
              lastFetchedEpoch: -1,
              partitionMaxBytes: FETCH_BYTES,
            },
          ],
        },
      ],
    });
    return answer.responses[0]?.partitions[0];
  }

  return {
    async *read(topic, partition, ranges) {
      const end = ranges.at(-1)?.to ?? 0;
      for (let at = ranges[0]?.from ?? 0; at < end; ) {
        const fetched = await fetchFrom(topic, partition, at);
        const { records, next } = fetched === undefined ? { records: [], next: 0 } : recordsOf(fetched);
        if (next <= at)
          throw new Error(
            `${topic}-${partition}: the broker gives nothing at offset ${at}, below ${end}: is a transaction still open?`,
          );
        const wanted = clip(ranges, at, next);
        const piece = records.filter(({ offset }) => wanted.some((r) => r.from <= offset && offset < r.to));
        if (piece.length > 0) yield piece;
        at = clip(ranges, next, end)[0]?.from ?? end; // what lies between two ranges is not read
      }
    },
    close: () => consumer.close(true),
  };
}
