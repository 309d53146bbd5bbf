import { handle } from "hono/aws-lambda";
import { readKafkaSettings, readTopics } from "../../lib/config/kafka.ts";
import { readWeatherSettings } from "../../lib/config/rules.ts";
import { generateWeatherApp } from "../../lib/http/generate-weather.ts";
import { openProducer } from "../../lib/kafka/produce.ts";

const producer = openProducer(readKafkaSettings(process.env));
const topic = readTopics(process.env).weather;
const { seed } = readWeatherSettings(process.env);

export const handler = handle(generateWeatherApp({ producer, topic, seed, now: Date.now }));
