// The rows that a batch adds to, in columns, as the commit takes them. A row is found by its window and the bytes of its key.

import type { EventReader } from "./event-reader.ts";
import type { Column } from "./sums.ts";

const EMPTY = -1;

export class Rows {
  /** Of each row, µs since the epoch. */
  readonly windowStartsUs: number[] = [];
  /** How many events each row has. */
  readonly counts: number[] = [];
  readonly #keys: string[][];
  readonly #columns: readonly Column[];
  /** Of each row the hash of window and key, and where the key's bytes end; they begin where those of the row before end. */
  readonly #hashes: number[] = [];
  readonly #keyEnds: number[] = [];
  #keyBytes: Buffer = Buffer.alloc(1024);
  /** Open addressing: a row's number stands at its hash, or behind it. */
  #table: Int32Array = new Int32Array(64).fill(EMPTY);

  /** @param keys how many texts the key has */
  constructor(keys: number, columns: readonly Column[]) {
    this.#keys = Array.from({ length: keys }, () => []);
    this.#columns = columns;
  }

  get length(): number {
    return this.counts.length;
  }

  /** Adds the reader's event to the row of its key in the window from `startUs` on. */
  add(startUs: number, event: EventReader): void {
    const row = this.rowOf(startUs, event);
    this.counts[row] = (this.counts[row] ?? 0) + 1;
    for (let c = 0; c < this.#columns.length; c++) this.#columns[c]?.add(row, event);
  }

  /** The number of a row, which begins with no event where it is not there yet. */
  rowOf(startUs: number, event: EventReader): number {
    event.readKey();
    // In seconds, so that it fits into 32 bits; after 2038 it wraps, which a hash may.
    const hash = Math.imul(event.keyHash ^ ((startUs / 1e6) | 0), 0x9e3779b1);
    const mask = this.#table.length - 1;
    for (let at = (hash >>> 7) & mask; ; at = (at + 1) & mask) {
      const row = this.#table[at] ?? EMPTY;
      if (row === EMPTY) return this.#begin(at, hash, startUs, event);
      if (this.#hashes[row] === hash && this.windowStartsUs[row] === startUs && this.#isOf(row, event))
        return row;
    }
  }

  #isOf(row: number, { keyBytes, keyLength }: EventReader): boolean {
    const from = this.#keyEnds[row - 1] ?? 0;
    if ((this.#keyEnds[row] ?? 0) - from !== keyLength) return false;
    for (let i = 0; i < keyLength; i++) if (this.#keyBytes[from + i] !== keyBytes[i]) return false;
    return true;
  }

  #begin(at: number, hash: number, startUs: number, event: EventReader): number {
    const row = this.counts.length;
    const from = this.#keyEnds[row - 1] ?? 0;
    const to = from + event.keyLength;
    if (to > this.#keyBytes.length) this.#keyBytes = Buffer.concat([this.#keyBytes], 2 * to);
    event.keyBytes.copy(this.#keyBytes, from, 0, event.keyLength);
    this.#keyEnds.push(to);
    this.#hashes.push(hash);
    this.windowStartsUs.push(startUs);
    this.counts.push(0);
    const key = event.key();
    for (let k = 0; k < key.length; k++) this.#keys[k]?.push(key[k] ?? "");
    for (const column of this.#columns) column.begin();
    this.#table[at] = row;
    if (2 * this.counts.length > this.#table.length) this.#grow();
    return row;
  }

  #grow(): void {
    const table = new Int32Array(4 * this.#table.length).fill(EMPTY);
    const mask = table.length - 1;
    for (let row = 0; row < this.#hashes.length; row++) {
      let at = ((this.#hashes[row] ?? 0) >>> 7) & mask;
      while (table[at] !== EMPTY) at = (at + 1) & mask;
      table[at] = row;
    }
    this.#table = table;
  }

  /** Keys, counts and sums, as parameters of the stream's commit function, in its order. */
  parameters(): (string | number)[][] {
    return [...this.#keys, this.counts, ...this.#columns.map((column) => column.written())];
  }
}
