// Prices of a region, from prices.json: the one place where a price stands, each with where it is from. Where nobody could
// show a region's price, us-east-1's stands in its place and says whose it is: no price is a guess.

import file from "./prices.json" with { type: "json" };

/** The region that has all prices; they stand in where another has none. */
export const WHOLE_REGION = "us-east-1";

export type PriceName = keyof (typeof file)["regions"][typeof WHOLE_REGION];

interface ListedPrice {
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

export interface Price extends ListedPrice {
  /** Whose price it is: of the region that was asked for, or of the one that stands in. */
  readonly region: string;
}

export type Prices = (name: PriceName) => Price;

const regions: Readonly<Record<string, Partial<Record<PriceName, ListedPrice>>>> = file.regions;

export const { compiled, warning, bases } = file;

/** @throws Error that names the regions there are, where the file has no price of this one */
export function pricesOf(region: string): Prices {
  const own = Object.hasOwn(regions, region) ? regions[region] : undefined;
  if (own === undefined)
    throw new Error(
      `--region ${region}: commands/cost/prices.json has no price of it, only of ${Object.keys(regions).join(" and ")}`,
    );
  return (name) => {
    const price = own[name];
    return price === undefined
      ? { ...file.regions[WHOLE_REGION][name], region: WHOLE_REGION }
      : { ...price, region };
  };
}
