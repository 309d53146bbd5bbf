import { aggregate } from "../../lib/aggregate/handler.ts";
import { sensorStream } from "../../lib/streams/sensor.ts";

export const handler = aggregate(sensorStream, process.env);
