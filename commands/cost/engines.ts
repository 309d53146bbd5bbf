// The same workload on other engines: Managed Flink, and Spark on EMR Serverless and on Glue. They pay the same Kafka,
// the same private network for their connectors, and a database that has less to do, for they write each row once.

import { type Bill, HOURS_PER_MONTH, type Item, linesOf } from "./bill.ts";
import { type EngineCost, flinkCost, sparkCost, WAL_BYTES_PER_ROW } from "./measured.ts";
import {
  databaseNeed,
  ENDPOINT_ZONES,
  endpointItem,
  type KafkaKind,
  kafkaNeed,
  monitoringItems,
  partitionsFor,
} from "./platform.ts";
import type { Prices } from "./prices.ts";
import { eventsPerSecondOf, loadsOf, rowsPerSecondOf, type Workload } from "./workload.ts";

/** So busy may a worker be on average; the rest is for bursts and catching up. */
const WORKER_UTILISATION = 0.5;
/** A streaming job's logs and metrics: judgement. */
const LOG_GB = 5;
const EMR_WORKER_GB = 4;
/** A Glue worker G.025X: a quarter of a DPU with 2 vCPU. */
const GLUE_UNITS_PER_WORKER = 0.25;
const GLUE_VCPU_PER_WORKER = 2;

export type EngineName = "flink" | "emr" | "glue";

/** vCPUs that the work takes at the utilisation, one at least. */
function vcpusOf(workload: Workload, cost: EngineCost): number {
  const loads = loadsOf(workload);
  const busy = (eventsPerSecondOf(loads) * cost.usPerEvent + rowsPerSecondOf(loads) * cost.usPerRow) / 1e6;
  return Math.max(1, Math.ceil(busy / WORKER_UTILISATION));
}

interface Engine {
  readonly name: string;
  readonly cost: EngineCost;
  items(vcpus: number): Item[];
  note(vcpus: number): string;
}

const engines: Readonly<Record<EngineName, Engine>> = {
  flink: {
    name: "Managed Flink",
    cost: flinkCost,
    items: (vcpus) => [
      ["Flink: units, and one that orchestrates", (vcpus + 1) * HOURS_PER_MONTH, "flinkUnit"],
    ],
    note: (vcpus) => `${vcpus} units of 1 vCPU and 4 GB, each with room for 50 GB of state`,
  },
  emr: {
    name: "Spark on EMR Serverless",
    cost: sparkCost,
    items: (vcpus) => [
      ["EMR: vCPU, driver and executors", (vcpus + 1) * HOURS_PER_MONTH, "emrVcpu"],
      ["EMR: memory", (vcpus + 1) * EMR_WORKER_GB * HOURS_PER_MONTH, "emrMemory"],
    ],
    note: (vcpus) => `a driver and ${vcpus} executors of 1 vCPU and ${EMR_WORKER_GB} GB`,
  },
  glue: {
    name: "Spark on Glue streaming",
    cost: sparkCost,
    items: (vcpus) => {
      const workers = 1 + Math.ceil(vcpus / GLUE_VCPU_PER_WORKER);
      return [["Glue: workers G.025X", workers * GLUE_UNITS_PER_WORKER * HOURS_PER_MONTH, "glueUnit"]];
    },
    note: (vcpus) => `a driver and ${Math.ceil(vcpus / GLUE_VCPU_PER_WORKER)} workers G.025X`,
  },
};

export const engineNames = ["flink", "emr", "glue"] as const;

export function engineBill(engine: EngineName, workload: Workload, kind: KafkaKind, prices: Prices): Bill {
  const { name, cost, items, note } = engines[engine];
  const loads = loadsOf(workload);
  const vcpus = vcpusOf(workload, cost);
  const rowsPerSecond = rowsPerSecondOf(loads);
  const partitions = loads.reduce((sum, load) => sum + partitionsFor(load), 0);
  const kafka = kafkaNeed(workload, kind, partitions, 1);
  const database = databaseNeed(
    workload,
    (rowsPerSecond * cost.databaseUsPerRow) / 1e6,
    rowsPerSecond * WAL_BYTES_PER_ROW,
    0,
    prices,
  );
  return {
    name,
    lines: linesOf(
      [
        ...items(vcpus),
        ...kafka.items,
        ...database.items,
        endpointItem(ENDPOINT_ZONES),
        ["CloudWatch: logs taken in", LOG_GB, "logIngestion"],
        ...monitoringItems,
      ],
      prices,
    ),
    notes: [note(vcpus), ...kafka.notes, ...database.notes],
    limits: [...kafka.limits, ...database.limits],
  };
}
