// Filters that name what is not there: a typing error must not read as "all is well".

import type { Pool } from "pg";
import { printable } from "../core/printable.ts";
import { UsageError } from "../core/usage-error.ts";
import { isReplaySource } from "../postgres/replay-source.ts";

/** A log that has been read, by a ledger entry. */
export interface KnownLog {
  readonly source: string;
  readonly topic: string;
  readonly partition: number;
  readonly incarnation: number;
}

export interface LogFilter {
  readonly source?: string;
  readonly topic?: string;
  readonly partition?: number;
  readonly incarnation?: number;
  readonly since?: number;
  readonly until?: number;
}

/** Fields that a refused or doubtful record may be about: those of the contract. */
export const recordFields = [
  ...[
    "event_id",
    "sensor_id",
    "sensor_type",
    "value",
    "location",
    "meter_id",
    "customer_id",
    "reading",
    "unit",
  ],
  ...["timestamp", "temperature", "humidity", "pressure", "wind_speed", "weather_condition"],
];

const NAMES = [
  ["source", "cluster", "clusters"],
  ["topic", "topic", "topics"],
  ["partition", "partition", "partitions"],
  ["incarnation", "incarnation", "incarnations"],
] as const;

/**
 * What is wrong with a filter, by the logs that have been read; null where nothing is, or where nothing was read yet.
 * @param topics that the pipeline reads, whether anything came or not
 */
export function filterProblem(
  filter: LogFilter,
  logs: readonly KnownLog[],
  topics: readonly string[],
): string | null {
  const { since, until } = filter;
  if (since !== undefined && until !== undefined && since >= until)
    return "--since has to lie before --until";
  let fitting = logs;
  for (const [name, one, many] of NAMES) {
    const wanted = filter[name];
    if (wanted === undefined) continue;
    const there = new Set<string | number>(fitting.map((log) => log[name]));
    if (name === "topic") for (const topic of topics) there.add(topic);
    if (there.size === 0) return null;
    if (!there.has(wanted)) {
      const named = name === "topic" || filter.topic === undefined ? "" : ` of the topic ${filter.topic}`;
      const list = [...there].sort((a, b) => (a < b ? -1 : 1)).join(", ");
      return printable(`--${name} ${wanted}: no such ${one}${named} has been read; the ${many}: ${list}`);
    }
    fitting = fitting.filter((log) => log[name] === wanted);
  }
  return null;
}

/** @throws UsageError where a filter names what has never been read, with what there is */
export async function refuseUnknown(
  pool: Pool,
  filter: LogFilter,
  topics: Readonly<Record<string, string>>,
): Promise<void> {
  const { rows } = await pool.query<KnownLog>("SELECT source, topic, partition, incarnation FROM ledger");
  const logs = rows.filter(({ source }) => !isReplaySource(source));
  const problem = filterProblem(filter, logs, Object.values(topics));
  if (problem !== null) throw new UsageError(problem);
}
