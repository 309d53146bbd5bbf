import { aggregate } from "../../lib/lambda/aggregate.ts";
import { sensorStream } from "../../lib/streams/sensor.ts";

export const handler = aggregate(sensorStream, process.env);
