import { aggregate } from "../../lib/aggregate/handler.ts";
import { weatherStream } from "../../lib/streams/weather.ts";

export const handler = aggregate(weatherStream, process.env);
