import { SkippedRow } from "../layout.ts";
import { decimalIn } from "../numbers.ts";
import { tableLayout } from "../table.ts";
import { isoTime, MINUTE_US } from "../times.ts";

export const halfHourly = tableLayout({
  name: "half-hourly",
  about:
    "households by the half hour (Smart Grid, Smart City), New South Wales without summer time (UTC+10), stamps are starts, kWh",
  delimiter: ",",
  columns: ["customer_id", "reading_datetime", "general_supply_kwh"],
  open(options) {
    const timeOf = isoTime(options.zone ?? "+10:00");
    return {
      *row({ line, text }) {
        const customerId = text("customer_id");
        if (customerId === "") throw new SkippedRow("customer_id is missing");
        const at = timeOf(text("reading_datetime"));
        if (at === null) throw new SkippedRow("reading_datetime is no time");
        yield {
          kind: "measurement",
          line,
          column: "general_supply_kwh",
          series: { kind: "meter", meterId: `meter-${customerId}`, customerId },
          at,
          stamp: "start",
          value: decimalIn(text("general_supply_kwh"), "general_supply_kwh"),
          of: { quantity: "energy", unit: "kWh", lengthUs: 30 * MINUTE_US },
        };
      },
    };
  },
});
