// What the curves share: batches of sensor events committed one after another, times, and tables of figures.

import type { Pool } from "pg";
import { postgresJudge } from "../../../lib/postgres/judge.ts";
import { sensorStream } from "../../../lib/streams/streams.ts";
import { commitRecords } from "../../../lib/windows/commit.ts";
import { tableOf } from "../../terminal/table.ts";
import { sensorRecords } from "../records.ts";

export const BATCH = 2_500; // batchSize of serverless.yml
export const rules = { futureSkewUs: 600e6, amendmentHorizonUs: 7 * 86_400e6 };

export const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const fixed = (value: number) => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

export async function elapsedMs(run: () => unknown): Promise<number> {
  const startMs = performance.now();
  await run();
  return performance.now() - startMs;
}

export function print(title: string, head: readonly string[], rows: readonly (readonly number[])[]): void {
  console.log(`\n${title}\n${tableOf([head, ...rows.map((row) => row.map(fixed))])}`);
}

/** Batches of 2,500 events, all of one partition. */
export async function commits(pool: Pool, topic: string, sensors: number, rounds: number): Promise<number[]> {
  const address = { source: "bench", topic, partition: 0 };
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const records = sensorRecords(round * BATCH, BATCH, sensors);
    times.push(
      await elapsedMs(() => commitRecords(postgresJudge(pool), sensorStream, address, records, rules)),
    );
  }
  return times;
}
