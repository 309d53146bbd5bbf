import { aggregate } from "../../lib/aggregate/handler.ts";
import { consumptionStream } from "../../lib/streams/consumption.ts";

export const handler = aggregate(consumptionStream, process.env);
