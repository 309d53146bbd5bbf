// Fetches on connections of their own: a broker answers a connection's requests in turn, and behind a fetch that
// waits for records, commits and heartbeats would wait as well. Record batches are left as they came.

import { ConnectionPool, createAPI, fetchV13, type Reader, ResponseError } from "@platformatic/kafka";
import type { AbortedTransaction } from "./record-batches.ts";

export interface AnsweredPartition {
  readonly partition: number;
  readonly highWatermark: bigint;
  readonly aborted: readonly AbortedTransaction[];
  /** Bytes of record batches, the last of them perhaps cut off. */
  readonly bytes: Buffer;
}

export interface FetchRequest {
  readonly broker: { readonly host: string; readonly port: number };
  readonly topicId: string;
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
  reader.skip(16); // last stable offset, start of the log
  const aborted = reader.readNullableArray((r) => ({
    producerId: r.readInt64(),
    firstOffset: r.readInt64(),
  }));
  reader.skip(4); // preferred replica
  return { partition, highWatermark, aborted: aborted ?? [], bytes: reader.readBytes() };
}

const fetchApi = createAPI<Parameters<typeof fetchV13.createRequest>, AnsweredPartition[]>(
  FETCH,
  fetchV13.api.version,
  fetchV13.createRequest,
  (_correlationId, apiKey, apiVersion, reader) => {
    reader.skip(4); // throttle time
    const errors = new Map<string, [number, null]>();
    const errorCode = reader.readInt16();
    if (errorCode !== 0) errors.set("", [errorCode, null]);
    reader.skip(4); // session
    const topics = reader.readArray((r) => {
      r.skip(16); // topic id
      return r.readArray((each) => parsePartition(each, errors));
    });
    reader.readTaggedFields();
    if (errors.size > 0) throw new ResponseError(apiKey, apiVersion, Object.fromEntries(errors), topics);
    return topics.flat();
  },
);

export class Fetcher {
  readonly #pool: ConnectionPool;
  #turns = 0;

  constructor(clientId: string) {
    this.#pool = new ConnectionPool(clientId);
  }

  /** Reads on from the wanted offsets; waits up to `maxWaitMs` for a first record. @throws the client's errors */
  async fetch(request: FetchRequest): Promise<AnsweredPartition[]> {
    const { topicId, wanted, maxWaitMs, maxBytes, isolationLevel } = request;
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
    const topics = [{ topicId, partitions }];
    // biome-ignore format: one argument is one field of the request
    return fetchApi.async(connection, maxWaitMs, 1, maxBytes, isolationLevel, NO_SESSION, FULL_FETCH, topics, [], "");
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}
