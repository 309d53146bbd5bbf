import { aggregate } from "../../lib/lambda/aggregate.ts";
import { consumptionStream } from "../../lib/streams/consumption.ts";

export const handler = aggregate(consumptionStream, process.env);
