import { sweeping } from "../../lib/lambda/sweep.ts";

export const handler = sweeping(process.env);
