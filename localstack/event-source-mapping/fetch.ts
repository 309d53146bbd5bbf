// Fetches on connections of their own: a broker answers a connection's requests in turn, and behind a fetch that
// waits for records, commits and heartbeats would wait as well. Record batches are left as they came.

import {
  ConnectionPool,
  createAPI,
  fetchV12,
  fetchV13,
  type Reader,
  ResponseError,
} from "@platformatic/kafka";
import type { AbortedTransaction } from "./record-batches.ts";

export interface AnsweredPartition {
  readonly partition: number;
  readonly highWatermark: bigint;
  /** Before it no transaction is open: the end of what is committed. */
  readonly lastStableOffset: bigint;
  readonly aborted: readonly AbortedTransaction[];
  /** Bytes of record batches, the last of them perhaps cut off. */
  readonly bytes: Buffer;
}

export interface FetchRequest {
  readonly broker: { readonly host: string; readonly port: number };
  readonly topic: string;
  readonly topicId: string;
  /** Whether the broker knows topics by their ids when it is fetched from (Kafka 3.1 or later), else by name. */
  readonly byTopicId: boolean;
  /** Partition → offset. */
  readonly wanted: readonly (readonly [partition: number, offset: number])[];
  readonly maxWaitMs: number;
  readonly maxBytes: number;
  readonly partitionMaxBytes: number;
  readonly isolationLevel: number;
}

const FETCH = 1;
const NO_SESSION = 0;
const FULL_FETCH = -1;

function parsePartition(reader: Reader, errors: Map<string, [number, null]>): AnsweredPartition {
  const partition = reader.readInt32();
  const errorCode = reader.readInt16();
  if (errorCode !== 0) errors.set(`partition ${partition}`, [errorCode, null]);
  const highWatermark = reader.readInt64();
  const lastStableOffset = reader.readInt64();
  reader.skip(8); // start of the log
  const aborted = reader.readNullableArray((r) => ({
    producerId: r.readInt64(),
    firstOffset: r.readInt64(),
  }));
  reader.skip(4); // preferred replica
  return { partition, highWatermark, lastStableOffset, aborted: aborted ?? [], bytes: reader.readBytes() };
}

/** Versions 12 and 13 differ in how they name a topic. */
const fetchApi = (version: typeof fetchV12 | typeof fetchV13, skipTopic: (reader: Reader) => void) =>
  createAPI<Parameters<typeof fetchV13.createRequest>, AnsweredPartition[]>(
    FETCH,
    version.api.version,
    version.createRequest,
    (_correlationId, apiKey, apiVersion, reader) => {
      reader.skip(4); // throttle time
      const errors = new Map<string, [number, null]>();
      const errorCode = reader.readInt16();
      if (errorCode !== 0) errors.set("", [errorCode, null]);
      reader.skip(4); // session
      const topics = reader.readArray((r) => {
        skipTopic(r);
        return r.readArray((each) => parsePartition(each, errors));
      });
      reader.readTaggedFields();
      if (errors.size > 0) throw new ResponseError(apiKey, apiVersion, Object.fromEntries(errors), topics);
      return topics.flat();
    },
  );

const fetchByName = fetchApi(fetchV12, (reader) => reader.readString());
const fetchById = fetchApi(fetchV13, (reader) => reader.skip(16));

/** The first version that names a topic by its id. */
export const BY_TOPIC_ID = fetchV13.api.version;

export class Fetcher {
  readonly #pool: ConnectionPool;
  #turns = 0;

  constructor(clientId: string) {
    this.#pool = new ConnectionPool(clientId);
  }

  /** Reads on from the wanted offsets; waits up to `maxWaitMs` for a first record. @throws the client's errors */
  async fetch(request: FetchRequest): Promise<AnsweredPartition[]> {
    const { topic, topicId, byTopicId, wanted, maxWaitMs, maxBytes, isolationLevel } = request;
    const connection = await this.#pool.get(request.broker);
    // A batch above the limit is sent for the first partition only: each is the first in its turn.
    const first = this.#turns++ % wanted.length;
    const partitions = [...wanted.slice(first), ...wanted.slice(0, first)].map(([partition, offset]) => ({
      partition,
      currentLeaderEpoch: -1,
      fetchOffset: BigInt(offset),
      lastFetchedEpoch: -1,
      partitionMaxBytes: request.partitionMaxBytes,
    }));
    const topics = [{ topicId: byTopicId ? topicId : topic, partitions }];
    const fetch = byTopicId ? fetchById : fetchByName;
    // biome-ignore format: one argument is one field of the request
    return fetch.async(connection, maxWaitMs, 1, maxBytes, isolationLevel, NO_SESSION, FULL_FETCH, topics, [], "");
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}
