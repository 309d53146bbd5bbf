// Prices of a region, from prices.json: the one place where a price stands, each with where it is from.

import file from "./prices.json" with { type: "json" };

export type PriceName = keyof (typeof file)["regions"]["us-east-1"];

export interface Price {
  readonly usd: number;
  readonly per: string;
  /** AWS's page to check it on. */
  readonly page: string;
  /** How it is known: from AWS's documentation, from somebody else's page, or from nothing that could be shown. */
  readonly basis: string;
  readonly note: string;
}

export type Prices = Readonly<Record<PriceName, Price>>;

const regions: Readonly<Record<string, Prices>> = file.regions;

export const { compiled, warning } = file;

/** @throws Error where the file has no prices of the region */
export function pricesOf(region: string): Prices {
  const prices = regions[region];
  if (prices === undefined)
    throw new Error(
      `--region ${region}: cost/prices.json has prices of ${Object.keys(regions).join(", ")} only; add the region's`,
    );
  return prices;
}
