import { handle } from "hono/aws-lambda";
import { readKafkaSettings, readTopics } from "../../lib/config/kafka.ts";
import { readLatenessRules } from "../../lib/config/rules.ts";
import { ingestSensorApp } from "../../lib/http/ingest.ts";
import { openProducer } from "../../lib/kafka/produce.ts";
import { sensorStream } from "../../lib/streams/sensor.ts";
import { inZone } from "../../lib/streams/stream.ts";

const producer = openProducer(readKafkaSettings(process.env));
const topic = readTopics(process.env).sensor;
const { futureSkewUs, zones } = readLatenessRules(process.env);
const stream = inZone(sensorStream, zones);

export const handler = handle(ingestSensorApp(stream, { producer, topic, futureSkewUs, now: Date.now }));
