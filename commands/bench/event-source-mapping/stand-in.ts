// The trigger in a process of its own, with a function that does nothing: in this process, or behind HTTP (URL given).
// Tells its parent by messages: ready, first delivery, each tenth of a second how far it is, and its memory.

import { invokeThrough } from "../../../localstack/event-source-mapping/invoke.ts";
import { startMapping } from "../../../localstack/event-source-mapping/mapping.ts";

export interface StandInOptions {
  readonly brokers: string;
  readonly topic: string;
  readonly groupId: string;
  readonly batchSize: number;
  readonly windowMs: number;
  /** Of the Lambda endpoint; null: the function is here. */
  readonly endpoint: string | null;
  /** Each invocation takes at least this long. */
  readonly functionMs: number;
  /** Tells each record's delay from its append to its invocation. */
  readonly tellsDelays: boolean;
}

export interface Progress {
  readonly delivered: number;
  readonly rssMb: number;
  readonly cpuSeconds: number;
  readonly delaysMs: readonly number[];
}

const options: StandInOptions = JSON.parse(process.argv[2] ?? "{}");
const invokeFunction = options.endpoint === null ? async () => null : invokeThrough(options.endpoint);
let hasDelivered = false;
let delaysMs: number[] = [];

function noteDelays(payload: string, nowMs: number): void {
  const event: { records: Record<string, { timestamp: number }[]> } = JSON.parse(payload);
  for (const records of Object.values(event.records))
    for (const { timestamp } of records) delaysMs.push(nowMs - timestamp);
}

let mostDelivered = 0;

function tell(): void {
  const { user, system } = process.cpuUsage();
  // A mapping that has stopped has no partitions any more.
  const delivered = mapping.status.partitions.reduce((sum, partition) => sum + partition.delivered, 0);
  mostDelivered = Math.max(mostDelivered, delivered);
  const progress: Progress = {
    delivered: mostDelivered,
    rssMb: process.memoryUsage.rss() / 1e6,

    cpuSeconds: (user + system) / 1e6,
    delaysMs,
  };
  delaysMs = [];
  process.send?.(progress);
}

const mapping = startMapping(
  {
    functionKey: "nothing",
    functionName: "nothing",
    eventSourceArn: "arn:aws:kafka:local:000000000000:cluster/bench/00000000-0000-4000-8000-000000000000-s1",
    topic: options.topic,
    groupId: options.groupId,
    batchSize: options.batchSize,
    batchingWindowMs: options.windowMs,
    startingPosition: "TRIM_HORIZON",
    startingTimestampMs: null,
  },
  options.brokers.split(","),
  async (name, payload) => {
    if (options.tellsDelays) noteDelays(payload, Date.now());
    await invokeFunction(name, payload);
    if (options.functionMs > 0) await new Promise((resolve) => setTimeout(resolve, options.functionMs));
    if (!hasDelivered) process.send?.({ firstDeliveryAtMs: Date.now() });
    hasDelivered = true;
    return null;
  },
  (message) => console.error(message),
);
const timer = setInterval(tell, 100);

process.on("message", async () => {
  await mapping.stop();
  clearInterval(timer);
  tell();
  process.disconnect();
});
