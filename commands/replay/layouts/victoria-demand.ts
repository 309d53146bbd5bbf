import { SkippedRow } from "../layout.ts";
import { decimalIn } from "../numbers.ts";
import { tableLayout } from "../table.ts";
import { isoTime, MINUTE_US } from "../times.ts";

export const victoriaDemand = tableLayout({
  name: "victoria-demand",
  about: "the state of Victoria by the half hour, UTC, stamps are starts; Demand is read as MW",
  delimiter: ",",
  columns: ["Time", "Demand"],
  open(options) {
    const timeOf = isoTime(options.zone ?? "UTC");
    const name = options.meter ?? "victoria";
    return {
      *row({ line, text }) {
        const at = timeOf(text("Time"));
        if (at === null) throw new SkippedRow("Time is no time");
        yield {
          kind: "measurement",
          line,
          column: "Demand",
          series: { kind: "meter", meterId: name, customerId: name },
          at,
          stamp: "start",
          value: decimalIn(text("Demand"), "Demand"),
          of: { quantity: "power", unit: "MW", lengthUs: 30 * MINUTE_US },
        };
      },
    };
  },
});
