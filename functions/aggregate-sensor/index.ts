import { aggregate } from "../../lib/lambda/aggregate.ts";
import { sensorRules } from "../../lib/streams/sensor.ts";
import { streamOf } from "../../lib/streams/stream-of.ts";

export const handler = aggregate(streamOf(sensorRules), process.env);
