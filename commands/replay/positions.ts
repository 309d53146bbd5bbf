// Which row of the file stands where in the topics.

import { difference, type OffsetRanges, union } from "../../lib/core/ranges.ts";
import type { Placement } from "../../lib/kafka/produce.ts";

/** Records of one send, stored one after the other. */
interface Stretch {
  readonly from: number;
  readonly lines: Uint32Array;
}

export interface Partition {
  readonly topic: string;
  readonly partition: number;
  /** One after the other, until an offset comes that is not beyond all before: another log, or one that was cut. */
  readonly stretches: Stretch[];
  /** The lowest offset that came again; null where none has. */
  cutFrom: number | null;
  records: number;
}

export class Positions {
  readonly #partitions = new Map<string, Partition>();

  get partitions(): readonly Partition[] {
    return [...this.#partitions.values()];
  }

  get records(): number {
    return this.partitions.reduce((sum, { records }) => sum + records, 0);
  }

  /** @param lines of the records of a send, in their order */
  add(topic: string, placements: readonly Placement[], lines: readonly number[]): void {
    for (const { partition, offset, indexes } of placements) {
      const key = `${topic}-${partition}`;
      let found = this.#partitions.get(key);
      if (found === undefined) {
        found = { topic, partition, stretches: [], cutFrom: null, records: 0 };
        this.#partitions.set(key, found);
      }
      found.records += indexes.length;
      const last = found.stretches.at(-1);
      const end = last === undefined ? 0 : last.from + last.lines.length;
      if (found.cutFrom !== null || offset < end) found.cutFrom = Math.min(found.cutFrom ?? offset, offset);
      else found.stretches.push({ from: offset, lines: Uint32Array.from(indexes, (i) => lines[i] ?? 0) });
    }
  }
}

/** The line of the record at an offset; null where it is none of the file's. */
export function lineAt({ stretches }: Partition, offset: number): number | null {
  let [low, high] = [0, stretches.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const stretch = stretches[middle];
    if (stretch === undefined) return null;
    if (offset < stretch.from) high = middle - 1;
    else if (offset >= stretch.from + stretch.lines.length) low = middle + 1;
    else return stretch.lines[offset - stretch.from] ?? null;
  }
  return null;
}

/** The offsets below the place (null: all) where the log was cut. */
export function offsetsBelow({ stretches }: Partition, cutFrom: number | null): OffsetRanges {
  const ranges = stretches.map(({ from, lines }) => ({ from, to: from + lines.length }));
  const all = union([], ranges);
  return cutFrom === null ? all : difference(all, [{ from: cutFrom, to: Number.MAX_SAFE_INTEGER }]);
}
