// A PostgreSQL server of the benchmark's own, migrated, and what its backends cost in CPU.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { migrate, readSchema } from "../../../lib/postgres/migrate.ts";
import { freePort } from "../../../localstack/ports.ts";
import { startPostgres } from "../../../localstack/postgres/server.ts";

/** Linux counts CPU in ticks of 10 ms. */
const TICK_MS = 10;

export interface BenchDatabase {
  /** A pool of so many connections; closed with the server. */
  openPool(connections: number): pg.Pool;
  stop(): Promise<void>;
}

export async function startDatabase(): Promise<BenchDatabase> {
  const folder = await mkdtemp(join(tmpdir(), "smartgrid-bench-"));
  const postgres = await startPostgres({
    dataDir: join(folder, "postgres"),
    port: await freePort(),
    database: "bench",
    user: "bench",
    password: "bench",
    settings: { shared_buffers: "512MB", max_wal_size: "4GB" },
  });
  const pools: pg.Pool[] = [];
  const openPool = (connections: number) => {
    const pool = new pg.Pool({ connectionString: postgres.url, max: connections });
    pools.push(pool);
    return pool;
  };
  const client = await openPool(1).connect();
  await migrate(client, await readSchema("lib/postgres"));
  client.release();
  return {
    openPool,
    async stop() {
      await Promise.all(pools.map((pool) => pool.end()));
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** CPU that the backend behind a pool of one connection has used, ms; the clock is Linux's, of 10 ms. */
export async function backendCpuMs(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  const stat = await readFile(`/proc/${rows[0]?.pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Bytes of write-ahead log so far. */
export async function walBytes(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ bytes: string }>(
    "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS bytes",
  );
  return Number(rows[0]?.bytes);
}
