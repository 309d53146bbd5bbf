// The topic as an archive: ranges of offsets, read again, in any of Kafka's compressions, without a consumer group.
// kafkajs reads through groups only and knows gzip only, hence the client that the local trigger uses.

import { Consumer, ListOffsetTimestamps } from "@platformatic/kafka";
import type { KafkaSettings } from "../config.ts";
import type { OffsetRange } from "../core/ranges.ts";
import { findBrokers } from "./brokers.ts";

export interface ArchivedRecord {
  readonly offset: number;
  /** Kafka's time stamp in ms. */
  readonly recordTimeMs: number;
  readonly value: Buffer | null;
}

export interface ArchivedPartition {
  readonly partition: number;
  /** First offset that retention has left. */
  readonly first: number;
  /** First offset whose record is not older than the wanted time; the end where there is none. */
  readonly firstAtTime: number;
  /** Offset that the next record will get. */
  readonly end: number;
}

export interface Archive {
  /** @param timeMs which records are looked for, by Kafka's time stamp */
  partitions(topic: string, timeMs: number): Promise<readonly ArchivedPartition[]>;
  /** The records of a range that are still there and were committed, in pieces of about a megabyte. */
  read(topic: string, partition: number, range: OffsetRange): AsyncGenerator<readonly ArchivedRecord[]>;
  close(): Promise<void>;
}

type Answer = Awaited<ReturnType<Consumer["fetch"]>>["responses"][number]["partitions"][number];

const READ_COMMITTED = 1;
const FETCH_BYTES = 1024 * 1024;
/** Attributes of a record batch (Kafka's message format 2). */
const APPEND_TIME = 0b1000;
const CONTROL_BATCH = 0b10_0000;

/** The committed records of an answer, and the offset after the last batch. */
function recordsOf({ records, abortedTransactions }: Answer): { records: ArchivedRecord[]; next: number } {
  const found: ArchivedRecord[] = [];
  const aborting = new Set<bigint>();
  const aborted = [...(abortedTransactions ?? [])].sort((a, b) => Number(a.firstOffset - b.firstOffset));
  let next = -1;
  for (const batch of records ?? []) {
    const firstOffset = Number(batch.firstOffset);
    next = firstOffset + batch.lastOffsetDelta + 1;
    for (
      let first = aborted[0];
      first !== undefined && Number(first.firstOffset) < next;
      first = aborted[0]
    ) {
      aborting.add(first.producerId);
      aborted.shift();
    }
    if ((batch.attributes & CONTROL_BATCH) !== 0) {
      // The marker ends its producer's transaction.
      aborting.delete(batch.producerId);
      continue;
    }
    if (aborting.has(batch.producerId)) continue;
    const isAppendTime = (batch.attributes & APPEND_TIME) !== 0;
    for (const record of batch.records)
      found.push({
        offset: firstOffset + record.offsetDelta,
        recordTimeMs: Number(
          isAppendTime ? batch.maxTimestamp : batch.firstTimestamp + record.timestampDelta,
        ),
        value: record.value,
      });
  }
  return { records: found, next };
}

/** Makes tokens of MSK's IAM. */
function tokenFor({ clusterArn }: KafkaSettings): () => Promise<string> {
  const region = clusterArn?.split(":")[3] ?? process.env.AWS_REGION ?? "";
  return async () => {
    // Loaded only here: nothing but MSK with IAM needs the signer.
    const { generateAuthToken } = await import("aws-msk-iam-sasl-signer-js");
    return (await generateAuthToken({ region })).token;
  };
}

/** Connects when it is first used. @throws Error where the brokers cannot be found */
export async function openArchive(settings: KafkaSettings): Promise<Archive> {
  const consumer = new Consumer({
    clientId: settings.clientId,
    groupId: "smartgrid-archive", // the client wants a name; the group is never joined
    bootstrapBrokers: [...(await findBrokers(settings))],
    retries: 3,
    retryDelay: 250,
    ...(settings.iam ? { tls: {}, sasl: { mechanism: "OAUTHBEARER", token: tokenFor(settings) } } : {}),
  });

  async function offsetsAt(topic: string, timestamp: bigint): Promise<readonly bigint[]> {
    return (await consumer.listOffsets({ topics: [topic], timestamp })).get(topic) ?? [];
  }

  async function fetchFrom(topic: string, partition: number, offset: number): Promise<Answer | undefined> {
    const known = (await consumer.metadata({ topics: [topic] })).topics.get(topic);
    const details = known?.partitions[partition];
    if (known === undefined || details === undefined) throw new Error(`there is no ${topic}-${partition}`);
    const answer = await consumer.fetch({
      node: details.leader,
      maxWaitTime: 250,
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
    async partitions(topic, timeMs) {
      const [firsts, ends, atTime] = await Promise.all([
        offsetsAt(topic, ListOffsetTimestamps.EARLIEST),
        offsetsAt(topic, ListOffsetTimestamps.LATEST),
        offsetsAt(topic, BigInt(Math.floor(Math.max(0, timeMs)))),
      ]);
      return firsts.map((first, partition) => {
        const end = Number(ends[partition] ?? 0n);
        const firstAtTime = Number(atTime[partition] ?? -1n); // −1 where all records are older
        return { partition, first: Number(first), firstAtTime: firstAtTime < 0 ? end : firstAtTime, end };
      });
    },

    async *read(topic, partition, { from, to }) {
      for (let offset = from; offset < to; ) {
        const answer = await fetchFrom(topic, partition, offset);
        const { records, next } = answer === undefined ? { records: [], next: -1 } : recordsOf(answer);
        if (next <= offset) return; // nothing readable is left before the end
        const from = offset;
        yield records.filter((record) => record.offset >= from && record.offset < to);
        offset = next;
      }
    },

    async close() {
      await consumer.close(true);
    },
  };
}
