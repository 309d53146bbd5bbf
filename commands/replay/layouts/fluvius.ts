import { type FileTime, type Found, SkippedRow } from "../layout.ts";
import { decimalIn, isMissing } from "../numbers.ts";
import { tableLayout } from "../table.ts";
import { patternTime } from "../times.ts";
import { isPowerUnit, unitIn } from "../units.ts";
import { meter } from "./meters.ts";

/** Gas is given twice, in m³ and in kWh of heat. */
class GasMeters {
  readonly #gas = new Map<string, number>();
  readonly #energy = new Set<string>();

  look(ean: string, unit: string, line: number): void {
    if (/^m(3|\u00b3)$/i.test(unit)) this.#gas.set(ean, this.#gas.get(ean) ?? line);
    else this.#energy.add(ean);
  }

  *doubts(): Iterable<Found> {
    for (const [ean, line] of this.#gas)
      if (this.#energy.has(ean))
        yield {
          kind: "doubt",
          name: "unit",
          text: `${ean} has m\u00b3 (line ${line}) and kWh: a gas meter, whose kWh are heat; leave it out by --meters`,
        };
  }
}

function clockUs(at: FileTime): number {
  return "timeUs" in at ? at.timeUs : at.localUs;
}

export const fluvius = tableLayout({
  name: "fluvius",
  about:
    "Fluvius (Flanders), quarters of an hour or days, Europe/Brussels, stamps are starts, kWh, decimal comma; Injectie is EAN-export",
  delimiter: ";",
  columns: [
    "Van (datum)",
    "Van (tijdstip)",
    "Tot (datum)",
    "Tot (tijdstip)",
    "EAN-code",
    "Register",
    "Volume",
    "Eenheid",
  ],
  open(options) {
    const timeOf = patternTime("dd-MM-yyyy HH:mm:ss", options.zone ?? "Europe/Brussels");
    const gas = new GasMeters();
    return {
      *row({ line, text }) {
        // Industrial meters' files write =5414… without quotes.
        const ean = text("EAN-code").replace(/^=/, "") || (options.meter ?? "");
        if (ean === "") throw new SkippedRow("EAN-code is missing: name the meter by --meter");
        const at = timeOf(`${text("Van (datum)")} ${text("Van (tijdstip)")}`);
        if (at === null) throw new SkippedRow("Van (datum), Van (tijdstip) are no time");
        const until = timeOf(`${text("Tot (datum)")} ${text("Tot (tijdstip)")}`);
        gas.look(ean, text("Eenheid"), line);
        const register = text("Register");
        const direction = /^injectie/i.test(register)
          ? "export"
          : /^afname/i.test(register)
            ? "import"
            : null;
        if (direction === null)
          throw new SkippedRow(`the register "${register}" is neither Afname nor Injectie`);
        const unit = unitIn(text("Eenheid"));
        if (isPowerUnit(unit)) throw new SkippedRow(`the unit ${unit} is none of energy`);
        if (isMissing(text("Volume"))) throw new SkippedRow("Volume is missing (Geen verbruik)");
        yield {
          kind: "measurement",
          line,
          column: register,
          series: meter(ean, direction),
          at,
          stamp: "start",
          value: decimalIn(text("Volume"), "Volume", ","),
          of: { quantity: "energy", unit, lengthUs: until === null ? null : clockUs(until) - clockUs(at) },
        };
      },
      end: () => gas.doubts(),
    };
  },
});
