// All streams, as they are declared. A new one is entered here.

import { consumption, consumptionRules, consumptionWords } from "./consumption.ts";
import { sensor, sensorRules, sensorWords } from "./sensor.ts";
import { weather, weatherRules, weatherWords } from "./weather.ts";

/** Three objects, so that a function which reads no events loads their settings only. */
export const streamSettings = { sensor, consumption, weather } as const;

export const streamRules = {
  sensor: sensorRules,
  consumption: consumptionRules,
  weather: weatherRules,
} as const;

export const streamWords = {
  sensor: sensorWords,
  consumption: consumptionWords,
  weather: weatherWords,
} as const;
