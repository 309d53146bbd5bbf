// Weather as a function of seed, place and time: season, daily cycle, persistence, and fronts that pass eastwards,
// whose falling pressure brings wind, humidity and rain, and cooler air after them.

import { randomUUID } from "node:crypto";
import { noise } from "./noise.ts";

export interface Station {
  readonly id: string;
  readonly city: string;
  /** Degrees. */
  readonly lat: number;
  readonly lon: number;
  readonly altitudeM: number;
}

export interface Weather {
  readonly temperatureCelsius: number;
  readonly humidityPercent: number;
  /** At sea level. */
  readonly pressureHpa: number;
  readonly windMetresPerSecond: number;
  readonly condition: "Sunny" | "Cloudy" | "Rainy" | "Windy" | "Foggy" | "Stormy";
}

export const stations: readonly Station[] = [
  { id: "tirana", city: "Tirana", lat: 41.3275, lon: 19.8187, altitudeM: 110 },
  { id: "durres", city: "Durrës", lat: 41.3231, lon: 19.4414, altitudeM: 5 },
  { id: "elbasan", city: "Elbasan", lat: 41.1125, lon: 20.0822, altitudeM: 150 },
  { id: "lezhe", city: "Lezhë", lat: 41.7836, lon: 19.6436, altitudeM: 10 },
  { id: "peshkopi", city: "Peshkopi", lat: 41.685, lon: 20.4289, altitudeM: 650 },
  { id: "burrel", city: "Burrel", lat: 41.6103, lon: 20.0089, altitudeM: 310 },
];

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Fronts come from the west, at about a degree of longitude in three hours. */
const FRONT_MS_PER_DEGREE = 3 * HOUR_MS;
const WEST_LON = 19;
/** Channels of the noise, so that each quantity has a random course of its own. */
const channel = { pressureSlow: 1, pressureFast: 2, airMass: 3, gust: 4, moisture: 5, local: 100 } as const;

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}

function rounded(value: number, decimals: number): number {
  return Math.round(value * 10 ** decimals) / 10 ** decimals;
}

/** Difference to the mean pressure, hPa: what passes is shared by all places, later in the east. */
function pressureAnomaly(seed: number, lon: number, timeMs: number): number {
  const front = timeMs - (lon - WEST_LON) * FRONT_MS_PER_DEGREE;
  return (
    15 * noise(seed, channel.pressureSlow, front, 4 * DAY_MS) +
    6 * noise(seed, channel.pressureFast, front, 1.3 * DAY_MS)
  );
}

/** The rule by which humidity, pressure and wind make a condition; the first that fits holds. */
function conditionOf(humidity: number, pressureHpa: number, wind: number): Weather["condition"] {
  if (pressureHpa < 1004 && wind >= 10 && humidity >= 70) return "Stormy";
  if (pressureHpa < 1009 && humidity >= 78) return "Rainy";
  if (humidity >= 82 && wind < 2.5) return "Foggy";
  if (wind >= 8.5) return "Windy";
  return humidity >= 68 || pressureHpa < 1007 ? "Cloudy" : "Sunny";
}

/** @param timeMs ms since the epoch */
export function weatherAt(seed: number, station: Station, timeMs: number): Weather {
  const { lat, lon, altitudeM } = station;
  const place = channel.local + Math.round(lat * 100) * 1_000 + Math.round(lon * 100);
  // From the coldest days (about 20 January) on; −1 in mid-winter, 1 in mid-summer.
  const season = -Math.cos((2 * Math.PI * (timeMs / DAY_MS - 19)) / 365.2425);
  const solarHour = (timeMs / HOUR_MS + lon / 15) % 24;
  // Warmest in mid-afternoon; the second harmonic moves the coldest hour towards dawn.
  const day =
    0.85 * Math.cos((2 * Math.PI * (solarHour - 14.5)) / 24) +
    0.2 * Math.cos((4 * Math.PI * (solarHour - 14)) / 24);

  const anomaly = pressureAnomaly(seed, lon, timeMs);
  const fallPerHour = (pressureAnomaly(seed, lon, timeMs - 3 * HOUR_MS) - anomaly) / 3;
  const low = clamp(-anomaly / 10, 0, 1.6);
  const passed = clamp(-pressureAnomaly(seed, lon, timeMs - 14 * HOUR_MS) / 10, 0, 1.6);
  const airMass = noise(seed, channel.airMass, timeMs - (lon - WEST_LON) * FRONT_MS_PER_DEGREE, 6 * DAY_MS);

  const clearSky = 1 - low / 2.5;
  const swing = (4 + 1.8 * season + altitudeM / 400) * clearSky;
  const temperature =
    17.3 +
    9 * season -
    0.0065 * altitudeM -
    0.5 * (lat - 41.3) +
    swing * day +
    4.5 * airMass -
    2.2 * passed +
    0.8 * noise(seed, place, timeMs, 5 * HOUR_MS);
  const humidity =
    61 -
    5 * season +
    21 * low +
    4 * fallPerHour -
    2.2 * swing * day +
    13 * noise(seed, channel.moisture, timeMs, 1.5 * DAY_MS) +
    6 * noise(seed, place + 1, timeMs, 4 * HOUR_MS);
  const wind =
    1.6 +
    5.5 * low +
    3.5 * Math.abs(fallPerHour) +
    (1.4 * Math.max(0, day) * (1 + season)) / 2 +
    (1.5 + 3 * low) * noise(seed, channel.gust, timeMs, 2.5 * HOUR_MS) +
    0.8 * noise(seed, place + 2, timeMs, 0.5 * HOUR_MS);

  const humidityPercent = rounded(clamp(humidity, 15, 100), 1);
  const pressureHpa = rounded(clamp(1015 - 1.5 * season + anomaly, 980, 1040), 1);
  const windMetresPerSecond = rounded(clamp(wind, 0, 25), 1);
  return {
    temperatureCelsius: rounded(temperature, 1),
    humidityPercent,
    pressureHpa,
    windMetresPerSecond,
    condition: conditionOf(humidityPercent, pressureHpa, windMetresPerSecond),
  };
}

/** A weather event as it stands in the topic. */
export interface WeatherMessage {
  readonly event_id: string;
  readonly timestamp: string;
  readonly temperature: number;
  readonly humidity: number;
  readonly pressure: number;
  readonly wind_speed: number;
  readonly weather_condition: string;
  readonly location: { readonly lat: number; readonly lon: number };
}

/** The identity of a scheduled run: a second run for the same time is a repetition, and counts once. */
export function scheduledEventId(station: Station, timeMs: number): string {
  return `weather-${station.id}-${timeMs}`;
}

/** The identity of what somebody asked for: asked for twice within a millisecond it is two events. */
export function uniqueEventId(station: Station, timeMs: number): string {
  return `${scheduledEventId(station, timeMs)}-${randomUUID()}`;
}

/** The weather of a station at a time. */
export function weatherMessage(
  seed: number,
  station: Station,
  timeMs: number,
  eventId: string,
): WeatherMessage {
  const weather = weatherAt(seed, station, timeMs);
  return {
    event_id: eventId,
    timestamp: new Date(timeMs).toISOString(),
    temperature: weather.temperatureCelsius,
    humidity: weather.humidityPercent,
    pressure: weather.pressureHpa,
    wind_speed: weather.windMetresPerSecond,
    weather_condition: weather.condition,
    location: { lat: station.lat, lon: station.lon },
  };
}

/** The weather of all stations at a time. */
export function weatherMessages(
  seed: number,
  timeMs: number,
  eventIdOf: (station: Station, timeMs: number) => string,
): WeatherMessage[] {
  return stations.map((station) => weatherMessage(seed, station, timeMs, eventIdOf(station, timeMs)));
}
