// A partition's log as its broker keeps it on the disk (Kafka's message format 2), and what a power cut leaves of it: its
// last batches, which the broker had answered for, were never written. Only while the broker is down.

import { readdir, readFile, rm, truncate } from "node:fs/promises";
import { join } from "node:path";

export interface StoredRecord {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: ReadonlyMap<string, string>;
}

export interface StoredBatch {
  /** Where it begins in its file. */
  readonly position: number;
  readonly firstOffset: number;
  /** Offset after its last one. */
  readonly end: number;
  readonly producerId: bigint;
  readonly isTransactional: boolean;
  /** The end of a transaction. */
  readonly isControl: boolean;
  readonly records: readonly StoredRecord[];
}

const LENGTH_AT = 8;
const LENGTH_ENDS_AT = 12;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const PRODUCER_ID_AT = 43;
const RECORD_COUNT_AT = 57;
const HEADER_BYTES = 61;
const COMPRESSION = 0b111;
const TRANSACTIONAL = 0b1_0000;
const CONTROL = 0b10_0000;

class Reader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** A number of seven bits for each byte, least first, with its sign in the lowest bit. */
  varint(): number {
    let raw = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#bytes.readUInt8(this.#at++);
      raw |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number((raw >> 1n) ^ -(raw & 1n));
    }
  }

  /** With its length before it; −1: null. */
  bytes(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  skip(bytes: number): void {
    this.#at += bytes;
  }
}

function readRecord(reader: Reader, firstOffset: number): StoredRecord {
  reader.varint(); // its length
  reader.skip(1); // attributes that are not used
  reader.varint(); // its time
  const offset = firstOffset + reader.varint();
  const [key, value] = [reader.bytes(), reader.bytes()];
  const headers = Array.from({ length: reader.varint() }, (): [string, string] => [
    String(reader.bytes() ?? ""),
    String(reader.bytes() ?? ""),
  ]);
  return { offset, key, value, headers: new Map(headers) };
}

/**
 * The whole batches of a log's file; what was being written when the broker was killed is none.
 * @throws Error for a compressed batch, which nobody sends here
 */
export function parseBatches(file: Buffer): StoredBatch[] {
  const batches: StoredBatch[] = [];
  for (let position = 0; position + HEADER_BYTES <= file.length; ) {
    const next = position + LENGTH_ENDS_AT + file.readInt32BE(position + LENGTH_AT);
    if (next < position + HEADER_BYTES || next > file.length) break;
    const attributes = file.readInt16BE(position + ATTRIBUTES_AT);
    const firstOffset = Number(file.readBigInt64BE(position));
    if ((attributes & COMPRESSION) !== 0) throw new Error(`the batch at offset ${firstOffset} is compressed`);
    const reader = new Reader(file, position + HEADER_BYTES);
    const count = file.readInt32BE(position + RECORD_COUNT_AT);
    batches.push({
      position,
      firstOffset,
      end: firstOffset + file.readInt32BE(position + LAST_OFFSET_DELTA_AT) + 1,
      producerId: file.readBigInt64BE(position + PRODUCER_ID_AT),
      isTransactional: (attributes & TRANSACTIONAL) !== 0,
      isControl: (attributes & CONTROL) !== 0,
      records: Array.from({ length: count }, () => readRecord(reader, firstOffset)),
    });
    position = next;
  }
  return batches;
}

const SEGMENT = /^\d{20}\.log$/;

/** The newest segment of a partition; in a run it is the only one. */
async function findSegment(dataDir: string, topic: string, partition: number): Promise<string> {
  const folder = join(dataDir, "log", `${topic}-${partition}`);
  const newest = (await readdir(folder))
    .filter((name) => SEGMENT.test(name))
    .sort()
    .at(-1);
  if (newest === undefined) throw new Error(`${folder} holds no segment of a log`);
  return join(folder, newest);
}

/** @param dataDir as it was given to startKafka */
export async function readBatches(
  dataDir: string,
  topic: string,
  partition: number,
): Promise<readonly StoredBatch[]> {
  return parseBatches(await readFile(await findSegment(dataDir, topic, partition)));
}

/**
 * Cuts the end off a partition's log and takes away what says that its broker was shut down cleanly.
 * @param dataDir as it was given to startKafka
 * @param choose given the batches of the newest segment: the index of the first one to go; as many as there are: none
 * @returns the batches that are gone
 */
export async function cutLog(
  dataDir: string,
  topic: string,
  partition: number,
  choose: (batches: readonly StoredBatch[]) => number,
): Promise<readonly StoredBatch[]> {
  const segment = await findSegment(dataDir, topic, partition);
  const batches = parseBatches(await readFile(segment));
  const gone = batches.slice(choose(batches));
  const [first] = gone;
  if (first !== undefined) await truncate(segment, first.position);
  await rm(join(dataDir, "log", ".kafka_cleanshutdown"), { force: true });
  return gone;
}

/** Where the log can be cut so that no transaction is left without its end: indices of batches, ascending. */
export function cleanCuts(batches: readonly StoredBatch[]): number[] {
  const open = new Set<bigint>();
  return batches.flatMap(({ producerId, isTransactional, isControl }, i) => {
    const isClean = open.size === 0;
    if (isControl) open.delete(producerId);
    else if (isTransactional) open.add(producerId);
    return isClean ? [i] : [];
  });
}

/** Records that a reader of committed records has seen, or may have seen. */
export function committedRecords(batches: readonly StoredBatch[]): StoredRecord[] {
  const open = new Map<bigint, StoredRecord[]>();
  const committed: StoredRecord[] = [];
  for (const { producerId, isTransactional, isControl, records } of batches) {
    if (isControl) {
      // Its key: version and kind, 1 for a transaction that commits.
      if (records[0]?.key?.readInt16BE(2) === 1) committed.push(...(open.get(producerId) ?? []));
      open.delete(producerId);
    } else if (isTransactional) open.set(producerId, [...(open.get(producerId) ?? []), ...records]);
    else committed.push(...records);
  }
  return committed;
}
