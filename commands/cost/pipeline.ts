// The bill of this pipeline: functions, pollers, and what it needs of Kafka, PostgreSQL, network and CloudWatch.

import { type Bill, HOURS_PER_MONTH, type Item, linesOf, SECONDS_PER_MONTH } from "./bill.ts";
import {
  BYTES_PER_IDENTITY,
  OUR_COMMIT_MS,
  OUR_DATABASE_US_PER_COMMIT,
  OUR_DATABASE_US_PER_FINAL_ROW,
  OUR_DATABASE_US_PER_IDENTITY,
  OUR_DATABASE_US_PER_ROW,
  OUR_FUNCTION_US_PER_EVENT,
  OUR_FUNCTION_US_PER_ROW,
  WAL_BYTES_PER_ROW,
} from "./measured.ts";
import {
  databaseNeed,
  ENDPOINT_ZONES,
  endpointItem,
  type KafkaKind,
  kafkaNeed,
  monitoringItems,
  partitionsFor,
  ZONES,
} from "./platform.ts";
import type { Prices } from "./prices.ts";
import { loadsOf, rowsPerSecondOf, type StreamLoad, type StreamName, type Workload } from "./workload.ts";

export type PollerKind = "on-demand" | "grouped" | "provisioned";
export type NetworkKind = "endpoints" | "nat";

/** What of serverless.yml the bill depends on. */
export interface Trigger {
  readonly batchSize: number;
  readonly batchingWindowSeconds: number;
}

export interface Deployment {
  readonly memoryMb: number;
  readonly triggers: Readonly<Record<StreamName, Trigger>>;
  readonly kafka: KafkaKind;
  readonly pollers: PollerKind;
  readonly network: NetworkKind;
}

/** Lambda gives a whole vCPU at this size and a share below it. */
const MB_PER_VCPU = 1_769;
/** So much of the time a partition may be busy; the rest is for bursts and for catching up. */
const PARTITION_UTILISATION = 0.7;
const IDENTITY_DAYS = 8;
/** The sweeper and the weather, once a minute each: judgement. */
const SCHEDULED_PER_SECOND = 2 / 60;
const SCHEDULED_SECONDS = 0.5;
/** What pollers need besides the functions' endpoints: to hand over what they give up; on demand, to call functions at all. */
const POLLER_ENDPOINT_ZONES: Readonly<Record<PollerKind, Readonly<Record<string, number>>>> = {
  grouped: { sqs: ZONES },
  provisioned: { sqs: ZONES },
  "on-demand": { lambda: ZONES, sts: ZONES },
};
const POLLER_BYTES_PER_SECOND = 5e6;
const UNIT_BYTES_PER_SECOND = 20e6;
const POLLERS_PER_UNIT = 10;
const LOG_BYTES_PER_INVOCATION = 1_100; // the commit's line, its metrics, START, END and REPORT

export interface Processing {
  readonly stream: StreamName;
  readonly partitions: number;
  readonly eventsPerBatch: number;
  readonly invocationsPerSecond: number;
  readonly durationMs: number;
  /** Executions at once, and so connections to the database. */
  readonly concurrency: number;
  readonly rowTouchesPerSecond: number;
}

/** What an invocation takes at one memory size. */
function durationMsOf(events: number, rowTouches: number, memoryMb: number): number {
  const vcpu = Math.min(1, memoryMb / MB_PER_VCPU);
  return (
    OUR_COMMIT_MS +
    (events * OUR_FUNCTION_US_PER_EVENT + rowTouches * OUR_FUNCTION_US_PER_ROW) / 1000 / vcpu +
    (rowTouches * OUR_DATABASE_US_PER_ROW) / 1000
  );
}

/** A stream on its triggers: a batch is sent when it is full or the window since its first event has passed. */
export function processingOf(
  load: StreamLoad,
  { batchSize, batchingWindowSeconds }: Trigger,
  memoryMb: number,
): Processing {
  const on = (partitions: number): Processing => {
    const rate = load.eventsPerSecond / partitions;
    const eventsPerBatch = Math.min(batchSize, 1 + rate * batchingWindowSeconds);
    const rowTouches = Math.min(eventsPerBatch, Math.max(1, load.keys / partitions));
    const invocationsPerSecond = load.eventsPerSecond / eventsPerBatch;
    const durationMs = durationMsOf(eventsPerBatch, rowTouches, memoryMb);
    return {
      stream: load.stream,
      partitions,
      eventsPerBatch,
      invocationsPerSecond,
      durationMs,
      concurrency: (invocationsPerSecond * durationMs) / 1000,
      rowTouchesPerSecond: invocationsPerSecond * rowTouches,
    };
  };
  // A partition has one invocation at a time: as many partitions as keep each below the utilisation.
  const full = durationMsOf(batchSize, Math.min(batchSize, load.keys), memoryMb) / 1000;
  const forTime = Math.ceil((load.eventsPerSecond * full) / batchSize / PARTITION_UTILISATION);
  return on(Math.max(partitionsFor(load), forTime));
}

/** Event poller units: each mapping's own, or shared by a poller group. */
function pollerUnits(loads: readonly StreamLoad[], kind: PollerKind): number {
  if (kind === "on-demand") return 0;
  const bytes = loads.map((load) => load.eventsPerSecond * load.bytesPerEvent);
  const unitsOf = (pollers: number, bytesPerSecond: number) =>
    Math.max(Math.ceil(pollers / POLLERS_PER_UNIT), Math.ceil(bytesPerSecond / UNIT_BYTES_PER_SECOND));
  const pollers = bytes.map((perSecond) => Math.max(1, Math.ceil(perSecond / POLLER_BYTES_PER_SECOND)));
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  if (kind === "grouped") return unitsOf(sum(pollers), sum(bytes));
  return sum(pollers.map((count, i) => unitsOf(count, bytes[i] ?? 0)));
}

function networkItems({ network, pollers }: Deployment): Item[] {
  if (network === "nat") return [["NAT gateways", ZONES * HOURS_PER_MONTH, "natGateway"]];
  return [endpointItem({ ...ENDPOINT_ZONES, ...POLLER_ENDPOINT_ZONES[pollers] })];
}

export function pipelineBill(workload: Workload, deployment: Deployment, prices: Prices): Bill {
  const loads = loadsOf(workload);
  const processings = loads.map((load) =>
    processingOf(load, deployment.triggers[load.stream], deployment.memoryMb),
  );
  const sum = (of: (processing: Processing) => number) =>
    processings.reduce((total, one) => total + of(one), 0);
  const partitions = sum((one) => one.partitions);
  const invocations = (sum((one) => one.invocationsPerSecond) + SCHEDULED_PER_SECOND) * SECONDS_PER_MONTH;
  const busySecondsPerSecond =
    sum((one) => (one.invocationsPerSecond * Math.ceil(one.durationMs)) / 1000) +
    SCHEDULED_PER_SECOND * SCHEDULED_SECONDS;
  const gbSeconds = busySecondsPerSecond * SECONDS_PER_MONTH * (deployment.memoryMb / 1024);
  const identitiesPerSecond = loads.find((load) => load.stream === "consumption")?.eventsPerSecond ?? 0;
  const rowTouchesPerSecond = sum((one) => one.rowTouchesPerSecond);
  const rowsPerSecond = rowsPerSecondOf(loads);
  const databaseCpuPerSecond =
    (sum((one) => one.invocationsPerSecond) * OUR_DATABASE_US_PER_COMMIT +
      rowTouchesPerSecond * OUR_DATABASE_US_PER_ROW +
      identitiesPerSecond * OUR_DATABASE_US_PER_IDENTITY +
      rowsPerSecond * OUR_DATABASE_US_PER_FINAL_ROW) /
    1e6;
  const walBytesPerSecond = (rowTouchesPerSecond + rowsPerSecond + identitiesPerSecond) * WAL_BYTES_PER_ROW;
  const kafka = kafkaNeed(workload, deployment.kafka, partitions, 1);
  const database = databaseNeed(
    workload,
    databaseCpuPerSecond,
    walBytesPerSecond,
    identitiesPerSecond * IDENTITY_DAYS * 86_400 * BYTES_PER_IDENTITY,
    prices,
  );
  const logGb = (invocations * LOG_BYTES_PER_INVOCATION) / 1e9;
  const items: Item[] = [
    ["Lambda: requests", invocations / 1e6, "lambdaRequests"],
    ["Lambda: duration", gbSeconds, "lambdaDuration"],
    ["Event poller units", pollerUnits(loads, deployment.pollers) * HOURS_PER_MONTH, "eventPollerUnit"],
    ...kafka.items,
    ...database.items,
    ...networkItems(deployment),
    ["CloudWatch: logs taken in", logGb, "logIngestion"],
    ["CloudWatch: logs kept a month", logGb, "logStorage"],
    ...monitoringItems,
  ];
  return {
    name: "this pipeline",
    lines: linesOf(items, prices),
    notes: [
      ...processings
        .filter((one) => one.invocationsPerSecond > 0)
        .map(
          (one) =>
            `${one.stream}: ${one.partitions} partitions, ${one.eventsPerBatch.toFixed(1)} events a batch, ` +
            `${one.durationMs.toFixed(1)} ms an invocation, ` +
            `${one.concurrency.toLocaleString("en", { maximumSignificantDigits: 2 })} invocations at a time on average ` +
            "(each with a connection to the database)",
        ),
      "events come by Kafka: who produces them (the HTTP API, if any) is not in it",
      ...kafka.notes,
      ...database.notes,
    ],
    limits: [...kafka.limits, ...database.limits],
  };
}
