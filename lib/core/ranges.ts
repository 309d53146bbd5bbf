// Sets of offsets as sorted, disjoint, non-adjacent half-open ranges [from, to). Law: two sets are equal exactly
// when their arrays are (normal form). This is what the ledger holds: a highest offset alone cannot say what a
// bisected or overlapping delivery has left out.

/** Offsets from (inclusive) to (exclusive), from < to. */
export interface OffsetRange {
  readonly from: number;
  readonly to: number;
}

export type OffsetRanges = readonly OffsetRange[];

/** The union of two sets; they need not be in normal form. */
export function union(a: OffsetRanges, b: OffsetRanges): OffsetRanges {
  const result: { from: number; to: number }[] = [];
  for (const range of [...a, ...b].sort((x, y) => x.from - y.from)) {
    const last = result.at(-1);
    if (last !== undefined && range.from <= last.to) last.to = Math.max(last.to, range.to);
    else result.push({ from: range.from, to: range.to });
  }
  return result;
}

/** The offsets of `a` that are not in `b`. */
export function difference(a: OffsetRanges, b: OffsetRanges): OffsetRanges {
  const result: OffsetRange[] = [];
  for (const range of a) {
    let from = range.from;
    for (const hole of b) {
      if (hole.to <= from) continue;
      if (hole.from >= range.to) break;
      if (hole.from > from) result.push({ from, to: hole.from });
      from = hole.to;
    }
    if (from < range.to) result.push({ from, to: range.to });
  }
  return result;
}

/** The offsets of the set in [from, to). */
export function clip(ranges: OffsetRanges, from: number, to: number): OffsetRanges {
  return ranges
    .map((range) => ({ from: Math.max(range.from, from), to: Math.min(range.to, to) }))
    .filter((range) => range.from < range.to);
}

/** Whether the set holds an offset. */
export function holds(ranges: OffsetRanges, offset: number): boolean {
  return ranges.some((range) => range.from <= offset && offset < range.to);
}

/** How many offsets the set holds. */
export function size(ranges: OffsetRanges): number {
  return ranges.reduce((sum, range) => sum + range.to - range.from, 0);
}

/** As PostgreSQL's `int8multirange` writes it: `{[0,10),[12,20)}`. */
export function toMultirange(ranges: OffsetRanges): string {
  return `{${ranges.map((range) => `[${range.from},${range.to})`).join(",")}}`;
}

/** Reads PostgreSQL's `int8multirange` in its canonical form. @throws Error where the text is none */
export function fromMultirange(text: string): OffsetRanges {
  if (!/^\{(\[\d+,\d+\)(,\[\d+,\d+\))*)?\}$/.test(text)) throw new Error(`not an int8multirange: ${text}`);
  return [...text.matchAll(/\[(\d+),(\d+)\)/g)].map((match) => ({
    from: Number(match[1]),
    to: Number(match[2]),
  }));
}

/** Of a list of ranges the first few, so that a line stays a line. */
const SHOWN_RANGES = 5;

/** For people: `[0,10) [12,20)`, the first few of them. */
export function rangesText(ranges: OffsetRanges): string {
  const shown = ranges.slice(0, SHOWN_RANGES).map(({ from, to }) => `[${from},${to})`);
  return ranges.length > SHOWN_RANGES ? `${shown.join(" ")} … ${ranges.length} ranges` : shown.join(" ");
}
