// A monthly bill: lines of quantity times price. Law: the total is the sum of the lines.

import type { PriceName, Prices } from "./prices.ts";

/** AWS's month. */
export const HOURS_PER_MONTH = 730;
export const SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600;

export interface Line {
  readonly item: string;
  /** In units of the price's `per`. */
  readonly quantity: number;
  readonly price: PriceName;
  /** Whose price it is. */
  readonly region: string;
  readonly usd: number;
}

export interface Bill {
  readonly name: string;
  readonly lines: readonly Line[];
  /** What the quantities rest on. */
  readonly notes: readonly string[];
  /** Why this way does not carry the load at all; empty where it does. */
  readonly limits: readonly string[];
}

export type Item = readonly [item: string, quantity: number, price: PriceName];

export function linesOf(items: readonly Item[], prices: Prices): Line[] {
  return items
    .filter(([, quantity]) => quantity > 0)
    .map(([item, quantity, price]) => {
      const { usd, region } = prices(price);
      return { item, quantity, price, region, usd: quantity * usd };
    });
}

/** USD per month. */
export function totalOf(bill: Bill): number {
  return bill.lines.reduce((sum, line) => sum + line.usd, 0);
}
