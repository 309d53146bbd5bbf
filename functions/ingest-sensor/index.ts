import { handle } from "hono/aws-lambda";
import { readKafkaSettings, readTopics } from "../../lib/config/kafka.ts";
import { ingestSensorApp } from "../../lib/http/ingest.ts";
import { openProducer } from "../../lib/kafka/produce.ts";

const producer = openProducer(readKafkaSettings(process.env));
const topic = readTopics(process.env).sensor;

export const handler = handle(ingestSensorApp({ producer, topic, now: Date.now }));
