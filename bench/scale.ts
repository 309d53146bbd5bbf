// `npm run bench:scale [-- keys batch ranges partitions connections rows]`: the curves behind docs/scale.md. How the cost of a commit grows with keys, rows, ledger
// ranges and connections, and that of a sweep with rows and partitions. Compare within one run on one machine.

import type { Pool } from "pg";
import { EARLIEST_WINDOW_END_US, foldRecords } from "../lib/aggregate/fold.ts";
import { commitRecords } from "../lib/store/commit.ts";
import { sweepStream } from "../lib/store/sweep.ts";
import { consumptionStream } from "../lib/streams/consumption.ts";
import { sensorStream } from "../lib/streams/sensor.ts";
import { tableOf } from "../scripts/table.ts";
import { meterRecords, sensorRecords } from "./records.ts";
import { type BenchDatabase, backendCpuMs, startDatabase, walBytes } from "./scale/server.ts";

const BATCH = 2_500; // batchSize of serverless.yml
/** A curve ends where its next point would take longer. */
const POINT_LIMIT_MS = 60_000;
const rules = { futureSkewUs: 600e6, amendmentHorizonUs: 7 * 86_400e6 };
const facts = {
  applied: [],
  futureAfterUs: Number.POSITIVE_INFINITY,
  tooLateUpToUs: EARLIEST_WINDOW_END_US,
  seenEventKeys: new Set<string>(),
};

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const fixed = (value: number) => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

async function elapsedMs(run: () => unknown): Promise<number> {
  const startMs = performance.now();
  await run();
  return performance.now() - startMs;
}

function print(title: string, head: readonly string[], rows: readonly (readonly number[])[]): void {
  console.log(`\n${title}\n${tableOf([head, ...rows.map((row) => row.map(fixed))])}`);
}

/** Batches of 2,500 events, all of one partition. */
async function commits(pool: Pool, topic: string, sensors: number, rounds: number): Promise<number[]> {
  const address = { source: "bench", topic, partition: 0 };
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const records = sensorRecords(round * BATCH, BATCH, sensors);
    times.push(await elapsedMs(() => commitRecords(pool, sensorStream, address, records, rules)));
  }
  return times;
}

async function byKeys(database: BenchDatabase): Promise<void> {
  const rows: number[][] = [];
  for (let round = 0; round < 40; round++) foldRecords(sensorStream, sensorRecords(0, BATCH, 200), facts); // warm
  for (const sensors of [200, 1_000, 10_000, 100_000]) {
    const pool = database.openPool(1);
    await pool.query("TRUNCATE sensor_aggregates_realtime");
    const folds: number[] = [];
    for (let round = 0; round < 10; round++) {
      const records = sensorRecords(round * BATCH, BATCH, sensors);
      folds.push(await elapsedMs(() => foldRecords(sensorStream, records, facts)));
    }
    const rounds = 40;
    await commits(pool, `warm-${sensors}`, sensors, 5);
    const [cpuBefore, walBefore] = [await backendCpuMs(pool), await walBytes(pool)];
    const times = await commits(pool, `keys-${sensors}`, sensors, rounds);
    const perEvent = (total: number) => total / (rounds * BATCH);
    rows.push([
      sensors,
      (median(folds) * 1000) / BATCH,
      (median(times) * 1000) / BATCH,
      median(times),
      perEvent(((await backendCpuMs(pool)) - cpuBefore) * 1000),
      perEvent((await walBytes(pool)) - walBefore),
    ]);
  }
  print(
    `Commits of ${BATCH} events, by keys`,
    ["keys", "fold µs/event", "fold+commit µs/event", "ms/batch", "database CPU µs/event", "WAL bytes/event"],
    rows,
  );
}

async function byBatch(database: BenchDatabase): Promise<void> {
  const pool = database.openPool(1);
  const rows: number[][] = [];
  for (const size of [1, 10, 100, 1_000, 2_500, 10_000]) {
    const rounds = size < 1_000 ? 200 : 20;
    const point = async (commit: (round: number) => Promise<unknown>) => {
      const times: number[] = [];
      for (let round = 0; round < 3; round++) await commit(round);
      const cpuBefore = await backendCpuMs(pool);
      for (let round = 3; round < rounds + 3; round++) times.push(await elapsedMs(() => commit(round)));
      return [median(times), ((await backendCpuMs(pool)) - cpuBefore) / rounds];
    };
    const address = (stream: string) => ({ source: "bench", topic: `${stream}-batch-${size}`, partition: 0 });
    await pool.query("TRUNCATE sensor_aggregates_realtime, consumption_aggregates_realtime, seen_event");
    const sensor = await point((round) =>
      commitRecords(
        pool,
        sensorStream,
        address("sensor"),
        sensorRecords(round * size, size, 1_000_003),
        rules,
      ),
    );
    const meter = await point((round) =>
      commitRecords(pool, consumptionStream, address("meter"), meterRecords(round * size, size), rules),
    );
    rows.push([size, ...sensor, ...meter]);
  }
  print(
    "Commits by batch size, each event a new row: sensors, and meters (with identities)",
    ["events", "sensor ms", "of it database CPU ms", "meter ms", "of it database CPU ms"],
    rows,
  );
}

/** So many rows of windows of 5 minutes over 1,000 sensors, open or final. */
async function fillRows(pool: Pool, rows: number, state: "open" | "final"): Promise<void> {
  await pool.query("TRUNCATE sensor_aggregates_realtime");
  await pool.query(
    `INSERT INTO sensor_aggregates_realtime (window_start, window_end, sensor_type, sensor_id, count, min_value,
       max_value, sum_value, sum_squares, state, revision, finalized_at)
     SELECT w, w + interval '5 minutes', 'voltage', 'sensor_' || lpad((i % 1000)::text, 6, '0'), 300, 200, 260,
       69000.123456, 15880000.123456789012, $2, ($2 = 'final')::integer, CASE $2 WHEN 'final' THEN now() END
     FROM generate_series(0, $1 - 1) AS i,
       LATERAL (SELECT timestamptz '2025-01-01' + (i / 1000) * interval '5 minutes' AS w) AS window_of`,
    [rows, state],
  );
  await pool.query("VACUUM ANALYZE sensor_aggregates_realtime");
}

async function byRows(database: BenchDatabase): Promise<void> {
  const pool = database.openPool(1);
  const swept = { stream: "sensor", source: "bench", topic: "none" } as const;
  const sweepRules = { ...rules, delayUs: 600e6, idleUs: 300e6 };
  const sweep = () => sweepStream(pool, swept, async () => [], sweepRules);
  const rows: number[][] = [];
  for (const count of [10_000, 100_000, 1_000_000]) {
    await fillRows(pool, count, "final");
    await pool.query("UPDATE stream_state SET watermark = '2026-01-15 09:00Z' WHERE stream = 'sensor'");
    const idle: number[] = [];
    for (let round = 0; round < 5; round++) idle.push(await elapsedMs(sweep));
    const commit = median(await commits(pool, `rows-${count}`, 1_000, 10));
    const { rows: sizes } = await pool.query<{ bytes: number }>(
      "SELECT pg_total_relation_size('sensor_aggregates_realtime')::float8 AS bytes",
    );
    await fillRows(pool, count, "open");
    const finaliseMs = await elapsedMs(sweep);
    rows.push([
      count,
      (sizes[0]?.bytes ?? 0) / count,
      commit,
      median(idle),
      finaliseMs,
      (finaliseMs * 1000) / count,
    ]);
    if (finaliseMs > POINT_LIMIT_MS / 10) break;
  }
  print(
    "Rows in the table: a commit to 1,000 keys, a sweep with nothing to do, a sweep that finalises every row",
    ["rows", "bytes/row", "commit ms", "idle sweep ms", "finalise all ms", "finalise µs/row"],
    rows,
  );
}

async function byRanges(database: BenchDatabase): Promise<void> {
  const pool = database.openPool(1);
  await pool.query("TRUNCATE sensor_aggregates_realtime");
  const rows: number[][] = [];
  for (const ranges of [1, 100, 1_000, 10_000, 100_000]) {
    const topic = `ranges-${ranges}`;
    // Holes of one offset each, beyond the offsets that the commits use.
    await pool.query(
      `INSERT INTO ledger (source, topic, partition, incarnation, applied)
       SELECT 'bench', $1, 0, 0, range_agg(int8range(1000000000 + i * 10, 1000000009 + i * 10)) FROM generate_series(1, $2) AS i`,
      [topic, ranges],
    );
    const times = await commits(pool, topic, 1_000, 10);
    const { rows: sizes } = await pool.query<{ bytes: number }>(
      "SELECT pg_column_size(applied) AS bytes FROM ledger WHERE topic = $1",
      [topic],
    );
    rows.push([ranges, sizes[0]?.bytes ?? 0, median(times)]);
  }
  print(
    `Ranges in the ledger's multirange of a partition; a commit of ${BATCH} events to 1,000 keys`,
    ["ranges", "bytes stored", "commit ms"],
    rows,
  );
}

async function byPartitions(database: BenchDatabase): Promise<void> {
  const pool = database.openPool(1);
  await pool.query("TRUNCATE sensor_aggregates_realtime");
  const rows: number[][] = [];
  for (const partitions of [4, 100, 1_000, 10_000]) {
    const topic = `partitions-${partitions}`;
    await pool.query(
      `INSERT INTO ledger (source, topic, partition, incarnation, applied, max_event_time, advanced_at)
       SELECT 'bench', $1, i, 0, '{[0,1000)}', '2026-01-15', now() FROM generate_series(0, $2 - 1) AS i`,
      [topic, partitions],
    );
    const offsets = Array.from({ length: partitions }, (_, partition) => ({
      partition,
      first: 0,
      end: 1_000,
    }));
    const swept = { stream: "sensor", source: "bench", topic } as const;
    const times: number[] = [];
    for (let round = 0; round < 5; round++)
      times.push(
        await elapsedMs(() =>
          sweepStream(pool, swept, async () => offsets, { ...rules, delayUs: 600e6, idleUs: 300e6 }),
        ),
      );
    rows.push([partitions, median(times)]);
  }
  print("Partitions of a topic; a sweep with nothing to finalise", ["partitions", "sweep ms"], rows);
}

async function byConnections(database: BenchDatabase): Promise<void> {
  const rows: number[][] = [];
  for (const connections of [1, 2, 4, 8, 16]) {
    const pool = database.openPool(connections);
    await pool.query("TRUNCATE sensor_aggregates_realtime");
    const rounds = Math.ceil(32 / connections);
    const batches = Array.from({ length: connections }, (_, c) =>
      Array.from({ length: rounds }, (_, round) => sensorRecords((c * rounds + round) * BATCH, BATCH, 1_000)),
    );
    const waits: number[] = [];
    const wallMs = await elapsedMs(() =>
      Promise.all(
        batches.map(async (ofPartition, partition) => {
          const address = { source: "bench", topic: `connections-${connections}`, partition };
          for (const records of ofPartition)
            waits.push(await elapsedMs(() => commitRecords(pool, sensorStream, address, records, rules)));
        }),
      ),
    );
    rows.push([connections, (connections * rounds * BATCH) / (wallMs / 1000), median(waits)]);
  }
  print(
    "Committing at once, all to the same 1,000 keys (one Node process folds for all)",
    ["connections", "events/s", "ms/batch"],
    rows,
  );
}

const curves = {
  keys: byKeys,
  batch: byBatch,
  ranges: byRanges,
  partitions: byPartitions,
  connections: byConnections,
  rows: byRows,
};
const wanted = process.argv.slice(2);
const database = await startDatabase();
try {
  console.log(`Node ${process.version}, PostgreSQL on the same machine, ${BATCH} events a batch`);
  for (const [name, curve] of Object.entries(curves))
    if (wanted.length === 0 || wanted.includes(name)) await curve(database);
} finally {
  await database.stop();
}
