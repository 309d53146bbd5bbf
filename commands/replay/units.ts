// Units as files write them.

import { byPowerOfTen } from "../../lib/core/decimal.ts";
import type { Decimal } from "../../lib/core/exact.ts";
import { type EnergyUnit, type PowerUnit, SkippedRow } from "./layout.ts";

/** Powers of ten to kWh, or to kW. */
const POWERS: Readonly<Record<EnergyUnit | PowerUnit, number>> = {
  Wh: -3,
  kWh: 0,
  MWh: 3,
  W: -3,
  kW: 0,
  MW: 3,
};
const BY_TEXT = new Map<string, EnergyUnit | PowerUnit>(
  (["Wh", "kWh", "MWh", "W", "kW", "MW"] as const).map((unit) => [unit.toLowerCase(), unit]),
);
const REFUSED = [
  [
    /^(m3|m\u00b3|m\^3|nm3|sm3|cbm|ccf|mcf|scf|ft3|therms?)$/i,
    "is a volume or a heat of gas or water, no electric energy",
  ],
  [/^k?va(r|rh|h)?$/i, "is reactive or apparent, no active energy"],
  [/^(g|t|m)?j$|^btu$/i, "is no unit that is taken; convert it to kWh"],
] as const;

export function isPowerUnit(unit: EnergyUnit | PowerUnit): unit is PowerUnit {
  return unit === "W" || unit === "kW" || unit === "MW";
}

/**
 * The unit that a text names, in any case of letters (`KWH`); in brackets too.
 * @throws SkippedRow naming the unit where it is none of energy or power
 */
export function unitIn(text: string): EnergyUnit | PowerUnit {
  const name = text.replace(/^[[(]|[\])]$/g, "").trim();
  // Nobody measures with mW, and milliwatt hours would be a million times less.
  const unit = /^m[wW]h?$/.test(name) ? undefined : BY_TEXT.get(name.toLowerCase());
  if (unit !== undefined) return unit;
  const why = REFUSED.find(([pattern]) => pattern.test(name))?.[1] ?? "is not Wh, kWh, MWh, W, kW or MW";
  throw new SkippedRow(`the unit "${name}" ${why}`);
}

/** A number in kWh (or kW) from one in `unit`. */
export function inKilo(value: Decimal, unit: EnergyUnit | PowerUnit): Decimal {
  return byPowerOfTen(value, POWERS[unit]);
}
