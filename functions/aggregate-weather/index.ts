import { aggregate } from "../../lib/lambda/aggregate.ts";
import { weatherStream } from "../../lib/streams/weather.ts";

export const handler = aggregate(weatherStream, process.env);
