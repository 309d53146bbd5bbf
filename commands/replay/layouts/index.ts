// The built-in layouts, by name.

import type { Layout } from "../layout.ts";
import { dsmr } from "./dsmr.ts";
import { enedis } from "./enedis.ts";
import { entsoE, entsoEFiles } from "./entso-e.ts";
import { fluvius } from "./fluvius.ts";
import { greenButton } from "./green-button.ts";
import { halfHourly } from "./half-hourly.ts";
import { homeAssistant } from "./home-assistant.ts";
import { zoneLoads, zonesForecast } from "./hourly-loads.ts";
import { household } from "./household.ts";
import { nem12 } from "./nem12.ts";
import { octopus } from "./octopus.ts";
import { openEms, openEmsSemicolon } from "./openems.ts";
import { shelly, shellyPro } from "./shelly.ts";
import { ukHalfHourly } from "./uk-half-hourly.ts";
import { victoriaDemand } from "./victoria-demand.ts";

const all: readonly Layout[] = [
  greenButton,
  nem12,
  ukHalfHourly,
  octopus,
  dsmr,
  enedis,
  fluvius,
  entsoE,
  entsoEFiles,
  shelly,
  shellyPro,
  homeAssistant,
  openEms,
  openEmsSemicolon,
  household,
  halfHourly,
  victoriaDemand,
  zoneLoads,
  zonesForecast,
];

export const layouts: ReadonlyMap<string, Layout> = new Map(all.map((layout) => [layout.name, layout]));

/** The layouts that a text may be of. @param head its first 64 KB */
export function recognised(head: string): Layout[] {
  return all.filter((layout) => layout.recognises(head));
}
