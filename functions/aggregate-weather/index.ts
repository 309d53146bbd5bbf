import { aggregate } from "../../lib/lambda/aggregate.ts";
import { streamOf } from "../../lib/streams/stream-of.ts";
import { weatherRules } from "../../lib/streams/weather.ts";

export const handler = aggregate(streamOf(weatherRules), process.env);
