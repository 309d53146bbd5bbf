// What is seen of watermarks and ledgers while a run goes on, and the laws that every sample keeps.

import type { ClientBase } from "pg";
import { pause } from "../../localstack/event-source-mapping/waiting.ts";
import { openClient } from "./load.ts";
import { type LoggedRecord, type StreamName, streams } from "./log.ts";
import type { Database } from "./servers.ts";
import type { Era, Upheavals } from "./upheavals.ts";
import type { Breach } from "./verdict.ts";

interface Range {
  readonly from: number;
  readonly to: number;
}

interface StreamSample {
  readonly watermarkMs: number | null;
  /** Rows that are final although their window ends after the watermark. */
  readonly finalTooEarly: number;
  /** How far the watermark is ahead of the database's clock less the delay, ms; above 0 it must never be. */
  readonly aheadMs: number | null;
  readonly applied: ReadonlyMap<number, readonly Range[]>;
  /** Asked of the broker before the database. */
  readonly ends: ReadonlyMap<number, number>;
  /** When the broker had answered, ms. */
  readonly endsAtMs: number;
  /** When the oldest of the sweeps began that may have moved the watermark since the sample before, ms. */
  readonly sweptFromMs: number;
  readonly era: Era;
}

export type Sample = Readonly<Record<StreamName, StreamSample>>;

/** Of all sweeps that had not ended at a time, the start of the oldest; `performance.now()`, ms. */
export type OldestSweep = (sinceMs: number) => number;

type Topics = Readonly<Record<StreamName, string>>;

const tables = {
  sensor: "sensor_aggregates_realtime",
  consumption: "consumption_aggregates_realtime",
  weather: "weather_aggregates_realtime",
} as const;

async function sampleStream(
  client: ClientBase,
  stream: StreamName,
  topic: string,
  delayMs: number,
): Promise<Omit<StreamSample, "ends" | "endsAtMs" | "sweptFromMs" | "era">> {
  // One statement, so one snapshot: finality and watermark are seen together.
  const { rows } = await client.query<{
    watermark_ms: string | null;
    ahead_ms: string | null;
    early: number;
    applied: { partition: number; from: number; to: number }[];
  }>(
    `SELECT extract(epoch FROM s.watermark) * 1000 AS watermark_ms,
       extract(epoch FROM s.watermark - now()) * 1000 + $3 AS ahead_ms,
       (SELECT count(*)::int FROM ${tables[stream]}
        WHERE state = 'final' AND (s.watermark IS NULL OR window_end > s.watermark)) AS early,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('partition', partition, 'from', lower(part), 'to', upper(part))), '[]')
        FROM ledger, unnest(applied) AS part WHERE topic = $2) AS applied
     FROM stream_state AS s WHERE stream = $1`,
    [stream, topic, delayMs],
  );
  const [row] = rows;
  return {
    watermarkMs: row?.watermark_ms == null ? null : Number(row.watermark_ms),
    aheadMs: row?.ahead_ms == null ? null : Number(row.ahead_ms),
    finalTooEarly: row?.early ?? 0,
    applied: Map.groupBy(row?.applied ?? [], (range) => range.partition),
  };
}

const eraOf = ({ cuts, restores }: Upheavals): Era => ({ cuts, restores });
const sameEra = (a: Era, b: Era) => a.cuts === b.cuts && a.restores === b.restores;

/** Looks on twice a second until the signal; while a server is away nothing is seen. */
export async function watch(
  database: Database,
  brokers: string,
  topics: Topics,
  delayMs: number,
  oldestSweep: OldestSweep,
  upheavals: Upheavals,
  onSample: (sample: Sample) => void,
  signal: AbortSignal,
): Promise<void> {
  const sampledAtMs: Record<StreamName, number> = { sensor: 0, consumption: 0, weather: 0 };
  while (!signal.aborted) {
    const admin = openClient(brokers, "watch").admin();
    try {
      await admin.connect();
      await database.use(async (client) => {
        while (!signal.aborted) {
          const of = async (stream: StreamName) => {
            const era = eraOf(upheavals);
            const offsets = await admin.fetchTopicOffsets(topics[stream]);
            const ends = new Map(offsets.map((one) => [one.partition, Number(one.high)]));
            const endsAtMs = performance.now();
            const seen = await sampleStream(client, stream, topics[stream], delayMs);
            const sweptFromMs = oldestSweep(sampledAtMs[stream]);
            sampledAtMs[stream] = endsAtMs;
            return { ...seen, ends, endsAtMs, sweptFromMs, era };
          };
          const before = eraOf(upheavals);
          const sample = {
            sensor: await of("sensor"),
            consumption: await of("consumption"),
            weather: await of("weather"),
          };
          // What was half seen before and half after says nothing.
          if (sameEra(before, upheavals)) onSample(sample);
          await pause(500, signal);
        }
      });
    } catch {
      // A server is away, as it should be now and then; looked at again when it is back.
      await pause(500, signal);
    } finally {
      await admin.disconnect().catch(() => undefined); // it may have lost its broker
    }
  }
}

function isApplied(sample: StreamSample, partition: number, offset: number): boolean {
  return (sample.applied.get(partition) ?? []).some((range) => range.from <= offset && offset < range.to);
}

function eventTimeMs({ value }: LoggedRecord): number {
  const { timestamp }: { timestamp: string } = JSON.parse(value?.toString() ?? "");
  return Date.parse(/Z$/.test(timestamp) ? timestamp : `${timestamp}Z`);
}

/**
 * Where the watermark moved on although a partition was lagging all the time: beyond what that partition's applied
 * events allow. What the partition held was `known` before the sweep began that moved it: no sweep can know of more.
 * `log` holds the stream's records only, `gone` those that it held before a cut: such a one may be what has moved it.
 */
function movedPastLagging(
  stream: StreamName,
  before: StreamSample,
  known: StreamSample,
  after: StreamSample,
  log: readonly LoggedRecord[],
  gone: readonly LoggedRecord[],
  delayMs: number,
): Breach[] {
  const { watermarkMs } = after;
  if (watermarkMs === null || watermarkMs === before.watermarkMs) return [];
  return [...known.ends].flatMap(([partition, end]) => {
    const there = log.filter((record) => record.partition === partition && record.offset < end);
    if (there.every(({ offset }) => isApplied(after, partition, offset))) return [];
    const times = [...log, ...gone]
      .filter(
        (one) =>
          one.partition === partition && one.fate === "count" && isApplied(after, partition, one.offset),
      )
      .map(eventTimeMs);
    const allowedMs = Math.max(Number.NEGATIVE_INFINITY, ...times) - delayMs;
    if (watermarkMs <= allowedMs + 1) return [];
    const what = `${stream}: the watermark moved to ${new Date(watermarkMs).toISOString()} past partition ${partition}, which was lagging`;
    return [{ promise: "EARLY" as const, what }];
  });
}

/** The laws over all samples. Pure. @param gone records that were cut from the log */
export function judgeSamples(
  samples: readonly Sample[],
  log: readonly LoggedRecord[],
  gone: readonly LoggedRecord[],
  delayMs: number,
): Breach[] {
  return streams.flatMap((stream) => {
    const ofStream = log.filter((record) => record.stream === stream);
    const goneOfStream = gone.filter((record) => record.stream === stream);
    return samples.flatMap((sample, i) => {
      const now = sample[stream];
      const before = samples[i - 1]?.[stream];
      const breaches: Breach[] = [];
      const early = (what: string) => breaches.push({ promise: "EARLY", what: `${stream}: ${what}` });
      if (now.finalTooEarly > 0) early(`${now.finalTooEarly} rows were final before their watermark`);
      if (now.aheadMs !== null && now.aheadMs > 0)
        early(`the watermark was ${now.aheadMs} ms ahead of the clock`);
      // A database that was set back has the watermark of then.
      if (before === undefined || before.era.restores !== now.era.restores) return breaches;
      if (before.watermarkMs !== null && (now.watermarkMs ?? 0) < before.watermarkMs)
        early("the watermark went back");
      const known = samples.slice(0, i).findLast((one) => one[stream].endsAtMs <= now.sweptFromMs)?.[stream];
      if (known === undefined || !sameEra(known.era, now.era)) return breaches;
      return [...breaches, ...movedPastLagging(stream, before, known, now, ofStream, goneOfStream, delayMs)];
    });
  });
}
