// The weather stream: means and the dominant condition over all places, one row per hour.

import { ExactSum, formatDecimal } from "../core/exact.ts";
import { weatherDoubts } from "./doubt.ts";
import {
  type JsonObject,
  MAX_EVENT_ID,
  readInstant,
  readLocation,
  readNumber,
  readObject,
  readText,
} from "./fields.ts";
import { isRefusal, type Refusal, refuse } from "./refusal.ts";
import type { Event, Stream } from "./stream.ts";

export interface WeatherEvent extends Event {
  /** Degrees. */
  readonly latitude: number;
  readonly longitude: number;
  readonly temperatureCelsius: number;
  readonly humidityPercent: number;
  readonly pressureHpa: number;
  readonly windMetresPerSecond: number;
  readonly condition: string;
}

/** Sums of one hour; the row's means and its dominant condition are derived from them in PostgreSQL. */
export interface WeatherPartial {
  count: number;
  readonly temperature: ExactSum;
  readonly humidity: ExactSum;
  readonly pressure: ExactSum;
  readonly wind: ExactSum;
  /** Events per condition. */
  readonly conditions: Map<string, number>;
}

/** Bounds that no place on Earth has left, with room: temperature record −89.2 to 56.7 °C, gusts 113 m/s. */
const bounds = {
  temperature: [-100, 70],
  humidity: [0, 100],
  pressure: [300, 1100],
  wind_speed: [0, 150],
} as const;

function readBounded(object: JsonObject, field: keyof typeof bounds): number | Refusal {
  const [min, max] = bounds[field];
  return readNumber(object, field, min, max);
}

/** Weather of the old producers carries no identity; ours does, so that a retry is counted once. */
function readEventId(object: JsonObject): string | null | Refusal {
  if (!Object.hasOwn(object, "event_id") || object.event_id === null) return null;
  return readText(object, "event_id", MAX_EVENT_ID);
}

function decode(bytes: Buffer, zone?: string): WeatherEvent | Refusal {
  const object = readObject(bytes);
  if (isRefusal(object)) return object;
  const timeUs = readInstant(object, "timestamp", zone);
  if (typeof timeUs === "object") return timeUs;
  const temperatureCelsius = readBounded(object, "temperature");
  if (typeof temperatureCelsius === "object") return temperatureCelsius;
  const humidityPercent = readBounded(object, "humidity");
  if (typeof humidityPercent === "object") return humidityPercent;
  const pressureHpa = readBounded(object, "pressure");
  if (typeof pressureHpa === "object") return pressureHpa;
  const windMetresPerSecond = readBounded(object, "wind_speed");
  if (typeof windMetresPerSecond === "object") return windMetresPerSecond;
  const condition = readText(object, "weather_condition", 50);
  if (typeof condition === "object") return condition;
  const eventId = readEventId(object);
  if (eventId !== null && typeof eventId === "object") return eventId;
  const location = readLocation(object, false);
  if (location === null || isRefusal(location)) return location ?? refuse("missing_field", "location");
  return {
    timeUs,
    // A station is where it stands: two of them may number their events alike.
    identity: eventId === null ? null : `${location.lat} ${location.lon}\0${eventId}`,
    latitude: location.lat,
    longitude: location.lon,
    temperatureCelsius,
    humidityPercent,
    pressureHpa,
    windMetresPerSecond,
    condition,
  };
}

export const weatherStream: Stream<WeatherEvent, WeatherPartial> = {
  name: "weather",
  windowUs: 3600 * 1_000_000,
  decode,
  contentOf: (event) =>
    [
      event.timeUs,
      event.temperatureCelsius,
      event.humidityPercent,
      event.pressureHpa,
      event.windMetresPerSecond,
      event.condition,
    ].join("\0"),
  doubtsOf: weatherDoubts,
  stationReadingOf: ({ latitude, longitude, temperatureCelsius }) => ({
    ...{ latitude, longitude, celsius: temperatureCelsius },
  }),
  groupOf: () => "",
  emptyPartial: () => ({
    count: 0,
    temperature: new ExactSum(),
    humidity: new ExactSum(),
    pressure: new ExactSum(),
    wind: new ExactSum(),
    conditions: new Map(),
  }),
  fold(partial, event) {
    partial.count++;
    partial.temperature.add(event.temperatureCelsius);
    partial.humidity.add(event.humidityPercent);
    partial.pressure.add(event.pressureHpa);
    partial.wind.add(event.windMetresPerSecond);
    partial.conditions.set(event.condition, (partial.conditions.get(event.condition) ?? 0) + 1);
  },
  parameters: (partials) => [
    partials.map((p) => p.count),
    partials.map((p) => formatDecimal(p.temperature.total())),
    partials.map((p) => formatDecimal(p.humidity.total())),
    partials.map((p) => formatDecimal(p.pressure.total())),
    partials.map((p) => formatDecimal(p.wind.total())),
    partials.map((p) => JSON.stringify(Object.fromEntries(p.conditions))),
  ],
};
