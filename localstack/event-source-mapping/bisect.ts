// Halving a batch that failed (15), in the order of partition and offset.

import type { Slice } from "./partial-response.ts";

export function countOf<R extends { readonly offset: number }>(batch: readonly Slice<R>[]): number {
  return batch.reduce((sum, slice) => sum + slice.records.length, 0);
}

/** The first `count` records of a batch, and the rest. */
export function splitAt<R extends { readonly offset: number }>(
  batch: readonly Slice<R>[],
  count: number,
): readonly [first: Slice<R>[], rest: Slice<R>[]] {
  const first: Slice<R>[] = [];
  const rest: Slice<R>[] = [];
  let left = count;
  for (const { partition, records } of batch) {
    const taken = Math.min(left, records.length);
    if (taken > 0) first.push({ partition, records: records.slice(0, taken) });
    if (taken < records.length) rest.push({ partition, records: records.slice(taken) });
    left -= taken;
  }
  return [first, rest];
}

/** Two halves of a batch of at least two records, in the order of partition and offset; the first has the odd one. */
export function halve<R extends { readonly offset: number }>(
  batch: readonly Slice<R>[],
): readonly [first: Slice<R>[], second: Slice<R>[]] {
  const inOrder = [...batch].sort((a, b) => a.partition - b.partition);
  return splitAt(inOrder, Math.ceil(countOf(batch) / 2));
}
