// Values that break no rule and are still likely to be another unit: they are counted, and told. A verdict here needs the
// event alone (and the season at its latitude), so that no order of records can change it; jumps_to_fahrenheit, which needs
// the station's history, is found by the commit (lib/postgres/sql/doubt_by_history.sql). Only what no place on Earth, or no grid, shows is
// doubted: an alarm that is often false is soon read by nobody. Decision 17.

export const doubtReasons = [
  "fits_fraction",
  "fits_kilometres_per_hour",
  "fits_fahrenheit",
  "jumps_to_fahrenheit",
  "beyond_record",
  "fits_scaled_hertz",
] as const;

export type DoubtReason = (typeof doubtReasons)[number];

export interface Doubt {
  readonly field: string;
  readonly value: number;
  readonly reason: DoubtReason;
}

export const noDoubts: readonly Doubt[] = [];

/** Lowest temperature that was ever measured, °C, and the highest. */
const COLDEST_CELSIUS = -89.2;
const HOTTEST_CELSIUS = 56.7;
/** Highest pressure at sea level that was ever measured, hPa. */
const HIGHEST_PRESSURE_HPA = 1085;
/** 144 km/h. Hurricanes are beyond it, and are worth a line as well. */
const STRONG_WIND = 40;

/**
 * Warmer than it has been anywhere on land between these latitudes in each month (January first, northern hemisphere),
 * °C, with some degrees to spare.
 */
const warmest = {
  from50: [26, 27, 32, 37, 43, 54, 54, 54, 44, 38, 31, 26],
  from40: [33, 36, 40, 44, 50, 54, 54, 54, 50, 44, 38, 33],
  from30: [40, 44, 48, 50, 56, HOTTEST_CELSIUS, HOTTEST_CELSIUS, HOTTEST_CELSIUS, 56, 52, 46, 40],
} as const;

function warmestAt(latitude: number, timeUs: number): number {
  const size = Math.abs(latitude);
  if (size < 30) return HOTTEST_CELSIUS;
  const month = new Date(timeUs / 1000).getUTCMonth() + (latitude < 0 ? 6 : 0);
  const band = size < 40 ? warmest.from30 : size < 50 ? warmest.from40 : warmest.from50;
  return band[month % 12] ?? HOTTEST_CELSIUS;
}

/** The fields of weather that can be doubted, and what season it is where they were measured. */
export interface Measured {
  readonly timeUs: number;
  readonly latitude: number;
  readonly temperatureCelsius: number;
  readonly humidityPercent: number;
  readonly pressureHpa: number;
  readonly windMetresPerSecond: number;
}

export function weatherDoubts(measured: Measured): readonly Doubt[] {
  const doubts: Doubt[] = [];
  const { temperatureCelsius, humidityPercent, pressureHpa, windMetresPerSecond } = measured;
  if (temperatureCelsius > warmestAt(measured.latitude, measured.timeUs))
    doubts.push({ field: "temperature", value: temperatureCelsius, reason: "fits_fahrenheit" });
  if (temperatureCelsius < COLDEST_CELSIUS)
    doubts.push({ field: "temperature", value: temperatureCelsius, reason: "beyond_record" });
  if (humidityPercent <= 1)
    doubts.push({ field: "humidity", value: humidityPercent, reason: "fits_fraction" });
  if (pressureHpa > HIGHEST_PRESSURE_HPA)
    doubts.push({ field: "pressure", value: pressureHpa, reason: "beyond_record" });
  if (windMetresPerSecond > STRONG_WIND)
    doubts.push({ field: "wind_speed", value: windMetresPerSecond, reason: "fits_kilometres_per_hour" });
  return doubts;
}

/** Grids run at 50 or 60 Hz; registers count in 0.1, 0.01 or 0.001 Hz, or in kHz. */
const HERTZ_SCALES = [10, 100, 1_000, 0.001];

function isScaledHertz(value: number): boolean {
  for (const scale of HERTZ_SCALES) if (value >= 45 * scale && value <= 65 * scale) return true;
  return false;
}

/** Of other types nothing can be said: 230 V and 20 kV are both voltages of a grid. */
export function sensorDoubts(sensorType: string, value: number): readonly Doubt[] {
  return sensorType === "frequency" && isScaledHertz(value)
    ? [{ field: "value", value, reason: "fits_scaled_hertz" }]
    : noDoubts;
}

type Fields = Readonly<Record<string, unknown>>;

const isMeasured = (event: Fields): event is Fields & Measured =>
  ["timeUs", "latitude", "temperatureCelsius", "humidityPercent", "pressureHpa", "windMetresPerSecond"].every(
    (name) => typeof event[name] === "number",
  );

interface DoubtRule {
  /** A value of the event without which nothing is doubtful, and what it looks like then. */
  readonly suspect?: { readonly of: string; readonly mayBeDoubtful: (value: number) => boolean };
  /** @param fields of the event, numbers as doubles */
  readonly doubtsOf: (fields: Fields) => readonly Doubt[];
}

/** By the name that a declaration gives them. */
export const doubtRules: Readonly<Record<"sensor" | "weather", DoubtRule>> = {
  sensor: {
    suspect: { of: "value", mayBeDoubtful: isScaledHertz },
    doubtsOf: ({ sensorType, value }) =>
      typeof sensorType === "string" && typeof value === "number"
        ? sensorDoubts(sensorType, value)
        : noDoubts,
  },
  weather: { doubtsOf: (fields) => (isMeasured(fields) ? weatherDoubts(fields) : noDoubts) },
};
