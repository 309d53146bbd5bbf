import { handle } from "hono/aws-lambda";
import { readKafkaSettings, readTopics } from "../../lib/config/kafka.ts";
import { readLatenessRules } from "../../lib/config/rules.ts";
import { ingestMeterApp } from "../../lib/http/ingest.ts";
import { openProducer } from "../../lib/kafka/produce.ts";
import { consumptionStream } from "../../lib/streams/consumption.ts";
import { inZone } from "../../lib/streams/stream.ts";

const producer = openProducer(readKafkaSettings(process.env));
const topic = readTopics(process.env).consumption;
const { futureSkewUs, zones } = readLatenessRules(process.env);
const stream = inZone(consumptionStream, zones);

export const handler = handle(ingestMeterApp(stream, { producer, topic, futureSkewUs, now: Date.now }));
