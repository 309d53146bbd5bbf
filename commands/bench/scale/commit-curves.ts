// Curves of the commit: by keys, by batch size, by ranges in the ledger, by connections.

import { postgresJudge } from "../../../lib/postgres/judge.ts";
import { consumptionStream, sensorStream } from "../../../lib/streams/streams.ts";
import { commitRecords } from "../../../lib/windows/commit.ts";
import { foldRecords, noFacts } from "../../../lib/windows/fold.ts";
import { meterRecords, sensorRecords } from "../records.ts";
import { BATCH, commits, elapsedMs, median, print, rules } from "./measure.ts";
import { type BenchDatabase, backendCpuMs, walBytes } from "./server.ts";

export async function byKeys(database: BenchDatabase): Promise<void> {
  const rows: number[][] = [];
  for (let round = 0; round < 40; round++) foldRecords(sensorStream, sensorRecords(0, BATCH, 200), noFacts); // warm
  for (const sensors of [200, 1_000, 10_000, 100_000]) {
    const pool = database.openPool(1);
    await pool.query("TRUNCATE sensor_window");
    const folds: number[] = [];
    for (let round = 0; round < 10; round++) {
      const records = sensorRecords(round * BATCH, BATCH, sensors);
      folds.push(await elapsedMs(() => foldRecords(sensorStream, records, noFacts)));
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

export async function byBatch(database: BenchDatabase): Promise<void> {
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
    await pool.query("TRUNCATE sensor_window, consumption_window, seen_event");
    const sensor = await point((round) =>
      commitRecords(
        postgresJudge(pool),
        sensorStream,
        address("sensor"),
        sensorRecords(round * size, size, 1_000_003),
        rules,
      ),
    );
    const meter = await point((round) =>
      commitRecords(
        postgresJudge(pool),
        consumptionStream,
        address("meter"),
        meterRecords(round * size, size),
        rules,
      ),
    );
    rows.push([size, ...sensor, ...meter]);
  }
  print(
    "Commits by batch size, each event a new row: sensors, and meters (with identities)",
    ["events", "sensor ms", "of it database CPU ms", "meter ms", "of it database CPU ms"],
    rows,
  );
}

export async function byRanges(database: BenchDatabase): Promise<void> {
  const pool = database.openPool(1);
  await pool.query("TRUNCATE sensor_window");
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

export async function byConnections(database: BenchDatabase): Promise<void> {
  const rows: number[][] = [];
  for (const connections of [1, 2, 4, 8, 16]) {
    const pool = database.openPool(connections);
    await pool.query("TRUNCATE sensor_window");
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
            waits.push(
              await elapsedMs(() =>
                commitRecords(postgresJudge(pool), sensorStream, address, records, rules),
              ),
            );
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
