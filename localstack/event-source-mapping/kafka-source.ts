// A topic as one member of a consumer group reads it. With fetch.ts, kafka-errors.ts, record-batches.ts and
// kafka-cluster.ts the only file that knows the Kafka client.

import { Consumer, ListOffsetTimestamps, NetworkError } from "@platformatic/kafka";
import { BY_TOPIC_ID, Fetcher } from "./fetch.ts";
import { isMissingTopic, MissingTopicError } from "./kafka-errors.ts";
import { type ReadRecords, readRecords } from "./record-batches.ts";
import type { StartingPosition } from "./settings.ts";
import { startOffset } from "./start-offset.ts";
import { pause } from "./waiting.ts";

export interface SourceOptions {
  readonly brokers: readonly string[];
  readonly groupId: string;
  readonly topic: string;
  readonly startingPosition: StartingPosition;
  readonly startingTimestampMs: number | null;
  /** The topic as it was known before; where it has been created again since, delivery starts at its offset 0. */
  readonly knownTopicId: string | null;
  readonly readsUncommitted?: boolean;
}

/** What a fetch found in one partition. */
export interface FetchedPartition extends ReadRecords {
  readonly partition: number;
  readonly endOffset: number;
  /** Up to here it can be read at present: an open transaction hides what follows. */
  readonly readableEndOffset: number;
}

export interface GroupEvents {
  /** A rebalance began: resolves when no invocation runs any more and what is done is committed. */
  onRevoke(): Promise<void>;
  /** The partitions each time that they are (re)assigned. */
  onAssignment(partitions: readonly number[]): void;
  /** The membership is lost and cannot be had again by this source. */
  onLost(error: Error): void;
}

export interface TopicSource {
  /** Joins the group. */
  join(events: GroupEvents): Promise<void>;
  /** Joins once more, so that new partitions are shared out. */
  rejoin(): Promise<void>;
  /** Asks the cluster anew. @throws Error where the topic does not exist */
  describeTopic(): Promise<{ readonly topicId: string; readonly partitionCount: number }>;
  /** First offset that the broker still has, and end, of each partition. */
  edges(): Promise<{ readonly earliest: readonly number[]; readonly ends: readonly number[] }>;
  /**
   * Where delivery starts: the group's committed offset, else the starting position; partitions from `knownCount` on
   * are new since and start at their first offset (11).
   */
  startOffsets(
    partitions: readonly number[],
    knownCount: number,
    onGap: (partition: number, known: number, start: number) => void,
  ): Promise<ReadonlyMap<number, number>>;
  /** Reads on from the wanted offsets; waits up to `maxWaitMs` for a first record. */
  fetch(wanted: ReadonlyMap<number, number>, maxWaitMs: number): Promise<readonly FetchedPartition[]>;
  /** Commits next offsets for the group. */
  commit(offsets: ReadonlyMap<number, number>): Promise<void>;
  close(): Promise<void>;
}

const READ_UNCOMMITTED = 0;
const READ_COMMITTED = 1;
const PARTITION_FETCH_BYTES = 1024 * 1024;

/** Longest wait for running invocations when the group rebalances; less than the session may be silent. */
const REVOKE_LIMIT_MS = 7_000;

export function openSource(options: SourceOptions): TopicSource {
  const { topic } = options;
  const isolationLevel = options.readsUncommitted === true ? READ_UNCOMMITTED : READ_COMMITTED;
  const clientId = "event-source-mapping";
  const consumer = new Consumer({
    clientId,
    groupId: options.groupId,
    bootstrapBrokers: [...options.brokers],
    retries: 3,
    retryDelay: 250,
    autocommit: false,
    sessionTimeout: 10_000,
    heartbeatInterval: 1_000,
    rebalanceTimeout: 20_000,
  });
  consumer.topics.track(topic);
  const fetcher = new Fetcher(clientId);
  let isById: boolean | null = null;
  let beforeJoin: () => Promise<void> = async () => undefined;

  /** Asked once: a cluster that is upgraded while this runs goes on to take what it took. */
  async function fetchesByTopicId(): Promise<boolean> {
    isById ??=
      ((await consumer.listApis()).find(({ name }) => name === "Fetch")?.maxVersion ?? 0) >= BY_TOPIC_ID;
    return isById;
  }

  async function edge(timestamp: bigint): Promise<readonly bigint[]> {
    return (await consumer.listOffsets({ topics: [topic], timestamp })).get(topic) ?? [];
  }

  async function found(forceUpdate: boolean) {
    let metadata: Awaited<ReturnType<typeof consumer.metadata>>;
    try {
      metadata = await consumer.metadata({ topics: [topic], forceUpdate });
    } catch (error) {
      if (!isMissingTopic(error)) throw error;
      throw new MissingTopicError(topic, options.brokers, error);
    }
    const known = metadata.topics.get(topic);
    if (known === undefined) throw new MissingTopicError(topic, options.brokers);
    return { ...known, brokers: metadata.brokers };
  }

  function startingTimestamp(): bigint {
    if (options.startingPosition === "LATEST") return ListOffsetTimestamps.LATEST;
    if (options.startingTimestampMs !== null) return BigInt(options.startingTimestampMs);
    return ListOffsetTimestamps.EARLIEST;
  }

  async function joinGroup(): Promise<void> {
    await consumer.joinGroup({
      // Called before each join, also the client's own after a rebalance: the place to let invocations end.
      async protocolsMetadata() {
        const limit = new AbortController();
        await Promise.race([beforeJoin(), pause(REVOKE_LIMIT_MS, limit.signal)]);
        limit.abort();
        return Buffer.alloc(0);
      },
    });
  }

  return {
    async join({ onRevoke, onAssignment, onLost }) {
      await found(true);
      beforeJoin = onRevoke;
      consumer.on("consumer:group:join", ({ assignments }) => {
        onAssignment(assignments?.find((assigned) => assigned.topic === topic)?.partitions ?? []);
      });
      consumer.on("error", onLost);
      consumer.on("consumer:heartbeat:stalled", ({ stalledFor }) =>
        onLost(new Error(`no heartbeat for ${Math.round(stalledFor)} ms`)),
      );
      await joinGroup();
    },

    rejoin: joinGroup,

    async describeTopic() {
      const { id, partitionsCount } = await found(true);
      return { topicId: id, partitionCount: partitionsCount };
    },

    async edges() {
      await found(true);
      const [earliest, ends] = await Promise.all([
        edge(ListOffsetTimestamps.EARLIEST),
        edge(ListOffsetTimestamps.LATEST),
      ]);
      return { earliest: earliest.map(Number), ends: ends.map(Number) };
    },

    async startOffsets(partitions, knownCount, onGap) {
      const committed = await consumer.listCommittedOffsets({
        topics: [{ topic, partitions: [...partitions] }],
      });
      const [earliest, latest, starting, { id }] = await Promise.all([
        edge(ListOffsetTimestamps.EARLIEST),
        edge(ListOffsetTimestamps.LATEST),
        edge(startingTimestamp()),
        found(false),
      ]);
      const isNewTopic = options.knownTopicId !== null && options.knownTopicId !== id;
      return new Map(
        partitions.map((partition) => {
          const known = Number(committed.get(topic)?.[partition] ?? -1n);
          const { offset, isGap } = startOffset(options.startingPosition, {
            known,
            first: Number(earliest[partition] ?? 0n),
            end: Number(latest[partition] ?? 0n),
            start: Number(starting[partition] ?? -1n),
            isNewTopic,
            isNewPartition: partition >= knownCount,
          });
          if (isGap) onGap(partition, known, offset);
          return [partition, offset];
        }),
      );
    },

    async fetch(wanted, maxWaitMs) {
      const { id, partitions: details, brokers } = await found(false);
      const byTopicId = await fetchesByTopicId();
      const byLeader = Map.groupBy(wanted, ([partition]) => details[partition]?.leader ?? -1);
      const responses = await Promise.all(
        [...byLeader].map(([node, partitions]) => {
          const broker = brokers.get(node);
          if (broker === undefined) throw new NetworkError(`${topic}: broker ${node} is not there`);
          return fetcher.fetch({
            broker,
            topic,
            topicId: id,
            byTopicId,
            wanted: partitions,
            maxWaitMs,
            maxBytes: 4 * PARTITION_FETCH_BYTES,
            partitionMaxBytes: PARTITION_FETCH_BYTES,
            isolationLevel,
          });
        }),
      );
      return responses.flat().map(({ partition, bytes, aborted, highWatermark, lastStableOffset }) => ({
        partition,
        ...readRecords(bytes, aborted, wanted.get(partition) ?? 0),
        endOffset: Number(highWatermark),
        readableEndOffset: Number(isolationLevel === READ_COMMITTED ? lastStableOffset : highWatermark),
      }));
    },

    async commit(offsets) {
      await consumer.commit({
        offsets: [...offsets].map(([partition, offset]) => ({
          topic,
          partition,
          offset: BigInt(offset),
          leaderEpoch: -1,
        })),
      });
    },

    async close() {
      await Promise.all([consumer.close(true), fetcher.close()]);
    },
  };
}
