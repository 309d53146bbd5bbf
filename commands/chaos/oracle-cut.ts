// Records that a power cut took out of the log. Nobody outside of the pipeline knows whether such an event had been
// counted, so both are right, and the rows say which it was: their sums are exact, and add up in one way only.

import type { LoggedRecord, StreamName } from "./log.ts";
import {
  add,
  type Contribution,
  contribution,
  type Event,
  type Sums,
  scaled,
  valuesOf,
} from "./oracle-sums.ts";

/** A counted or uncounted event of the cut records: the only ones with its identity. */
export interface CutEvent extends Contribution {
  readonly event: Event;
  readonly record: LoggedRecord;
}

/** Each half of them makes a table of 2^16 sums. */
const MOST_IN_A_ROW = 32;

/** Whether there are few enough of them in each row to find out which had been counted. */
export function canJudge(cut: readonly LoggedRecord[]): boolean {
  const events = cut.filter(({ fate, value }) => fate === "count" && value !== null);
  const rows = Map.groupBy(
    events,
    ({ stream, value }) => `${stream} ${contribution(stream, JSON.parse(String(value))).key}`,
  );
  return [...rows.values()].every((row) => row.length <= MOST_IN_A_ROW);
}

interface Subset {
  readonly mask: number;
  readonly size: number;
  readonly sum: bigint;
}

function subsetsOf(amounts: readonly bigint[]): Subset[] {
  const all: Subset[] = [{ mask: 0, size: 0, sum: 0n }];
  for (const [i, amount] of amounts.entries())
    for (const { mask, size, sum } of [...all])
      all.push({ mask: mask | (1 << i), size: size + 1, sum: sum + amount });
  return all;
}

/** All choices of so many amounts with this sum. */
function* choicesOf<T>(
  events: readonly T[],
  amountOf: (event: T) => bigint,
  count: number,
  total: bigint,
): Iterable<T[]> {
  const middle = Math.floor(events.length / 2);
  const halves = [events.slice(0, middle), events.slice(middle)] as const;
  const [left, right] = halves.map((half) => subsetsOf(half.map(amountOf)));
  const bySum = Map.groupBy(left ?? [], ({ size, sum }) => `${size} ${sum}`);
  const pick = (half: readonly T[], mask: number) => half.filter((_, i) => (mask & (1 << i)) !== 0);
  for (const { mask, size, sum } of right ?? [])
    for (const other of bySum.get(`${count - size} ${total - sum}`) ?? [])
      yield [...pick(halves[0], other.mask), ...pick(halves[1], mask)];
}

const copyOf = (sums: Sums): Sums => ({
  ...sums,
  sums: { ...sums.sums },
  conditions: { ...sums.conditions },
});

function withEvents(stream: StreamName, base: Sums, events: readonly CutEvent[]): Sums {
  const sums = copyOf(base);
  for (const { event, adds } of events) add(sums, stream, event, adds);
  return sums;
}

/**
 * Which of a row's cut events had been counted.
 * @param base what the log's records give
 * @param values the row as it is
 * @returns the counted ones and the row with them; no event where none gives that row
 */
export function chooseCounted<T extends CutEvent>(
  stream: StreamName,
  base: Sums,
  events: readonly T[],
  values: string,
): { readonly counted: readonly T[]; readonly sums: Sums } {
  // The number of events, the least and the largest of sensors' rows, and then the sums.
  const fields = values.split(" ");
  const [name = "", first] = Object.entries(events[0]?.adds ?? {})[0] ?? [];
  if (first === undefined) return { counted: [], sums: base };
  const total = scaled(fields[stream === "sensor" ? 3 : 1] ?? "0") - (base.sums[name] ?? 0n);
  const amountOf = ({ adds }: T) => adds[name] ?? 0n;
  for (const counted of choicesOf(events, amountOf, Number(fields[0]) - base.events, total)) {
    const sums = withEvents(stream, base, counted);
    if (valuesOf(stream, sums) === values) return { counted, sums };
  }
  return { counted: [], sums: base };
}
