// Prices of a region, from prices.json: the one place where a price stands, each with where it is from. A region some of
// whose prices nobody could show is refused: a bill with a guess in it looks like one without.

import file from "./prices.json" with { type: "json" };

export type PriceName = keyof (typeof file)["regions"]["us-east-1"];

export interface Price {
  readonly usd: number;
  readonly per: string;
  /** AWS's page to check it on. */
  readonly page: string;
  /** How it is known: `bases` says what the words mean. */
  readonly basis: string;
  /** What was read, and of which day it is. */
  readonly source: string;
  readonly date: string;
}

export type Prices = Readonly<Record<PriceName, Price>>;

const regions: Readonly<Record<string, Partial<Prices>>> = file.regions;
const wanted = Object.entries(file.regions["us-east-1"]);

export const { compiled, warning, bases } = file;

const missingIn = (prices: Partial<Prices>) => wanted.filter(([name]) => !(name in prices));
const isWhole = (prices: Partial<Prices>): prices is Prices => missingIn(prices).length === 0;

/** @throws Error that names what is missing, and where to look it up, where the file has not all prices of the region */
export function pricesOf(region: string): Prices {
  const prices = regions[region] ?? {};
  if (isWhole(prices)) return prices;
  const missing = missingIn(prices).map(([name, { per, page }]) => `  ${name}, per ${per}: ${page}`);
  const whole = Object.keys(regions).filter((name) => isWhole(regions[name] ?? {}));
  throw new Error(
    `--region ${region}: ${missing.length} prices are missing in cost/prices.json:\n${missing.join("\n")}\n` +
      `Look each up on its page, and add it under "${region}" as it stands under "us-east-1". ` +
      `All prices are there of ${whole.join(", ")}`,
  );
}
