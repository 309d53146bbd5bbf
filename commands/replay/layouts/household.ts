import { byPowerOfTen } from "../../../lib/core/decimal.ts";
import { type Measurement, SkippedRow } from "../layout.ts";
import { decimalIn } from "../numbers.ts";
import { tableLayout } from "../table.ts";
import { MINUTE_US, patternTime } from "../times.ts";

/** The sub-meters are part of the power and not sent. */
export const household = tableLayout({
  name: "uci-household",
  about:
    "one household by the minute (UCI 235), Europe/Paris: voltage, current, power (kW) and a meter (its energy)",
  delimiter: ";",
  columns: ["Date", "Time", "Global_active_power", "Voltage", "Global_intensity"],
  open(options) {
    const timeOf = patternTime("d/M/yyyy HH:mm:ss", options.zone ?? "Europe/Paris");
    const name = options.meter ?? "household";
    return {
      *row({ line, text }) {
        const at = timeOf(`${text("Date")} ${text("Time")}`);
        if (at === null) throw new SkippedRow("Date and Time are no time");
        const number = (column: string) => decimalIn(text(column), column);
        const power = number("Global_active_power");
        const measured = (column: string) =>
          ({ kind: "measurement", line, column, at, stamp: "start" }) as const;
        const sensor = (sensorType: string) =>
          ({ kind: "sensor", sensorId: `${name}-${sensorType}`, sensorType }) as const;
        const found: Measurement[] = [
          {
            ...measured("Voltage"),
            series: sensor("voltage"),
            value: number("Voltage"),
            of: { quantity: "value" },
          },
          {
            ...measured("Global_intensity"),
            series: sensor("current"),
            value: number("Global_intensity"),
            of: { quantity: "value" },
          },
          {
            ...measured("Global_active_power"),
            series: sensor("power"),
            value: byPowerOfTen(power, 3), // sensors' power is in W
            of: { quantity: "value" },
          },
          {
            ...measured("Global_active_power"),
            series: { kind: "meter", meterId: name, customerId: name },
            value: power,
            of: { quantity: "power", unit: "kW", lengthUs: MINUTE_US },
          },
        ];
        yield* found;
      },
    };
  },
});
