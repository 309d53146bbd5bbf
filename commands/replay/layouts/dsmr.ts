// DSMR: the telegrams that Dutch, Belgian, Luxembourgish and Nordic meters send at their port P1 (Netbeheer Nederland, "P1
// Companion Standard"), one after the other in a log.

import type { FileTime, Found, Layout, LayoutOptions } from "../layout.ts";
import { SkippedRow } from "../layout.ts";
import { linesOf } from "../lines.ts";
import { decimalIn } from "../numbers.ts";
import { patternTime } from "../times.ts";
import { isPowerUnit, unitIn } from "../units.ts";
import { meter } from "./meters.ts";
import { type Telegram, telegramsOf } from "./telegram.ts";

const TIME = "0-0:1.0.0";
const METER_ID = ["0-0:96.1.1", "0-0:96.1.0", "1-0:0.0.0", "0-0:42.0.0"];
/** Registers by tariff, and the one of all tariffs for meters without. */
const REGISTERS = {
  import: { tariffs: ["1-0:1.8.1", "1-0:1.8.2", "1-0:1.8.3", "1-0:1.8.4"], all: "1-0:1.8.0" },
  export: { tariffs: ["1-0:2.8.1", "1-0:2.8.2", "1-0:2.8.3", "1-0:2.8.4"], all: "1-0:2.8.0" },
} as const;
/** Registers of gas, heat and water meters behind the electricity meter. */
const OTHER_METERS = /^0-[1-4]:24\.[23]\.\d$/;

/** `170102161005W`: the letter tells summer time from winter time. */
function timeReader({ zone }: LayoutOptions): (text: string) => FileTime | null {
  const winter = patternTime("yyMMddHHmmss", "+01:00");
  const summer = patternTime("yyMMddHHmmss", "+02:00");
  const unmarked = patternTime("yyMMddHHmmss", zone ?? "Europe/Amsterdam");
  return (text) => {
    if (text.endsWith("W")) return winter(text.slice(0, -1));
    return text.endsWith("S") ? summer(text.slice(0, -1)) : unmarked(text);
  };
}

/** The meter's number, written in hexadecimal digits of its letters. */
function meterIdOf({ values, make }: Telegram): string {
  const written =
    METER_ID.map((code) => values.get(code)?.brackets[0] ?? "").find((text) => text !== "") ?? "";
  const text = /^([0-9A-F]{2})+$/i.test(written) ? Buffer.from(written, "hex").toString("latin1") : "";
  return /^[\w-]+$/.test(text) ? text : written || make;
}

function* measurementsOf(
  telegram: Telegram,
  timeOf: (text: string) => FileTime | null,
  name: string | null,
): Iterable<Found> {
  const written = telegram.values.get(TIME)?.brackets[0];
  const at = written === undefined ? null : timeOf(written);
  if (at === null) throw new SkippedRow(`the telegram has no time (${TIME})`);
  const id = name ?? meterIdOf(telegram);
  for (const direction of ["import", "export"] as const) {
    const { tariffs, all } = REGISTERS[direction];
    const byTariff = tariffs.filter((code) => telegram.values.has(code));
    for (const code of byTariff.length > 0 ? byTariff : [all]) {
      const { line, brackets } = telegram.values.get(code) ?? { line: telegram.line, brackets: [] };
      const [number = "", unitText = ""] = brackets[0]?.split("*") ?? [];
      if (number === "") continue;
      const unit = unitIn(unitText);
      if (isPowerUnit(unit)) throw new SkippedRow(`${code} is a power, no standing`);
      const measured = { line, column: code, series: meter(id, direction), at, stamp: "start" } as const;
      yield {
        kind: "measurement",
        ...measured,
        value: decimalIn(number, code),
        of: { quantity: "standing", unit },
      };
    }
  }
  for (const [code, { line, brackets }] of telegram.values)
    if (OTHER_METERS.test(code))
      yield {
        kind: "leftOut",
        line,
        reason: `${code} (${brackets.at(-1)?.split("*")[1] ?? "no unit"}): gas, heat or water, no electric energy`,
      };
}

async function* read(text: AsyncIterable<string>, options: LayoutOptions): AsyncIterable<Found> {
  const timeOf = timeReader(options);
  let broken: number | null = null;
  for await (const telegram of telegramsOf(linesOf(text))) {
    if (typeof telegram === "number") {
      yield { kind: "skipped", line: telegram, reason: "the telegram does not end with !" };
      continue;
    }
    if (!telegram.isWhole) broken ??= telegram.line;
    try {
      yield* measurementsOf(telegram, timeOf, options.meter);
    } catch (error) {
      if (!(error instanceof SkippedRow)) throw error;
      yield { kind: "skipped", line: telegram.line, reason: error.message };
    }
  }
  if (broken !== null)
    yield {
      kind: "doubt",
      name: "layout",
      text: `the telegram of line ${broken} has a checksum that does not fit: it was damaged or edited; --accept layout takes it`,
    };
}

export const dsmr: Layout = {
  name: "dsmr",
  about:
    "telegrams of a DSMR/P1 port: standings in kWh by tariff, import and export (METER-export); times name summer or winter time",
  recognises: (head) => /^\/[A-Za-z0-9]{3,4}.*$/m.test(head) && /^[01]-0:[12]\.8\.\d/m.test(head),
  read,
};
