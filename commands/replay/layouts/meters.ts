// Meters as the built-in layouts name them.

import type { Series } from "../layout.ts";

export type Direction = "import" | "export";

/**
 * What a meter counts in one direction. Energy that is fed into the grid is a meter and a customer of its own, so that no total
 * of consumption holds it.
 */
export function meter(id: string, direction: Direction = "import"): Series {
  const name = direction === "export" ? `${id}-export` : id;
  return { kind: "meter", meterId: name, customerId: name };
}
