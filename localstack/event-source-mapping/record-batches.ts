// Record batches (Kafka's message format v2) as the records of an event (21, 22). A batch is checked against its CRC
// before it is read.
// Layout: https://kafka.apache.org/documentation/#recordbatch

import { compressionsAlgorithmsByBitmask, crc32c, Reader } from "@platformatic/kafka";
import type { SourceRecord } from "./event.ts";
import { Cursor, StoredRecord } from "./stored-record.ts";

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

/** The broker's log is damaged: a batch is not what was written. */
export class CorruptBatchError extends Error {
  override readonly name = "CorruptBatchError";
}

// Where the fields of a batch are, in bytes from its beginning.
const LENGTH_AT = 8;
const HEAD_BYTES = 12;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const FIRST_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const RECORD_COUNT_AT = 57;
const RECORDS_AT = 61;

const COMPRESSION = 0b111;
const APPEND_TIME = 0b1000;
const TRANSACTIONAL = 0b1_0000;
const CONTROL_BATCH = 0b10_0000;

interface RecordBatch {
  readonly firstOffset: number;
  readonly nextOffset: number;
  readonly attributes: number;
  readonly producerId: bigint;
  /** From the offset field to the end of the records. */
  readonly bytes: Buffer;
}

/**
 * Cuts bytes into batches. One that was cut off at the end is left for the next fetch, and so is one that is damaged
 * behind others. @throws CorruptBatchError where the first batch is damaged
 */
function* checkedBatches(bytes: Buffer): Generator<RecordBatch> {
  for (let at = 0; bytes.length - at >= HEAD_BYTES; ) {
    const end = at + HEAD_BYTES + bytes.readInt32BE(at + LENGTH_AT);
    const isWhole = end >= at + RECORDS_AT && end <= bytes.length;
    // A broker sends at least the first batch whole.
    if (!isWhole && at > 0) return;
    const firstOffset = Number(bytes.readBigInt64BE(at));
    if (!isWhole)
      throw new CorruptBatchError(
        `the record batch at offset ${firstOffset} is corrupt: its length is given as ${end - at} bytes, there are ${bytes.length - at}`,
      );
    const batch = bytes.subarray(at, end);
    const written = batch.readUInt32BE(CRC_AT);
    // In the client's own kind of buffer: of any other it would make a copy first.
    const actual = crc32c(Reader.from(batch.subarray(ATTRIBUTES_AT)).buffer);
    if (written !== actual) {
      if (at > 0) return;
      throw new CorruptBatchError(
        `the record batch at offset ${firstOffset} is corrupt: CRC-32C ${written} was written, its bytes have ${actual}`,
      );
    }
    yield {
      firstOffset,
      nextOffset: firstOffset + batch.readInt32BE(LAST_OFFSET_DELTA_AT) + 1,
      attributes: batch.readInt16BE(ATTRIBUTES_AT),
      producerId: batch.readBigInt64BE(PRODUCER_ID_AT),
      bytes: batch,
    };
    at = end;
  }
}

function decompressed({ attributes, bytes, firstOffset }: RecordBatch): Buffer {
  const body = bytes.subarray(RECORDS_AT);
  const kind = attributes & COMPRESSION;
  if (kind === 0) return body;
  const algorithm = compressionsAlgorithmsByBitmask[kind];
  if (algorithm === undefined || algorithm.available === false)
    throw new CorruptBatchError(
      `the record batch at offset ${firstOffset} has compression ${kind}, which is unknown`,
    );
  return algorithm.decompressSync(body);
}

/** @returns bytes of the records, not compressed */
function readBatch(batch: RecordBatch, fromOffset: number, records: SourceRecord[]): number {
  const { firstOffset, attributes, bytes } = batch;
  const hasAppendTime = (attributes & APPEND_TIME) !== 0;
  const timestampType = hasAppendTime ? "LOG_APPEND_TIME" : "CREATE_TIME";
  const firstTimestampMs = Number(bytes.readBigInt64BE(FIRST_TIMESTAMP_AT));
  const maxTimestampMs = Number(bytes.readBigInt64BE(MAX_TIMESTAMP_AT));
  const cursor = new Cursor(decompressed(batch));
  for (let left = bytes.readInt32BE(RECORD_COUNT_AT); left > 0; left--) {
    const length = cursor.varint();
    const end = cursor.at + length;
    cursor.at++; // attributes: none are defined for a record
    const timestampDelta = cursor.varint();
    const offset = firstOffset + cursor.varint();
    const timestampMs = hasAppendTime ? maxTimestampMs : firstTimestampMs + timestampDelta;
    const record = new StoredRecord(offset, timestampMs, timestampType, cursor);
    if (cursor.at > end || end > cursor.bytes.length)
      throw new CorruptBatchError(
        `the record at offset ${offset} is corrupt: it is longer than its ${length} bytes`,
      );
    cursor.at = end;
    if (offset >= fromOffset) records.push(record);
  }
  return cursor.bytes.length;
}

export interface ReadRecords {
  readonly records: readonly SourceRecord[];
  /** What the records keep in memory, bytes. */
  readonly bytes: number;
  /** Where to go on: beyond the records and any control records after them. */
  readonly nextOffset: number;
}

/**
 * Records from `fromOffset` on, without control records and without those of aborted transactions (21).
 * @param bytes record batches as a fetch brings them
 * @throws CorruptBatchError where the first batch is damaged
 */
export function readRecords(
  bytes: Buffer,
  aborted: readonly AbortedTransaction[],
  fromOffset: number,
): ReadRecords {
  const records: SourceRecord[] = [];
  let recordBytes = 0;
  const abortedProducers = new Set<bigint>();
  const pending = [...aborted].sort((a, b) => Number(a.firstOffset - b.firstOffset));
  let nextOffset = fromOffset;
  for (const batch of checkedBatches(bytes)) {
    nextOffset = Math.max(nextOffset, batch.nextOffset);
    while (pending[0] !== undefined && Number(pending[0].firstOffset) < batch.nextOffset) {
      abortedProducers.add(pending[0].producerId);
      pending.shift();
    }
    if ((batch.attributes & CONTROL_BATCH) !== 0) {
      // A marker ends its producer's transaction, aborted or committed.
      abortedProducers.delete(batch.producerId);
      continue;
    }
    const isAborted = (batch.attributes & TRANSACTIONAL) !== 0 && abortedProducers.has(batch.producerId);
    if (!isAborted) recordBytes += readBatch(batch, fromOffset, records);
  }
  return { records, bytes: recordBytes, nextOffset };
}
