// What every way of processing needs alike: Kafka, PostgreSQL and the private network.

import functions from "../../infra/streams.cjs";
import { HOURS_PER_MONTH, type Item, linesOf, SECONDS_PER_MONTH } from "./bill.ts";
import { BYTES_PER_ROW } from "./measured.ts";
import type { Prices } from "./prices.ts";
import { bytesPerSecondOf, loadsOf, rowsPerSecondOf, type StreamLoad, type Workload } from "./workload.ts";

export type KafkaKind = "serverless" | "provisioned";

const GB = 1e9;
const DAY_SECONDS = 86_400;
export const ZONES = 3;

/** MSK Serverless: quotas of a cluster. */
const SERVERLESS_BYTES_IN_PER_SECOND = 200e6;
const SERVERLESS_PARTITIONS = 2_400;
/** Judgement: what a kafka.m7g.large may write, replicas included, with room for a lost broker. */
const BROKER_BYTES_PER_SECOND = 30e6;
const REPLICAS = 3;

const STREAMS = Object.keys(functions).length;

/** CloudWatch, the same whoever processes. */
export const monitoringItems: readonly Item[] = [
  ["CloudWatch: metrics", 11 * STREAMS, "customMetric"],
  ["CloudWatch: alarms, by their metrics", 21 + 14 * STREAMS, "alarm"],
  ["CloudWatch: dashboard", 1, "dashboard"],
];

/**
 * Interface endpoints, each in so many zones. There is none for secrets: all log in to the database by IAM, which Flink's
 * and Spark's drivers can as well.
 */
export const ENDPOINT_ZONES = { kafka: ZONES } as const;

/** Endpoints are paid by the hour and zone. */
export function endpointItem(zones: Readonly<Record<string, number>>): Item {
  const each = Object.entries(zones).map(([service, count]) => `${service} in ${count}`);
  const inAll = Object.values(zones).reduce((sum, count) => sum + count, 0);
  return [`Interface endpoints, by zones: ${each.join(", ")}`, inAll * HOURS_PER_MONTH, "interfaceEndpoint"];
}

interface Need {
  readonly items: readonly Item[];
  readonly notes: readonly string[];
  readonly limits: readonly string[];
}

/** Judgement: a partition takes so much and stays easy to move. */
const PARTITION_BYTES_PER_SECOND = 2e6;
/** What the topics are created with. */
const LEAST_PARTITIONS = { sensor: 4, consumption: 4, weather: 1 } as const;

/** Partitions that a stream's bytes ask for. */
export function partitionsFor({ stream, eventsPerSecond, bytesPerEvent }: StreamLoad): number {
  return Math.max(
    LEAST_PARTITIONS[stream],
    Math.ceil((eventsPerSecond * bytesPerEvent) / PARTITION_BYTES_PER_SECOND),
  );
}

/** @param readers how often each byte is read */
export function kafkaNeed(
  workload: Workload,
  kind: KafkaKind,
  partitions: number,
  readers: number,
): Need & { readonly kind: KafkaKind } {
  const bytesPerSecond = bytesPerSecondOf(loadsOf(workload));
  const gbPerMonth = (bytesPerSecond * SECONDS_PER_MONTH) / GB;
  const retainedGb = (bytesPerSecond * workload.retentionDays * DAY_SECONDS) / GB;
  const tooMuch = bytesPerSecond > SERVERLESS_BYTES_IN_PER_SECOND || partitions > SERVERLESS_PARTITIONS;
  if (kind === "serverless" && !tooMuch)
    return {
      kind,
      items: [
        ["MSK Serverless: cluster", HOURS_PER_MONTH, "mskServerlessCluster"],
        ["MSK Serverless: partitions", partitions * HOURS_PER_MONTH, "mskServerlessPartition"],
        ["MSK Serverless: written", gbPerMonth, "mskServerlessIn"],
        ["MSK Serverless: read", gbPerMonth * readers, "mskServerlessOut"],
        ["MSK Serverless: storage", retainedGb, "mskServerlessStorage"],
      ],
      notes: [`${partitions} partitions, ${workload.retentionDays} days of retention`],
      limits: [],
    };
  const brokers =
    ZONES * Math.max(1, Math.ceil((bytesPerSecond * REPLICAS) / BROKER_BYTES_PER_SECOND / ZONES));
  return {
    kind: "provisioned",
    items: [
      ["MSK brokers", brokers * HOURS_PER_MONTH, "mskBroker"],
      ["MSK storage", Math.max(retainedGb * REPLICAS, brokers * 100), "mskBrokerStorage"],
    ],
    notes: [
      `${brokers} brokers kafka.m7g.large, ${partitions} partitions, ${workload.retentionDays} days of retention, ${REPLICAS} replicas`,
      ...(kind === "serverless"
        ? ["MSK Serverless does not take it (200 MB/s, 2,400 partitions): provisioned"]
        : []),
    ],
    limits: [],
  };
}

/** AWS publishes memory (2 GiB) per ACU; its instances have a vCPU for each 8 GiB. */
const VCPU_PER_ACU = 0.25;
const DATABASE_UTILISATION = 0.5;
const LEAST_ACU = 0.5;
const LARGEST_ACU = 256;
const LARGEST_VOLUME_GB = (128 * 1024 ** 4) / GB;
const IO_BYTES = 4_096;

/**
 * Aurora in whichever of its two storage configurations is cheaper. Where us-east-1's price of I/O-Optimized stands in for a
 * dearer region's, it may be taken where standard would be cheaper: its lines then say whose price they have.
 * @param cpuPerSecond CPU-s of PostgreSQL per s
 * @param walBytesPerSecond what is written
 * @param moreBytes what is stored besides the rows
 */
export function databaseNeed(
  workload: Workload,
  cpuPerSecond: number,
  walBytesPerSecond: number,
  moreBytes: number,
  prices: Prices,
): Need {
  const rows = rowsPerSecondOf(loadsOf(workload)) * workload.keepDays * DAY_SECONDS;
  const acu = Math.max(LEAST_ACU, Math.ceil((cpuPerSecond / DATABASE_UTILISATION / VCPU_PER_ACU) * 2) / 2);
  const acuHours = acu * HOURS_PER_MONTH;
  const storageGb = (rows * BYTES_PER_ROW + moreBytes) / GB;
  const standard: Item[] = [
    ["Aurora Serverless v2: capacity", acuHours, "auroraCapacityUnit"],
    ["Aurora: storage", storageGb, "auroraStorage"],
    ["Aurora: I/O", (walBytesPerSecond * SECONDS_PER_MONTH) / IO_BYTES / 1e6, "auroraIo"],
  ];
  const ioOptimized: Item[] = [
    ["Aurora Serverless v2, I/O-Optimized: capacity", acuHours, "auroraIoOptimizedCapacityUnit"],
    ["Aurora, I/O-Optimized: storage", storageGb, "auroraIoOptimizedStorage"],
  ];
  const usd = (items: readonly Item[]) => linesOf(items, prices).reduce((sum, line) => sum + line.usd, 0);
  return {
    items: usd(ioOptimized) < usd(standard) ? ioOptimized : standard,
    notes: [
      `database: one writer (a standby doubles its capacity's line), ${cpuPerSecond.toFixed(3)} vCPU busy, ${acu} ACU at ${DATABASE_UTILISATION * 100} %, ${Math.round(rows).toLocaleString("en")} rows after ${workload.keepDays} days`,
    ],
    limits: [
      ...(acu > LARGEST_ACU
        ? [
            `one Aurora writer has ${LARGEST_ACU} ACU at most, this takes ${acu}: aggregate before the database`,
          ]
        : []),
      ...(storageGb > LARGEST_VOLUME_GB
        ? [
            `an Aurora volume has 128 TiB at most, this takes ${Math.round(storageGb / 1000)} TB: keep rows for less long`,
          ]
        : []),
    ],
  };
}
