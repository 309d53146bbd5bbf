import { handle } from "hono/aws-lambda";
import { readKafkaSettings, readTopics } from "../../lib/config/kafka.ts";
import { ingestMeterApp } from "../../lib/http/ingest.ts";
import { openProducer } from "../../lib/kafka/produce.ts";

const producer = openProducer(readKafkaSettings(process.env));
const topic = readTopics(process.env).consumption;

export const handler = handle(ingestMeterApp({ producer, topic, now: Date.now }));
