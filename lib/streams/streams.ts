// All streams by name, for whoever learns from data which stream a record belongs to.

import { consumptionStream } from "./consumption.ts";
import { sensorStream } from "./sensor.ts";
import type { Event, Stream, StreamName } from "./stream.ts";
import { weatherStream } from "./weather.ts";

export const streams: Readonly<Record<StreamName, Stream<Event, unknown>>> = {
  sensor: sensorStream,
  consumption: consumptionStream,
  weather: weatherStream,
};
