// A record within its batch (Kafka's message format v2): a view into the bytes that came from the broker, since millions
// of them pass through here.

import type { SourceRecord } from "./event.ts";

const noHeaders: SourceRecord["headers"] = [];

/** Reads on in the bytes of a batch's records. Beyond their end it reads zeros: whoever reads checks the position. */
export class Cursor {
  at = 0;
  readonly bytes: Buffer;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  /** A zigzag varint; exact up to 2^53. */
  varint(): number {
    const first = this.bytes[this.at++] ?? 0;
    if (first < 0x80) return (first >>> 1) ^ -(first & 1);
    let value = first & 0x7f;
    for (let factor = 128; ; factor *= 128) {
      const byte = this.bytes[this.at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
  }

  /** Passes over a field of bytes with its length before it. @returns its length, −1 for null */
  skipField(): number {
    const length = this.varint();
    if (length > 0) this.at += length;
    return length;
  }

  field(): Buffer {
    const length = this.skipField();
    return this.bytes.subarray(this.at - Math.max(0, length), this.at);
  }
}

export class StoredRecord implements SourceRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly timestampType: SourceRecord["timestampType"];
  readonly #bytes: Buffer;
  readonly #keyLength: number;
  readonly #keyEnd: number;
  readonly #valueLength: number;
  readonly #valueEnd: number;

  /** @param cursor stands at the record's key, and after this at its headers */
  constructor(
    offset: number,
    timestampMs: number,
    timestampType: SourceRecord["timestampType"],
    cursor: Cursor,
  ) {
    this.offset = offset;
    this.timestampMs = timestampMs;
    this.timestampType = timestampType;
    this.#bytes = cursor.bytes;
    this.#keyLength = cursor.skipField();
    this.#keyEnd = cursor.at;
    this.#valueLength = cursor.skipField();
    this.#valueEnd = cursor.at;
  }

  get key(): Buffer | null {
    return this.#keyLength < 0 ? null : this.#bytes.subarray(this.#keyEnd - this.#keyLength, this.#keyEnd);
  }

  get value(): Buffer | null {
    return this.#valueLength < 0
      ? null
      : this.#bytes.subarray(this.#valueEnd - this.#valueLength, this.#valueEnd);
  }

  get headers(): SourceRecord["headers"] {
    const cursor = new Cursor(this.#bytes, this.#valueEnd);
    const count = cursor.varint();
    if (count === 0) return noHeaders;
    return Array.from({ length: count }, () => [cursor.field(), cursor.field()] as const);
  }
}
