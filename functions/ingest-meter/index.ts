import { handle } from "hono/aws-lambda";
import { readKafkaSettings, readTopics } from "../../lib/config/kafka.ts";
import { readLatenessRules } from "../../lib/config/rules.ts";
import { ingestApp } from "../../lib/http/ingest.ts";
import { openProducer } from "../../lib/kafka/produce.ts";
import { consumptionRules } from "../../lib/streams/consumption.ts";
import { inZone } from "../../lib/streams/stream.ts";
import { streamOf } from "../../lib/streams/stream-of.ts";

const producer = openProducer(readKafkaSettings(process.env));
const topic = readTopics(process.env).consumption;
const { futureSkewUs, zones } = readLatenessRules(process.env);
const stream = inZone(streamOf(consumptionRules), zones);

export const handler = handle(
  ingestApp(consumptionRules, stream, { producer, topic, futureSkewUs, now: Date.now }),
);
