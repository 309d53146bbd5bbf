import { handle } from "hono/aws-lambda";
import { readKafkaSettings, readTopics } from "../../lib/config/kafka.ts";
import { readLatenessRules } from "../../lib/config/rules.ts";
import { ingestApp } from "../../lib/http/ingest.ts";
import { openProducer } from "../../lib/kafka/produce.ts";
import { sensorRules } from "../../lib/streams/sensor.ts";
import { inZone } from "../../lib/streams/stream.ts";
import { streamOf } from "../../lib/streams/stream-of.ts";

const producer = openProducer(readKafkaSettings(process.env));
const topic = readTopics(process.env).sensor;
const { futureSkewUs, zones } = readLatenessRules(process.env);
const stream = inZone(streamOf(sensorRules), zones);

export const handler = handle(
  ingestApp(sensorRules, stream, { producer, topic, futureSkewUs, now: Date.now }),
);
