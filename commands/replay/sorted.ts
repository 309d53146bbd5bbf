// Sorting by time what may be larger than memory: sorted pieces in a temporary folder, merged while they are read.

import { createReadStream, rmSync } from "node:fs";
import { mkdtemp, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compareEntries, type Entry, readEntry, writeEntry } from "./entry.ts";

/** Entries in memory at a time, some 50 MB. */
const PIECE_ENTRIES = 100_000;
const WRITE_CHARACTERS = 1 << 20;

async function writePiece(path: string, entries: readonly Entry[]): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    let buffer = "";
    for (const entry of entries) {
      buffer += `${writeEntry(entry)}\n`;
      if (buffer.length < WRITE_CHARACTERS) continue;
      await file.write(buffer);
      buffer = "";
    }
    await file.write(buffer);
  } finally {
    await file.close();
  }
}

/** The entries of a piece, several at a time. */
async function* readPiece(path: string): AsyncIterable<Entry[]> {
  let rest = "";
  const stream = createReadStream(path, { encoding: "utf8", highWaterMark: 1 << 16 });
  for await (const chunk of stream) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield lines.map(readEntry);
  }
}

/** A piece at the place to which it has been read. */
class Cursor {
  readonly #batches: AsyncIterator<Entry[]>;
  #batch: Entry[] = [];
  #at = -1;
  current: Entry | undefined;

  constructor(path: string) {
    this.#batches = readPiece(path)[Symbol.asyncIterator]();
  }

  /** Moves to the next entry; false where the batch has ended and `refill` has to come first. */
  next(): boolean {
    this.current = this.#batch[++this.#at];
    return this.current !== undefined;
  }

  async refill(): Promise<void> {
    do {
      const { value, done } = await this.#batches.next();
      this.#batch = done === true ? [] : value;
      this.#at = -1;
      if (done === true) {
        this.current = undefined;
        return;
      }
    } while (!this.next());
  }

  async close(): Promise<void> {
    await this.#batches.return?.();
  }
}

/** Moves the first of the heap to its place; cursors stand by their current entries. */
function sink(heap: Cursor[]): void {
  const moved = heap[0];
  if (moved?.current === undefined) return;
  let at = 0;
  for (;;) {
    let least = 2 * at + 1;
    const left = heap[least]?.current;
    if (left === undefined) break;
    const right = heap[least + 1]?.current;
    if (right !== undefined && compareEntries(right, left) < 0) least++;
    const child = heap[least];
    if (child?.current === undefined || compareEntries(moved.current, child.current) <= 0) break;
    heap[at] = child;
    at = least;
  }
  heap[at] = moved;
}

async function* merge(paths: readonly string[]): AsyncIterable<Entry> {
  const cursors = paths.map((path) => new Cursor(path));
  try {
    for (const cursor of cursors) await cursor.refill();
    const heap = cursors.filter(({ current }) => current !== undefined);
    heap.sort((a, b) => (a.current && b.current ? compareEntries(a.current, b.current) : 0));
    for (let first = heap[0]; first?.current !== undefined; first = heap[0]) {
      yield first.current;
      if (!first.next()) await first.refill();
      if (first.current === undefined) {
        const last = heap.pop();
        if (last !== undefined && heap.length > 0) heap[0] = last;
      }
      sink(heap);
    }
  } finally {
    await Promise.all(cursors.map((cursor) => cursor.close()));
  }
}

/** Takes entries in any order, and gives them by time, as often as asked. */
export class SortedEntries {
  readonly #pieceEntries: number;
  #entries: Entry[] = [];
  readonly #pieces: string[] = [];
  #folder: string | null = null;
  readonly #removeFolder = () => {
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true });
  };

  constructor(pieceEntries = PIECE_ENTRIES) {
    this.#pieceEntries = pieceEntries;
  }

  /** @returns a promise where a piece has to be written first */
  add(entry: Entry): Promise<void> | undefined {
    this.#entries.push(entry);
    return this.#entries.length < this.#pieceEntries ? undefined : this.#spill();
  }

  /** After the last `add`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Entry> {
    this.#entries.sort(compareEntries);
    if (this.#pieces.length > 0 && this.#entries.length > 0) await this.#spill();
    if (this.#pieces.length > 0) yield* merge(this.#pieces);
    else yield* this.#entries;
  }

  /** Removes what is on disk. */
  close(): void {
    process.off("exit", this.#removeFolder);
    this.#removeFolder();
  }

  async #spill(): Promise<void> {
    if (this.#folder === null) {
      this.#folder = await mkdtemp(join(tmpdir(), "smartgrid-replay-"));
      process.once("exit", this.#removeFolder); // also after Ctrl-C
    }
    const path = join(this.#folder, `${this.#pieces.length}`);
    this.#entries.sort(compareEntries);
    await writePiece(path, this.#entries);
    this.#pieces.push(path);
    this.#entries = [];
  }
}
