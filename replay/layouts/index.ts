// The built-in layouts, by name.

import type { Layout } from "../layout.ts";
import { halfHourly } from "./half-hourly.ts";
import { zoneLoads, zonesForecast } from "./hourly-loads.ts";
import { household } from "./household.ts";
import { victoriaDemand } from "./victoria-demand.ts";

const all: readonly Layout[] = [household, halfHourly, victoriaDemand, zoneLoads, zonesForecast];

export const layouts: ReadonlyMap<string, Layout> = new Map(all.map((layout) => [layout.name, layout]));

/** The layouts that a text may be of. @param head its first 64 KB */
export function recognised(head: string): Layout[] {
  return all.filter((layout) => layout.recognises(head));
}
