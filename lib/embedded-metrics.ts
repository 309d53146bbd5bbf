// Metrics in CloudWatch's embedded metric format: a line of JSON in a function's log, from which CloudWatch takes them.
// No call, no client, no permission. Only deployed: on one machine the lines would be noise.

import type { StreamName } from "./streams/stream.ts";

export const METRIC_NAMESPACE = "Smartgrid";

/** CloudWatch's unit of each metric. The alarms and the dashboard (infra/alarms.cjs, dashboard.cjs) know no others. */
export const metricUnits = {
  // aggregate-*
  Records: "Count",
  Quarantined: "Count",
  TooLate: "Count",
  Conflicts: "Count",
  Doubtful: "Count",
  Replayed: "Count",
  Late: "Count",
  CommitDuration: "Milliseconds",
  // sweep-windows
  Sweeps: "Count",
  Lag: "Count",
  Lost: "Count",
  WatermarkAge: "Seconds",
  // whichever finds out first
  LogBreaks: "Count",
} as const;

export type MetricName = keyof typeof metricUnits;
export type Metrics = Readonly<Partial<Record<MetricName, number>>>;

/**
 * One line: metrics of a stream under the dimensions FunctionName and Stream.
 * @param timeMs since the epoch, UTC
 */
export function metricLine(
  functionName: string,
  stream: StreamName,
  metrics: Metrics,
  timeMs: number,
): string {
  const names = Object.keys(metricUnits).filter((name) => Object.hasOwn(metrics, name));
  const units: Readonly<Record<string, string>> = metricUnits;
  return JSON.stringify({
    _aws: {
      Timestamp: timeMs,
      CloudWatchMetrics: [
        {
          Namespace: METRIC_NAMESPACE,
          Dimensions: [["FunctionName", "Stream"]],
          Metrics: names.map((Name) => ({ Name, Unit: units[Name] })),
        },
      ],
    },
    FunctionName: functionName,
    Stream: stream,
    ...metrics,
  });
}

export type WriteMetrics = (stream: StreamName, metrics: Metrics) => void;

/**
 * Writes them to standard output, as they are, like log lines (lib/log.ts): of anything before the JSON CloudWatch reads
 * nothing.
 * @param functionName under which name; null: nowhere
 */
export function metricWriter(functionName: string | null): WriteMetrics {
  if (functionName === null) return () => undefined;
  return (stream, metrics) => {
    process.stdout.write(`${metricLine(functionName, stream, metrics, Date.now())}\n`);
  };
}
