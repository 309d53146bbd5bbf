// The weather stream: means and the dominant condition over all places, one row per hour.

import type { StreamRules, StreamSettings, WordsOf } from "./declaration.ts";

export const weather = {
  name: "weather",
  topicVariable: "KAFKA_TOPIC_WEATHER",
  topic: "smartgrid-weather-data",
  partitions: 1,
  windowMinutes: 60,
} as const satisfies StreamSettings;

export const weatherRules = {
  stream: weather,
  fields: [
    { field: "timestamp", kind: "instant" },
    // Bounds that no place on Earth has left, with room: temperature record −89.2 to 56.7 °C, gusts 113 m/s.
    { field: "temperature", kind: "number", min: -100, max: 70, as: "temperatureCelsius" },
    { field: "humidity", kind: "number", min: 0, max: 100, as: "humidityPercent" },
    { field: "pressure", kind: "number", min: 300, max: 1100, as: "pressureHpa" },
    { field: "wind_speed", kind: "number", min: 0, max: 150, as: "windMetresPerSecond" },
    { field: "weather_condition", kind: "text", longest: 50, as: "condition" },
    // Weather of the old producers carries no identity; ours does, so that a retry is counted once.
    { field: "event_id", kind: "text", longest: 300, optional: true },
    { field: "location", kind: "place", as: ["latitude", "longitude"] },
  ],
  // A station is where it stands: two of them may number their events alike.
  identity: ["location", "event_id"],
  content: ["temperatureCelsius", "humidityPercent", "pressureHpa", "windMetresPerSecond", "condition"],
  doubts: "weather",
  station: { latitude: "latitude", longitude: "longitude", celsius: "temperatureCelsius" },
  key: null,
  count: "event_count",
  columns: [
    { column: "sum_temperature", merge: "add", of: "temperatureCelsius" },
    { column: "sum_humidity", merge: "add", of: "humidityPercent" },
    { column: "sum_pressure", merge: "add", of: "pressureHpa" },
    { column: "sum_wind_speed", merge: "add", of: "windMetresPerSecond" },
    { column: "condition_counts", merge: "countBy", of: "condition" },
  ],
  shown: [
    { column: "avg_temperature", average: "sum_temperature" },
    { column: "avg_humidity", average: "sum_humidity" },
    { column: "avg_pressure", average: "sum_pressure" },
    { column: "avg_wind_speed", average: "sum_wind_speed" },
    { column: "weather_condition", dominant: "condition_counts" },
    "created_at",
    "event_count",
    "sum_temperature",
    "sum_humidity",
    "sum_pressure",
    "sum_wind_speed",
    "condition_counts",
  ],
} as const satisfies StreamRules;

export const weatherWords = {
  title: "The weather at one place",
  fields: {
    timestamp: "When the weather was observed.",
    temperature: "Air temperature in degrees Celsius (°C; not °F, not K).",
    humidity: "Relative humidity in percent, 0 to 100 (not a fraction of 1).",
    pressure: "Air pressure in hectopascal (hPa, the same as mbar; not kPa, inHg or mmHg).",
    wind_speed: "Wind speed in metres per second (m/s; not km/h, not knots).",
    weather_condition: "The condition in one word: Sunny, Cloudy, Rainy, Windy, Foggy, Stormy, or another.",
    event_id:
      "Identity together with the location, where the producer has one: the same one at two offsets is counted once; with other content it is a conflict, and the first counts.",
    location: "Degrees, WGS 84.",
  },
  rows: "Weather by hour of event time",
  each: "one row for each window",
  key: "",
  columns: {
    event_count: "how many events the row holds",
    sum_temperature: "exact sum of the temperatures, °C",
    sum_humidity: "exact sum of the humidities, %",
    sum_pressure: "exact sum of the pressures, hPa",
    sum_wind_speed: "exact sum of the wind speeds, m/s",
    condition_counts: "how many events had each condition, as a JSON object",
    avg_temperature: "average temperature, °C",
    avg_humidity: "average relative humidity, %",
    avg_pressure: "average air pressure, hPa",
    avg_wind_speed: "average wind speed, m/s",
    weather_condition:
      "the condition that held in most events; a tie goes to the one that matters more to a grid",
  },
} as const satisfies WordsOf<typeof weatherRules>;
