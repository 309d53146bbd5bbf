// Readings that would not count where they are: too late for their stream, or in the future.

import type pg from "pg";
import type { LatenessRules } from "../../lib/windows/commit.ts";
import type { Series } from "./layout.ts";
import type { Reading } from "./reading.ts";

export interface OutOfTime {
  /** Events that would be recorded as too late; `fromUs` is the earliest time that still counts for one of them. */
  readonly late: { readonly count: number; readonly fromUs: number };
  /** Events that would be quarantined; `toUs` is the latest time that is taken. */
  readonly future: { readonly count: number; readonly toUs: number };
}

/** The earliest event time that each kind of series counts, µs; −∞ before the stream's first event. */
async function earliestTimes(
  client: pg.Client,
  rules: LatenessRules,
): Promise<Readonly<Record<Series["kind"], number>>> {
  const { rows } = await client.query<{ stream: string; watermark: Date | null }>(
    "SELECT stream, watermark FROM stream_state",
  );
  const earliestUs = (stream: string) => {
    const watermark = rows.find((row) => row.stream === stream)?.watermark ?? null;
    return watermark === null
      ? Number.NEGATIVE_INFINITY
      : watermark.getTime() * 1000 - rules.amendmentHorizonUs;
  };
  return { sensor: earliestUs("sensor"), meter: earliestUs("consumption") };
}

/** Counts the readings that their streams would record as too late, or quarantine. */
export async function outOfTime(
  client: pg.Client,
  readings: AsyncIterable<Reading>,
  shiftUs: number,
  rules: LatenessRules,
): Promise<OutOfTime> {
  const earliest = await earliestTimes(client, rules);
  const toUs = Date.now() * 1000 + rules.futureSkewUs;
  let [late, future, fromUs] = [0, 0, Number.NEGATIVE_INFINITY];
  for await (const { series, timeUs } of readings) {
    if (timeUs + shiftUs > toUs) future++;
    if (timeUs + shiftUs >= earliest[series.kind]) continue;
    late++;
    fromUs = Math.max(fromUs, earliest[series.kind]);
  }
  return { late: { count: late, fromUs }, future: { count: future, toUs } };
}
