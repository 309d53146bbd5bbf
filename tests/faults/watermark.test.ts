// Finality: partitions that are silent or lag, sweepers that run twice or are killed.

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { PartitionOffsets } from "../../lib/core/watermark.ts";
import { postgresJudge } from "../../lib/postgres/judge.ts";
import { postgresSweepStore } from "../../lib/postgres/sweep-store.ts";
import { consumptionStream } from "../../lib/streams/streams.ts";
import { commitRecords } from "../../lib/windows/commit.ts";
import { sweepStream } from "../../lib/windows/sweep.ts";
import { createDatabase, emptyTables, snapshot, type TestDatabase } from "../integration/database.ts";
import { logOf } from "../topic-log.ts";
import { hourMs, poolOf, reading, recordOf, untilBlocked } from "./readings.ts";

const rules = { futureSkewUs: 600e6, amendmentHorizonUs: 7 * 86_400e6, delayUs: 600e6, idleUs: 300e6 };
const swept = { stream: "consumption", source: "s", topic: "t" } as const;

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());
beforeEach(() => emptyTables(database.pool));

async function apply(partition: number, offset: number, minutes: number): Promise<void> {
  const timestamp = new Date(hourMs + minutes * 60_000).toISOString();
  const value = reading(offset, {
    event_id: `${partition}-${offset}`,
    customer_id: `c-${offset}`,
    timestamp,
  });
  const address = { source: "s", topic: "t", partition };
  await commitRecords(
    postgresJudge(database.pool),
    consumptionStream,
    address,
    [recordOf(offset, value)],
    rules,
  );
}

const sweep = (ends: readonly number[], pool = database.pool) =>
  sweepStream(
    postgresSweepStore(pool),
    swept,
    logOf(async () => ends.map((end, partition): PartitionOffsets => ({ partition, first: 0, end }))),
    rules,
  );

/** As if nobody had sent anything for so long, while the sweeper looked on. */
async function beSilent(seconds: number): Promise<void> {
  await database.pool.query("UPDATE ledger SET advanced_at = advanced_at - $1 * interval '1 second'", [
    seconds,
  ]);
  await database.pool.query(
    "UPDATE partition_progress SET observed_since = observed_since - $1 * interval '1 second'",
    [seconds],
  );
}

const minutesOf = (watermarkUs: number | null) => ((watermarkUs ?? Number.NaN) / 1_000 - hourMs) / 60_000;

test("one partition silent, one lagging, all silent: idle does not hold the watermark back, lagging does; windows close after silence", async () => {
  await apply(0, 0, 300); // goes on
  await apply(1, 0, 120); // will be silent
  await apply(2, 0, 180); // will lag
  expect(minutesOf((await sweep([1, 1, 1])).watermarkUs)).toBe(110);
  await beSilent(400);
  await apply(0, 1, 301);
  // Partition 1 is idle and waited for no longer; partition 2 has three more records on the broker.
  expect(await sweep([2, 1, 4])).toMatchObject({ heldBy: 2, lag: 3, idlePartitions: [1] });
  await beSilent(100_000);
  const held = await sweep([2, 1, 4]);
  expect([minutesOf(held.watermarkUs), held.heldBy]).toEqual([170, 2]);
  for (const offset of [1, 2, 3]) await apply(2, offset, 181 + offset);
  await sweep([2, 1, 4]);
  await beSilent(400);
  const closed = await sweep([2, 1, 4]);
  expect(closed).toMatchObject({ lag: 0, heldBy: null, idlePartitions: [0, 1, 2] });
  const { rows } = await database.pool.query("SELECT DISTINCT state FROM consumption_aggregates_realtime");
  expect(rows).toEqual([{ state: "final" }]);
});

test("sweeper twice, overlapping, killed: the same result", async () => {
  const fill = async () => {
    await emptyTables(database.pool);
    for (let n = 0; n < 20; n++) await apply(0, n, n * 30);
  };
  await fill();
  await sweep([20]);
  const { ledger: _, ...expected } = await snapshot(database.pool);

  await fill();
  // One is killed in the midst of its transaction, about to move the watermark; its server process notices and rolls back.
  const holder = await database.pool.connect();
  await holder.query("BEGIN; SELECT share_finality('consumption')");
  const pools = [poolOf(database, 10_000), poolOf(database, 10_000), poolOf(database, 10_000)];
  const sweeps = pools.map((pool) => sweep([20], pool).catch((error: Error) => error));
  await database.pool.query("SELECT pg_terminate_backend($1)", [await untilBlocked(database.pool)]);
  await holder.query("ROLLBACK");
  holder.release();
  const outcomes = await Promise.all(sweeps);
  expect(outcomes.filter((outcome) => outcome instanceof Error)).toHaveLength(1);
  await Promise.all([sweep([20]), sweep([20])]);
  const { ledger: __, ...actual } = await snapshot(database.pool);
  expect(actual).toEqual(expected);
  await Promise.all(pools.map((pool) => pool.end()));
});
