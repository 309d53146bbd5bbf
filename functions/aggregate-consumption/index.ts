import { aggregate } from "../../lib/lambda/aggregate.ts";
import { consumptionRules } from "../../lib/streams/consumption.ts";
import { streamOf } from "../../lib/streams/stream-of.ts";

export const handler = aggregate(streamOf(consumptionRules), process.env);
