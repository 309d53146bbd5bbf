// `POST /api/v1/weather/generate`: the present weather of one station, sent to Kafka and answered.

import type { EventProducer } from "../kafka/produce.ts";
import { stations, uniqueEventId, weatherMessage } from "../weather/simulator.ts";
import { type App, createApp } from "./app.ts";

export interface GenerateWeatherDependencies {
  readonly producer: EventProducer;
  readonly topic: string;
  readonly seed: number;
  /** ms since the epoch. */
  readonly now: () => number;
}

export function generateWeatherApp({ producer, topic, seed, now }: GenerateWeatherDependencies): App {
  const app = createApp();
  app.post("/api/v1/weather/generate", async (c) => {
    const timeMs = now();
    // The stations take turns, by the millisecond: no state, and over many calls each as often as the others.
    const station = stations[timeMs % stations.length];
    if (station === undefined) throw new Error("no weather stations");
    const message = weatherMessage(seed, station, timeMs, uniqueEventId(station, timeMs));
    const [placement] = await producer.send(topic, [{ key: "weather", value: JSON.stringify(message) }]);
    return c.json(
      {
        status: "success",
        message: `Weather data generated for ${station.city}`,
        weather_data: message,
        kafka_topic: topic,
        partition: placement?.partition,
        offset: placement?.offset,
      },
      201,
    );
  });
  return app;
}
