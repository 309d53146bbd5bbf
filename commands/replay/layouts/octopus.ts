import { SkippedRow } from "../layout.ts";
import { decimalIn } from "../numbers.ts";
import { tableLayout } from "../table.ts";
import { isoTime } from "../times.ts";
import { meter } from "./meters.ts";

export const octopus = tableLayout({
  name: "octopus",
  about:
    "Octopus Energy (UK): kWh of half an hour from Start to End, stamps with an offset (name the meter by --meter)",
  delimiter: ",",
  columns: ["Consumption (kwh)", "Start", "End"],
  isHeader: (cells) => {
    const names = cells.map((cell) => cell.toLowerCase());
    return ["consumption (kwh)", "start", "end"].every((name) => names.includes(name));
  },
  open(options, header) {
    const timeOf = isoTime(options.zone ?? "Europe/London");
    const reading = header.find((name) => name.toLowerCase() === "consumption (kwh)") ?? "";
    const start = header.find((name) => name.toLowerCase() === "start") ?? "";
    return {
      *row({ line, text }) {
        const at = timeOf(text(start));
        if (at === null) throw new SkippedRow(`${start} is no time`);
        yield {
          kind: "measurement",
          line,
          column: "Consumption",
          series: meter(options.meter ?? "octopus"),
          at,
          stamp: "start",
          value: decimalIn(text(reading), reading),
          of: { quantity: "energy", unit: "kWh", lengthUs: null },
        };
      },
    };
  },
});
