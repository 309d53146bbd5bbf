// The pipeline's gauges in Prometheus' text format. Names and labels are ours; topics need no escaping, for Kafka takes
// letters, digits, '.', '_' and '-' only.

import type { Gauges, Trouble } from "../postgres/trouble.ts";

type Sample = readonly [labels: Readonly<Record<string, string | number>>, value: number | null];

function family(name: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.flatMap(([labels, value]) => {
    if (value === null) return [];
    const text = Object.entries(labels).map(([label, of]) => `${label}="${of}"`);
    return [`${name}{${text.join(",")}} ${value}`];
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...lines].join("\n");
}

const kinds = [
  "log_broken",
  "partition_stuck",
  "records_lost",
  "sweeper_silent",
  "watermark_held",
] as const satisfies readonly Trouble["kind"][];

export function prometheusText({ partitions, streams, conflicts, kept, doubtful, trouble }: Gauges): string {
  const families = [
    family(
      "smartgrid_doubtful_events",
      "Events that were counted with a value that is likely to be another unit",
      doubtful.map(({ topic, events }) => [{ topic }, events]),
    ),
    family(
      "smartgrid_partition_lag_records",
      "Records on the broker that the ledger does not hold, as the sweeper last saw it",
      partitions.map(({ stream, topic, partition, lag }) => [{ stream, topic, partition }, lag]),
    ),
    family(
      "smartgrid_partition_lost_offsets",
      "Offsets that the trigger has passed and that are not counted; at least so many while smartgrid_partition_unchecked_offsets is not 0",
      partitions.map(({ stream, topic, partition, lost }) => [{ stream, topic, partition }, lost]),
    ),
    family(
      "smartgrid_partition_unchecked_offsets",
      "Offsets that the trigger has passed, that are not counted, and that the sweeper has not looked up on the broker yet: lost, or without a record",
      partitions.map(({ stream, topic, partition, unchecked }) => [{ stream, topic, partition }, unchecked]),
    ),
    family(
      "smartgrid_watermark_age_seconds",
      "How far the watermark lies behind the clock",
      streams.map(({ stream, watermarkAgeSeconds }) => [{ stream }, watermarkAgeSeconds]),
    ),
    family(
      "smartgrid_sweep_age_seconds",
      "Time since the last sweep that succeeded",
      streams.map(({ stream, sweepAgeSeconds }) => [{ stream }, sweepAgeSeconds]),
    ),
    family(
      "smartgrid_conflict_records",
      "Records that were not counted, because an event of their identity with other content had been",
      conflicts.map((one) => [{ stream: one.stream }, one.conflicts]),
    ),
    family(
      "smartgrid_open_conflicts",
      "Conflicts that were neither dismissed nor replaced",
      conflicts.map((one) => [{ stream: one.stream }, one.open]),
    ),
    family(
      "smartgrid_quarantined_records",
      "Records that were refused, and neither replayed nor discarded",
      kept.map(({ stream, quarantined }) => [{ stream }, quarantined]),
    ),
    family(
      "smartgrid_too_late_records",
      "Records that were not counted, because their window was beyond the amendment horizon",
      kept.map(({ stream, tooLate }) => [{ stream }, tooLate]),
    ),
    family(
      "smartgrid_trouble",
      "How many partitions or streams do not go on",
      kinds.map((kind) => [{ kind }, trouble.filter((one) => one.kind === kind).length]),
    ),
  ];
  return `${families.join("\n")}\n`;
}
