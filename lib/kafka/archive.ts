// The topic as an archive: records read again by their offsets, in any of Kafka's compressions, without a consumer
// group, as a trigger that reads committed records would be delivered them. kafkajs reads through groups only and
// knows gzip only, hence the client that the local trigger uses.

import type { Consumer } from "@platformatic/kafka";
import type { KafkaSettings } from "../config/kafka.ts";
import type { SeenTopic } from "../core/log-identity.ts";
import type { LogRecord } from "../core/log-record.ts";
import { clip, type OffsetRanges } from "../core/ranges.ts";
import { clientOptions } from "./client-options.ts";
import { committedRecords, type Fetched } from "./committed-records.ts";
import { epochStarts, seeTopic } from "./epochs.ts";
import { withReasons } from "./refusal.ts";

export interface ArchivedPartition {
  readonly partition: number;
  /** First offset that retention has left. */
  readonly first: number;
  /** First offset whose record is not older than the wanted time; the end where there is none. */
  readonly firstAtTime: number;
  /** Offset before which all transactions have ended. */
  readonly end: number;
}

/** Connects when it is first used. */
export interface Archive {
  /** @param timeMs which records are looked for, by Kafka's time stamp */
  partitions(topic: string, timeMs: number): Promise<readonly ArchivedPartition[]>;
  /**
   * The records of the ranges, in offset order, in pieces of about a megabyte; an empty piece is none.
   * @throws Error where the broker is away, or where it does not give what lies in a range
   */
  read(topic: string, partition: number, ranges: OffsetRanges): AsyncGenerator<readonly LogRecord[]>;
  /**
   * @returns the offset of the first committed record at or after `from`, or, where there is none yet, the offset
   *   before which there will never be one; `from` itself where nothing can be said
   * @throws Error where the broker is away or has no such topic
   */
  nextRecord(topic: string, partition: number, from: number): Promise<number>;
  /**
   * Which logs the topic's partitions are.
   * @param entryEpochs the leader epochs last seen, by partition
   * @throws Error where the broker is away or has no such topic
   */
  see(topic: string, entryEpochs: ReadonlyMap<number, number>): Promise<SeenTopic>;
  /**
   * Where the newest epochs of a partition begin.
   * @param leaderEpoch the present one
   * @throws Error where its leader is away or just changing
   */
  epochStarts(topic: string, partition: number, leaderEpoch: number): Promise<readonly number[]>;
  close(): Promise<void>;
}

const READ_COMMITTED = 1;
const FETCH_BYTES = 1024 * 1024;
const FETCH_WAIT_MS = 250;
const EARLIEST = -2n;
const LATEST = -1n;

/**
 * A client of one topic. A session of fetches that goes on with another topic has to name the one that it forgets; once
 * that is gone the client has its id only, which MSK Serverless (Fetch 12) does not take.
 */
async function connect(settings: KafkaSettings, topic: string): Promise<Consumer> {
  // Loaded only here: a function that sweeps rarely needs it.
  const { Consumer } = await import("@platformatic/kafka");
  const client = new Consumer({
    ...(await clientOptions(settings)),
    groupId: `${settings.clientId}-archive`, // the client wants a name; the group is never joined
    retries: 3,
    retryDelay: 250,
  });
  client.topics.track(topic);
  return client;
}

export function openArchive(settings: KafkaSettings): Archive {
  const clients = new Map<string, Promise<Consumer>>();

  function clientOf(topic: string): Promise<Consumer> {
    const client = clients.get(topic) ?? connect(settings, topic);
    clients.set(topic, client);
    return client;
  }

  async function ask<T>(topic: string, question: (client: Consumer) => Promise<T>): Promise<T> {
    try {
      return await question(await clientOf(topic));
    } catch (error) {
      throw withReasons(error);
    }
  }

  async function offsetsAt(topic: string, timestamp: bigint): Promise<readonly bigint[]> {
    const wanted = { topics: [topic], timestamp, isolationLevel: READ_COMMITTED };
    return (await ask(topic, (client) => client.listOffsets(wanted))).get(topic) ?? [];
  }

  /** @param maxBytes the first batch comes whole all the same */
  async function fetchFrom(
    topic: string,
    partition: number,
    offset: number,
    maxBytes: number,
    forceUpdate = false,
  ): Promise<Fetched | undefined> {
    const metadata = await ask(topic, (client) => client.metadata({ topics: [topic], forceUpdate }));
    const known = metadata.topics.get(topic);
    const leader = known?.partitions[partition]?.leader;
    if (known === undefined || leader === undefined) throw new Error(`there is no ${topic}-${partition}`);
    const wanted = {
      partition,
      currentLeaderEpoch: -1,
      fetchOffset: BigInt(offset),
      lastFetchedEpoch: -1,
      partitionMaxBytes: maxBytes,
    };
    const answer = await ask(topic, (client) =>
      client.fetch({
        node: leader,
        maxWaitTime: FETCH_WAIT_MS,
        minBytes: 1,
        maxBytes,
        isolationLevel: READ_COMMITTED,
        topics: [{ topicId: known.id, partitions: [wanted] }],
      }),
    );
    return answer.responses[0]?.partitions[0];
  }

  return {
    async partitions(topic, timeMs) {
      const [firsts, ends, atTime] = await Promise.all([
        offsetsAt(topic, EARLIEST),
        offsetsAt(topic, LATEST),
        offsetsAt(topic, BigInt(Math.floor(Math.max(0, timeMs)))),
      ]);
      return firsts.map((first, partition) => {
        const end = Number(ends[partition] ?? 0n);
        const firstAtTime = Number(atTime[partition] ?? -1n); // −1 where all records are older
        return { partition, first: Number(first), firstAtTime: firstAtTime < 0 ? end : firstAtTime, end };
      });
    },

    async *read(topic, partition, ranges) {
      const end = ranges.at(-1)?.to ?? 0;
      for (let at = ranges[0]?.from ?? 0; at < end; ) {
        const fetched = await fetchFrom(topic, partition, at, FETCH_BYTES);
        const { records, next } =
          fetched === undefined ? { records: [], next: 0 } : committedRecords(fetched);
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

    async nextRecord(topic, partition, from) {
      // Asked anew for the topic: it may have been created again since.
      const fetched = await fetchFrom(topic, partition, from, 1, true);
      if (fetched === undefined) return from;
      const { records, next } = committedRecords(fetched);
      return records.find(({ offset }) => offset >= from)?.offset ?? Math.max(from, next);
    },

    see: (topic, entryEpochs) => ask(topic, (client) => seeTopic(client, topic, entryEpochs)),

    epochStarts: (topic, ...where) => ask(topic, (client) => epochStarts(client, topic, ...where)),

    async close() {
      const closed = [...clients.values()];
      clients.clear();
      // One that never connected has nothing to close.
      await Promise.all(closed.map((one) => one.then((client) => client.close(true)).catch(() => undefined)));
    },
  };
}
