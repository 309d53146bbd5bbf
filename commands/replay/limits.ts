// Readings that would not count where they are: too late for their stream, or in the future.

import type pg from "pg";
import type { LatenessRules } from "../../lib/windows/commit.ts";
import type { Reading } from "./reading.ts";

export interface OutOfTime {
  readonly late: number;
  readonly future: number;
}

/** Counts the readings that their streams would record as too late, or quarantine. */
export async function outOfTime(
  client: pg.Client,
  readings: AsyncIterable<Reading>,
  shiftUs: number,
  rules: LatenessRules,
): Promise<OutOfTime> {
  const { rows } = await client.query<{ stream: string; watermark: Date | null }>(
    "SELECT stream, watermark FROM stream_state",
  );
  const earliestUs = (stream: string) => {
    const watermark = rows.find((row) => row.stream === stream)?.watermark ?? null;
    return watermark === null
      ? Number.NEGATIVE_INFINITY
      : watermark.getTime() * 1000 - rules.amendmentHorizonUs;
  };
  const limits = { sensor: earliestUs("sensor"), meter: earliestUs("consumption") };
  const latestUs = Date.now() * 1000 + rules.futureSkewUs;
  let [late, future] = [0, 0];
  for await (const { series, timeUs } of readings) {
    if (timeUs + shiftUs < limits[series.kind]) late++;
    if (timeUs + shiftUs > latestUs) future++;
  }
  return { late, future };
}
