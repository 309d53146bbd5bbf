import type { EnergyUnit, Found } from "../layout.ts";
import { SkippedRow } from "../layout.ts";
import { decimalIn, isMissing } from "../numbers.ts";
import { tableLayout } from "../table.ts";
import { isoTime } from "../times.ts";
import { meter } from "./meters.ts";

/** The unit at the end of an entity's name, as many integrations put it there. */
const UNITS: Readonly<Record<string, EnergyUnit>> = { wh: "Wh", kwh: "kWh", mwh: "MWh" };

/** Which entities count energy: the file says nothing but their names. */
function energyUnitOf(entity: string): { unit: EnergyUnit; isNamed: boolean } | null {
  const ending = /_(m?k?wh)(?:_\d+)?$/i.exec(entity)?.[1]?.toLowerCase() ?? "";
  const unit = UNITS[ending];
  if (unit !== undefined) return { unit, isNamed: true };
  if (
    !/energy|consumption|produc|import|export|_total/i.test(entity) ||
    /power|cost|price|gas|water/i.test(entity)
  )
    return null;
  return { unit: "kWh", isNamed: false };
}

export const homeAssistant = tableLayout({
  name: "home-assistant",
  about:
    "Home Assistant's history (Download data): standings of energy sensors, told by their names, in kWh unless the name ends otherwise; UTC",
  delimiter: ",",
  columns: ["entity_id", "state", "last_changed"],
  open() {
    const timeOf = isoTime("UTC");
    const unnamed = new Map<string, number>();
    return {
      *row({ line, text }) {
        const entity = text("entity_id");
        const energy = energyUnitOf(entity);
        if (energy === null) {
          yield { kind: "leftOut", line, reason: `${entity}: by its name no energy` };
          return;
        }
        if (isMissing(text("state"))) {
          yield { kind: "leftOut", line, reason: "the state is unavailable or unknown" };
          return;
        }
        const at = timeOf(text("last_changed"));
        if (at === null) throw new SkippedRow("last_changed is no time");
        if (!energy.isNamed && !unnamed.has(entity)) unnamed.set(entity, line);
        yield {
          kind: "measurement",
          line,
          column: "state",
          series: meter(entity),
          at,
          stamp: "start",
          value: decimalIn(text("state"), "state"),
          of: { quantity: "standing", unit: energy.unit },
        };
      },
      *end(): Iterable<Found> {
        const [first] = unnamed;
        if (first === undefined) return;
        const [entity, line] = first;
        yield {
          kind: "doubt",
          name: "unit",
          text: `${entity} (line ${line}${unnamed.size > 1 ? `, and ${unnamed.size - 1} more` : ""}): the file names no unit; kWh is assumed, --accept unit takes it`,
        };
      },
    };
  },
});
