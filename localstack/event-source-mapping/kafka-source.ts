// A topic as one member of a consumer group reads it. The only file that knows the Kafka client.

import { Consumer, ListOffsetTimestamps } from "@platformatic/kafka";
import type { SourceRecord } from "./event.ts";
import type { StartingPosition } from "./settings.ts";

export interface SourceOptions {
  readonly brokers: readonly string[];
  readonly groupId: string;
  readonly topic: string;
  readonly startingPosition: StartingPosition;
  readonly startingTimestampMs: number | null;
}

/** What a fetch found in one partition. */
export interface FetchedPartition {
  readonly partition: number;
  readonly records: readonly SourceRecord[];
  /** Where to go on: beyond the records and any control records after them. */
  readonly nextOffset: number;
  readonly endOffset: number;
}

export interface TopicSource {
  /** Joins the group; `onAssignment` is told the partitions each time that they are (re)assigned. */
  join(onAssignment: (partitions: readonly number[]) => void): Promise<void>;
  /** Where delivery starts: the group's committed offset, else the starting position. */
  startOffsets(partitions: readonly number[]): Promise<ReadonlyMap<number, number>>;
  /** Reads on from the wanted offsets; waits up to `maxWaitMs` for a first record. */
  fetch(wanted: ReadonlyMap<number, number>, maxWaitMs: number): Promise<readonly FetchedPartition[]>;
  /** Commits the next offset of a partition for the group. */
  commit(partition: number, offset: number): Promise<void>;
  close(): Promise<void>;
}

const COMPRESSED_TIMESTAMP_TYPE = 0b1000;
const CONTROL_BATCH = 0b10_0000;
const READ_COMMITTED = 1;
const PARTITION_FETCH_BYTES = 2 * 1024 * 1024;

type Batches = NonNullable<
  Awaited<ReturnType<Consumer["fetch"]>>["responses"][number]["partitions"][number]["records"]
>;
type Aborted = Awaited<
  ReturnType<Consumer["fetch"]>
>["responses"][number]["partitions"][number]["abortedTransactions"];

/** Records from `fromOffset` on, without control records and without those of aborted transactions (21). */
function recordsOf(
  batches: Batches,
  aborted: Aborted,
  fromOffset: number,
): { records: SourceRecord[]; nextOffset: number } {
  const records: SourceRecord[] = [];
  const abortedProducers = new Set<bigint>();
  const pending = [...(aborted ?? [])].sort((a, b) => Number(a.firstOffset - b.firstOffset));
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
    const transactional = (batch.attributes & 0b1_0000) !== 0;
    if (transactional && abortedProducers.has(batch.producerId)) continue;
    const appendTime = (batch.attributes & COMPRESSED_TIMESTAMP_TYPE) !== 0;
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

export function openSource(options: SourceOptions): TopicSource {
  const { topic } = options;
  const consumer = new Consumer({
    clientId: "event-source-mapping",
    groupId: options.groupId,
    bootstrapBrokers: [...options.brokers],
    autocommit: false,
    sessionTimeout: 10_000,
    heartbeatInterval: 1_000,
    rebalanceTimeout: 20_000,
    retries: 3,
    retryDelay: 250,
    isolationLevel: READ_COMMITTED,
  });
  consumer.topics.track(topic);

  async function edge(timestamp: bigint): Promise<readonly bigint[]> {
    return (await consumer.listOffsets({ topics: [topic], timestamp })).get(topic) ?? [];
  }

  function startingTimestamp(): bigint {
    if (options.startingPosition === "LATEST") return ListOffsetTimestamps.LATEST;
    if (options.startingTimestampMs !== null) return BigInt(options.startingTimestampMs);
    return ListOffsetTimestamps.EARLIEST;
  }

  return {
    async join(onAssignment) {
      consumer.on("consumer:group:join", ({ assignments }) => {
        onAssignment(assignments?.find((assigned) => assigned.topic === topic)?.partitions ?? []);
      });
      await consumer.joinGroup({});
    },

    async startOffsets(partitions) {
      const committed = await consumer.listCommittedOffsets({
        topics: [{ topic, partitions: [...partitions] }],
      });
      const [earliest, latest, starting] = await Promise.all([
        edge(ListOffsetTimestamps.EARLIEST),
        edge(ListOffsetTimestamps.LATEST),
        edge(startingTimestamp()),
      ]);
      return new Map(
        partitions.map((partition) => {
          const known = Number(committed.get(topic)?.[partition] ?? -1n);
          const [first, end] = [Number(earliest[partition] ?? 0n), Number(latest[partition] ?? 0n)];
          // A time stamp after the last record is answered by −1: then only what comes is delivered.
          const start = Number(starting[partition] ?? -1n);
          // Out of range (10): retention passed the offset, or the topic was created again.
          if (known >= first && known <= end) return [partition, known];
          if (known >= 0) return [partition, first];
          return [partition, start >= 0 ? start : end];
        }),
      );
    },

    async fetch(wanted, maxWaitMs) {
      const metadata = await consumer.metadata({ topics: [topic] });
      const found = metadata.topics.get(topic);
      if (found === undefined) throw new Error(`topic ${topic} does not exist`);
      const byLeader = Map.groupBy(wanted, ([partition]) => found.partitions[partition]?.leader ?? -1);
      const responses = await Promise.all(
        [...byLeader].map(([node, partitions]) =>
          consumer.fetch({
            node,
            maxWaitTime: maxWaitMs,
            minBytes: 1,
            maxBytes: 4 * PARTITION_FETCH_BYTES,
            isolationLevel: READ_COMMITTED,
            topics: [
              {
                topicId: found.id,
                partitions: partitions.map(([partition, offset]) => ({
                  partition,
                  currentLeaderEpoch: -1,
                  fetchOffset: BigInt(offset),
                  lastFetchedEpoch: -1,
                  partitionMaxBytes: PARTITION_FETCH_BYTES,
                })),
              },
            ],
          }),
        ),
      );
      return responses
        .flatMap((response) => response.responses.flatMap((answer) => answer.partitions))
        .map((answer) => ({
          partition: answer.partitionIndex,
          ...recordsOf(
            answer.records ?? [],
            answer.abortedTransactions,
            wanted.get(answer.partitionIndex) ?? 0,
          ),
          endOffset: Number(answer.highWatermark),
        }));
    },

    async commit(partition, offset) {
      await consumer.commit({ offsets: [{ topic, partition, offset: BigInt(offset), leaderEpoch: -1 }] });
    },

    async close() {
      await consumer.close(true);
    },
  };
}
