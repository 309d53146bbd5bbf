// One side of `npm run bench -- store`: what PostgreSQL works for a number of sensor events, with the code of the folder
// that is named. Prints a line of JSON. The folder may hold an older version.
//   node commands/bench/store/side.ts FOLDER KEYS EVENTS

import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import pg from "pg";
import { freePort } from "../../../localstack/ports.ts";
import { startPostgres } from "../../../localstack/postgres/server.ts";
import { sensorRecords } from "../records.ts";

/** Linux counts CPU in ticks of 10 ms. */
const TICK_MS = 10;
const BATCH = 2_500; // batchSize of serverless.yml

const [folder = ".", keys = "1000", events = "100000"] = process.argv.slice(2);
const load = (path: string) => import(pathToFileURL(join(folder, path)).href);

/** CPU of the server's processes, those that have ended included, ms. */
async function cpuMs(serverPid: number): Promise<number> {
  let ticks = 0;
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    let stat: string;
    try {
      stat = await readFile(`/proc/${pid}/stat`, "utf8");
    } catch {
      continue; // it has ended in the meantime; its parent counts it then
    }
    const fields = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    const [, parent, , , , , , , , , , user = 0, system = 0, childUser = 0, childSystem = 0] = fields;
    if (Number(pid) === serverPid) ticks += user + system + childUser + childSystem;
    else if (parent === serverPid) ticks += user + system;
  }
  return ticks * TICK_MS;
}

const dataDir = await mkdtemp(join(tmpdir(), "smartgrid-bench-"));
const server = await startPostgres({
  dataDir: join(dataDir, "postgres"),
  port: await freePort(),
  database: "bench",
  user: "bench",
  password: "bench",
  settings: { shared_buffers: "1GB", max_wal_size: "8GB" },
});
const pool = new pg.Pool({ connectionString: server.url, max: 1 });
pool.on("error", () => undefined); // the server ends its connections when it is stopped
try {
  const isOld = existsSync(join(folder, "infra/migrations"));
  const { migrate, readMigrations, readSchema } = await load(
    isOld ? "lib/store/migrate.ts" : "lib/postgres/migrate.ts",
  );
  const client = await pool.connect();
  await migrate(
    client,
    isOld
      ? await readMigrations(join(folder, "infra/migrations"))
      : await readSchema(join(folder, "lib/postgres")),
  );
  client.release();
  const { commitRecords } = await load(isOld ? "lib/store/commit.ts" : "lib/windows/commit.ts");
  const { postgresJudge } = await load(isOld ? "lib/store/judge.ts" : "lib/postgres/judge.ts");
  const { sensorStream } = await load(isOld ? "lib/streams/sensor.ts" : "lib/streams/streams.ts");
  const rules = { futureSkewUs: 600e6, amendmentHorizonUs: 7 * 86_400e6 };
  const address = { source: "bench", topic: "bench", partition: 0 };
  const wal = async () =>
    Number((await pool.query("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS bytes")).rows[0].bytes);

  const before = { cpu: await cpuMs(server.pid), wal: await wal() };
  let ownMs = 0;
  const judge = postgresJudge(pool);
  const startMs = performance.now();
  for (let first = 0; first < Number(events); first += BATCH) {
    const records = sensorRecords(first, BATCH, Number(keys));
    const beganUs = process.cpuUsage();
    await commitRecords(judge, sensorStream, address, records, rules);
    const { user, system } = process.cpuUsage(beganUs);
    ownMs += (user + system) / 1_000;
  }
  const committed = { cpu: await cpuMs(server.pid), wal: await wal() };
  const wallMs = performance.now() - startMs;
  const { rows } = await pool.query(
    `SELECT count(*)::int AS rows, coalesce((SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree($1)), pg_total_relation_size($1))::float8 AS bytes FROM sensor_aggregates_realtime`,
    [isOld ? "sensor_aggregates_realtime" : "sensor_window"],
  );
  const counted = await cpuMs(server.pid);
  const finaliseMs = performance.now();
  const mark = "'2026-02-01Z'";
  if (isOld) {
    await pool.query(`UPDATE stream_state SET watermark = ${mark} WHERE stream = 'sensor'`);
    for (let done = 5_000; done === 5_000; )
      done = (await pool.query("SELECT finalise_sensor(5000) AS done")).rows[0].done;
  } else await pool.query(`SELECT move_watermark('sensor', ${mark}, NULL)`);
  const finalisedMs = performance.now() - finaliseMs;
  await pool.query("CHECKPOINT");
  const final = { cpu: await cpuMs(server.pid), wal: await wal() };
  const perEventUs = (ms: number) => (ms * 1_000) / Number(events);
  console.log(
    JSON.stringify({
      postgresCpuUs: perEventUs(committed.cpu - before.cpu + final.cpu - counted),
      finalisingCpuUs: perEventUs(final.cpu - counted),
      functionCpuUs: perEventUs(ownMs),
      walBytes: (final.wal - before.wal) / Number(events),
      bytesPerRow: rows[0].bytes / rows[0].rows,
      finaliseMs: finalisedMs,
      rows: rows[0].rows,
      wallMs,
    }),
  );
} finally {
  await pool.end();
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
}
