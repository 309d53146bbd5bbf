// What a window's row is made of, one class for each way of merging. Law: adding is commutative and associative
// (tests/unit/streams), and PostgreSQL merges two totals in the same way (lib/postgres/stream-sql.ts).

import { ExactSquareSum, ExactSum } from "../core/exact.ts";
import type { SumColumn } from "./declaration.ts";

/** What is kept of an event, by name. */
export interface EventFields {
  [name: string]: string | number | boolean | null;
}

/** The power of ten that leads from the event's unit to the one that is summed. */
export type PowerOf = (event: EventFields) => number;

export interface Sum {
  /** @param power of ten by which the value is multiplied */
  add(value: EventFields[string] | undefined, power: number): void;
  /** As PostgreSQL reads it. */
  written(): string | number;
}

/** One group of events in one window. */
export interface WindowSums {
  readonly key: readonly string[];
  count: number;
  readonly sums: readonly Sum[];
}

class Least implements Sum {
  #least = Number.POSITIVE_INFINITY;
  add(value: number): void {
    if (value < this.#least) this.#least = value;
  }
  written(): number {
    return this.#least;
  }
}

class Greatest implements Sum {
  #greatest = Number.NEGATIVE_INFINITY;
  add(value: number): void {
    if (value > this.#greatest) this.#greatest = value;
  }
  written(): number {
    return this.#greatest;
  }
}

class CountedBy implements Sum {
  readonly #counts = new Map<string, number>();
  add(value: string): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
  }
  written(): string {
    return JSON.stringify(Object.fromEntries(this.#counts));
  }
}

/** Makes the sum of no event, by the way of merging. */
export const sums = {
  add: () => new ExactSum(),
  addSquares: () => new ExactSquareSum(),
  least: () => new Least(),
  greatest: () => new Greatest(),
  countBy: () => new CountedBy(),
} as const satisfies Record<SumColumn["merge"], () => Sum>;
