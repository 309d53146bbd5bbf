// What the rows of a batch are made of, one class for each way of merging: columns of sums, one sum for each row. Law: adding
// is commutative and associative (tests/unit/streams), and PostgreSQL merges two totals in the same way
// (lib/postgres/stream-functions.ts).

import { compareExact, type Exact, ExactSquareSums, ExactSums, writeExact } from "../core/exact.ts";
import type { SumColumn } from "./declaration.ts";
import type { EventReader } from "./event-reader.ts";

export interface Column {
  /** Begins the next row, with the sum of no event. */
  begin(): void;
  /** Adds the reader's event to a row. */
  add(row: number, event: EventReader): void;
  /** The sums, as PostgreSQL reads them. */
  written(): (string | number)[];
}

class Added implements Column {
  readonly #sums = new ExactSums();
  readonly #value: number;
  constructor(value: number) {
    this.#value = value;
  }
  begin(): void {
    this.#sums.begin();
  }
  add(row: number, event: EventReader): void {
    this.#sums.add(row, event.exact(this.#value), event.power(this.#value));
  }
  written(): string[] {
    return this.#sums.written();
  }
}

class AddedSquares implements Column {
  readonly #sums = new ExactSquareSums();
  readonly #value: number;
  constructor(value: number) {
    this.#value = value;
  }
  begin(): void {
    this.#sums.begin();
  }
  add(row: number, event: EventReader): void {
    this.#sums.add(row, event.exact(this.#value));
  }
  written(): string[] {
    return this.#sums.written();
  }
}

/** The smallest or the largest value of each row. */
class Extreme implements Column {
  readonly #extremes: Exact[] = [];
  readonly #value: number;
  readonly #sign: 1 | -1;
  /** @param sign 1 for the largest value, −1 for the smallest */
  constructor(value: number, sign: 1 | -1) {
    this.#value = value;
    this.#sign = sign;
  }
  begin(): void {
    this.#extremes.push(this.#sign * Number.NEGATIVE_INFINITY);
  }
  add(row: number, event: EventReader): void {
    const value = event.exact(this.#value);
    const extreme = this.#extremes[row] ?? 0;
    const isFirst = typeof extreme === "number" && !Number.isFinite(extreme);
    if (isFirst || this.#sign * compareExact(value, extreme) > 0) this.#extremes[row] = value;
  }
  written(): (string | number)[] {
    return this.#extremes.map((extreme) => (typeof extreme === "number" ? extreme : writeExact(extreme)));
  }
}

class CountedBy implements Column {
  readonly #counts: Map<string, number>[] = [];
  readonly #text: number;
  constructor(text: number) {
    this.#text = text;
  }
  begin(): void {
    this.#counts.push(new Map());
  }
  add(row: number, event: EventReader): void {
    const text = `${event.text(this.#text)}`;
    const counts = this.#counts[row];
    counts?.set(text, (counts.get(text) ?? 0) + 1);
  }
  written(): string[] {
    return this.#counts.map((counts) => JSON.stringify(Object.fromEntries(counts)));
  }
}

/** Makes a column of no row, by the way of merging and the number of what is merged. */
export const columnOf = {
  add: (value: number) => new Added(value),
  addSquares: (value: number) => new AddedSquares(value),
  least: (value: number) => new Extreme(value, -1),
  greatest: (value: number) => new Extreme(value, 1),
  countBy: (text: number) => new CountedBy(text),
} as const satisfies Record<SumColumn["merge"], (of: number) => Column>;
