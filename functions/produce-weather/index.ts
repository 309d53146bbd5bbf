import type { ScheduledEvent } from "aws-lambda";
import { readKafkaSettings, readTopics } from "../../lib/config/kafka.ts";
import { readWeatherSettings } from "../../lib/config/rules.ts";
import { openProducer } from "../../lib/kafka/produce.ts";
import { log } from "../../lib/log.ts";
import { scheduledEventId, uniqueEventId, weatherMessages } from "../../lib/weather/simulator.ts";

const producer = openProducer(readKafkaSettings(process.env));
const topic = readTopics(process.env).weather;
const { seed } = readWeatherSettings(process.env);

/**
 * Sends the weather of the scheduled time, so that a second run for the same time is a repetition, not more weather. Called
 * by hand, without a scheduled time, it sends the present weather as events of their own.
 */
export async function handler(event: Partial<ScheduledEvent>): Promise<void> {
  const timeMs = event.time === undefined ? Date.now() : Date.parse(event.time);
  const eventIdOf = event.time === undefined ? uniqueEventId : scheduledEventId;
  const messages = weatherMessages(seed, timeMs, eventIdOf);
  try {
    await producer.send(
      topic,
      messages.map((message) => ({ key: "weather", value: JSON.stringify(message) })),
    );
  } finally {
    // Between two runs a connection would only grow stale, and keep `serverless invoke local` from ending.
    await producer.close();
  }
  log("info", "weather sent", { topic, events: messages.length, time: new Date(timeMs).toISOString() });
}
