// PostgreSQL in trouble: a server of these tests' own, that is killed, read-only, full, locked, migrated. Nothing is
// half applied, the function says so by an error, and the same batch succeeds when the trouble is over.

import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Database } from "../../commands/chaos/servers.ts";
import { databaseVariables } from "../../commands/running-stack/database-url.ts";
import { readDatabaseSettings } from "../../lib/config/database.ts";
import { aggregate } from "../../lib/lambda/aggregate.ts";
import { postgresJudge } from "../../lib/postgres/judge.ts";
import { migrate, readSchema } from "../../lib/postgres/migrate.ts";
import { openPool } from "../../lib/postgres/pool.ts";
import { postgresSweepStore } from "../../lib/postgres/sweep-store.ts";
import { consumptionStream } from "../../lib/streams/streams.ts";
import { commitRecords } from "../../lib/windows/commit.ts";
import { sweepStream } from "../../lib/windows/sweep.ts";
import { emptyTables } from "../integration/database.ts";
import { until } from "../integration/topics.ts";
import { logOf } from "../topic-log.ts";
import { payloadOf, reading, readings, recordOf, totals, untilBlocked } from "./readings.ts";

const rules = { futureSkewUs: 600e6, amendmentHorizonUs: 7 * 86_400e6, delayUs: 600e6, idleUs: 300e6 };

let folder: string;
let database: Database;
let observer: pg.Pool;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "smartgrid-faults-"));
  database = await Database.start(join(folder, "postgres"));
  observer = openObserver();
});
afterAll(async () => {
  await observer?.end();
  await database?.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => emptyTables(observer));

const environment = () => databaseVariables(new URL(database.url));
const settings = () => ({ ...readDatabaseSettings(environment()), applicationName: "test" });

function openObserver(): pg.Pool {
  const pool = new pg.Pool({ connectionString: database.url, max: 4 });
  pool.on("error", () => undefined); // ended with the server; the next query connects anew
  return pool;
}

function commit(pool: pg.Pool, first = 0, end = 50, partition = 0) {
  return commitRecords(
    postgresJudge(pool),
    consumptionStream,
    { source: "s", topic: "t", partition },
    readings(first, end),
    rules,
  );
}

const sweep = (pool: pg.Pool) =>
  sweepStream(
    postgresSweepStore(pool),
    { stream: "consumption", source: "s", topic: "t" },
    logOf(async () => [{ partition: 0, first: 0, end: 50 }]),
    rules,
  );

test("PostgreSQL killed (-m immediate), failed over to read-only, sessions terminated: error, whole batch again; no half state; 25006 reconnects", async () => {
  const pool = openPool(settings(), 10_000);
  const terminate = () =>
    observer.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'test'");
  await commit(pool, 0, 10);

  await terminate();
  await until(
    () => commit(pool, 10, 20).catch(() => null), // at most one: a session that ended while it was idle
    (outcome) => outcome !== null,
  );
  expect(await totals(observer)).toEqual({ counted: 20, records: 20 });

  await database.kill();
  await expect(commit(pool, 20, 30)).rejects.toThrow();
  await database.restart();
  await until(
    () => commit(pool, 20, 30).catch(() => null),
    (outcome) => outcome !== null,
  );
  await until(
    () => totals(observer),
    ({ records }) => records === 30,
  );

  // The server that its connection leads to has become a replica; a new connection leads to the new primary.
  const demoted = openPool(settings(), 10_000);
  await database.use((client) =>
    client.query("ALTER DATABASE smartgrid_db SET default_transaction_read_only = on"),
  );
  await demoted.query("SELECT 1");
  await database.use(async (client) => {
    await client.query("SET default_transaction_read_only = off");
    await client.query("ALTER DATABASE smartgrid_db RESET default_transaction_read_only");
  });
  await expect(sweep(demoted)).rejects.toMatchObject({ code: "25006" });
  await sweep(demoted);
  await demoted.end();
  const another = openPool(settings(), 10_000);
  await another.query("SET default_transaction_read_only = on");
  await expect(commit(another, 30, 40)).rejects.toMatchObject({ code: "25006" });
  await commit(another, 30, 40);
  expect(await totals(observer)).toEqual({ counted: 40, records: 40 });
  await Promise.all([another.end(), pool.end()]);
});

test("no connection free (53300): backs off, nothing lost, a clear metric", async () => {
  // Functions enough for more connections than there are, each with one batch of its own, tried until it succeeds.
  const refusals: string[] = [];
  const deliver = async (partition: number) => {
    const pool = openPool(settings(), 10_000);
    try {
      await until(
        () =>
          commit(pool, 0, 50, partition).catch((error: { code?: string; message: string }) => {
            refusals.push(error.code ?? error.message);
            return null;
          }),
        (outcome) => outcome !== null,
      );
      await new Promise((resolve) => setTimeout(resolve, 300)); // it keeps its connection, as a warm function does
    } finally {
      await pool.end();
    }
  };
  await Promise.all(Array.from({ length: 45 }, (_, partition) => deliver(partition)));
  expect(refusals).toContain("53300");
  // On a busy machine 45 at once may also wait for a connection, or for each other, until they give up.
  const patience = [
    ...["53300", "55P03"],
    ...["timeout exceeded when trying to connect", "Connection terminated due to connection timeout"],
  ];
  expect(refusals.filter((refusal) => !patience.includes(refusal))).toEqual([]);
  // 45 partitions brought the same readings: counted once, the others are a producer's retries.
  expect(await totals(observer)).toEqual({ counted: 50, records: 45 * 50 });
});

test("deadlock, serialization failure: bounded retry within the remaining time, then throw", async () => {
  // Sessions look for a deadlock once, so long after their wait began: commits late, but before they give up the lock.
  await observer.query("ALTER DATABASE smartgrid_db SET deadlock_timeout = '2s'");
  const pool = openPool(settings(), 10_000);
  const both = (first: number) => [
    recordOf(first, reading(first, { customer_id: "a" })),
    recordOf(first + 1, reading(first + 1, { customer_id: "b" })),
  ];
  const address = { source: "s", topic: "t", partition: 0 };
  await commitRecords(postgresJudge(pool), consumptionStream, address, both(0), rules);
  /** Makes a commit the victim of a transaction that takes its rows in the opposite order, and never looks itself. */
  async function deadlocked(begin: () => Promise<unknown>): Promise<PromiseSettledResult<unknown>> {
    const other = await observer.connect();
    const touch = (customer: string) =>
      other.query(
        "UPDATE consumption_window SET changed_at = now() WHERE customer = (SELECT id FROM customer WHERE customer_id = $1)",
        [customer],
      );
    try {
      await other.query("BEGIN; SET LOCAL deadlock_timeout = '1h'");
      await touch("b");
      const committing = Promise.allSettled([begin()]);
      await untilBlocked(observer);
      await touch("a");
      await other.query("COMMIT");
      return (await committing)[0];
    } finally {
      other.release(true); // with its transaction, where that has not ended
    }
  }
  expect(
    await deadlocked(() => commitRecords(postgresJudge(pool), consumptionStream, address, both(2), rules)),
  ).toMatchObject({ status: "fulfilled", value: { counted: 2 } });
  expect(await totals(observer)).toEqual({ counted: 4, records: 4 });

  // With too little of the invocation's time left it is not tried again; the batch comes again.
  const handler = aggregate(consumptionStream, environment());
  const deliver = (remainingMs: number) =>
    handler(JSON.parse(payloadOf("u", 0, both(4))), { getRemainingTimeInMillis: () => remainingMs });
  expect(await deadlocked(() => deliver(9_999))).toMatchObject({
    status: "rejected",
    reason: { code: "40P01" },
  });
  expect(await totals(observer)).toEqual({ counted: 4, records: 4 });
  expect(await deadlocked(() => deliver(10_000))).toMatchObject({ status: "fulfilled" });
  expect(await totals(observer)).toEqual({ counted: 6, records: 6 });

  // One that never ends is given up; the batch comes again.
  await observer.query(
    `CREATE FUNCTION fail_serialization() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '40001'; END $$;
     CREATE TRIGGER fail_serialization BEFORE UPDATE ON ledger FOR EACH ROW EXECUTE FUNCTION fail_serialization()`,
  );
  await expect(commit(pool, 6, 10)).rejects.toThrow("t-0 offsets 6–9: the facts changed under 20 tries");
  await observer.query("DROP TRIGGER fail_serialization ON ledger; DROP FUNCTION fail_serialization");
  expect(await totals(observer)).toEqual({ counted: 6, records: 6 });
  await commit(pool, 6, 10);
  expect(await totals(observer)).toEqual({ counted: 10, records: 10 });
  await pool.end();
  await observer.query("ALTER DATABASE smartgrid_db RESET deadlock_timeout");
});

test("disk full (53100), lock held, statement timeout: rollback, throw, resume when freed (lock held, statement timeout)", async () => {
  const pool = openPool(settings(), 2_000);
  const holder = await observer.connect();
  await holder.query("BEGIN; LOCK TABLE consumption_window IN ACCESS EXCLUSIVE MODE");
  await expect(commit(pool)).rejects.toMatchObject({ code: "57014" }); // statement timeout
  const patient = openPool(settings(), 30_000);
  await expect(commit(patient)).rejects.toMatchObject({ code: "55P03" }); // lock timeout
  await holder.query("ROLLBACK");
  holder.release();
  expect(await totals(observer)).toEqual({ counted: 0, records: 0 });
  await commit(pool);
  expect(await totals(observer)).toEqual({ counted: 50, records: 50 });
  await Promise.all([pool.end(), patient.end()]);
});

/** A file system of 4 MB that the server may write to; needs a right that containers often lack. */
async function mountSmallDisk(): Promise<string | null> {
  const path = join(folder, "postgres", "small");
  const owner = spawnSync("stat", ["-c", "%u:%g", join(folder, "postgres", "pgdata")], { encoding: "utf8" });
  spawnSync("mkdir", [path]);
  const [uid, gid] = owner.stdout.trim().split(":");
  const mounted = spawnSync("mount", [
    "-t",
    "tmpfs",
    "-o",
    `size=4m,mode=700,uid=${uid},gid=${gid}`,
    "tmpfs",
    path,
  ]);
  return mounted.status === 0 ? path : null;
}

test("disk full (53100), lock held, statement timeout: rollback, throw, resume when freed (disk full)", async ({
  skip,
}) => {
  const path = await mountSmallDisk();
  if (path === null) return skip("this machine lets nobody mount a small file system");
  const pool = openPool(settings(), 10_000);
  try {
    await observer.query(`CREATE TABLESPACE small LOCATION '${path}'`);
    await observer.query("ALTER TABLE quarantine SET TABLESPACE small");
    await observer.query(
      "CREATE TABLE filler TABLESPACE small AS SELECT repeat(md5(random()::text), 50) FROM generate_series(1, 1500)",
    );
    // Random bytes, so that they cannot be compressed away.
    const poison = Array.from({ length: 20 }, (_, i) =>
      recordOf(50 + i, Buffer.from(crypto.getRandomValues(new Uint8Array(60_000)))),
    );
    const records = [...readings(0, 50), ...poison];
    const address = { source: "s", topic: "t", partition: 0 };
    const committing = () => commitRecords(postgresJudge(pool), consumptionStream, address, records, rules);
    await expect(committing()).rejects.toMatchObject({ code: "53100" });
    expect(await totals(observer)).toEqual({ counted: 0, records: 0 });
    await observer.query("DROP TABLE filler");
    await observer.query("VACUUM quarantine");
    expect(await committing()).toMatchObject({ counted: 50, quarantined: 20 });
  } finally {
    await observer.query("TRUNCATE quarantine; DROP TABLE IF EXISTS filler");
    await observer.query("ALTER TABLE quarantine SET TABLESPACE pg_default");
    await observer.query("DROP TABLESPACE IF EXISTS small");
    await pool.end();
    spawnSync("umount", [path]);
  }
});

test("migration under load: old and new code run together; short lock timeouts", async () => {
  const schema = await readSchema("lib/postgres");
  const version = schema.migrations.length + 1;
  // In the order in which commits lock them.
  const sql = `ALTER TABLE ledger ADD COLUMN note text;
    ALTER TABLE consumption_window ADD COLUMN note text DEFAULT 'x'`;
  const next = [...schema.migrations, { version, name: "next.sql", sql, checksum: "next" }];
  const stuckSql = "CREATE TABLE half (); ALTER TABLE quarantine ADD COLUMN note text";
  const stuck = { version: version + 1, name: "stuck.sql", sql: stuckSql, checksum: "stuck" };
  const [pool, client, blocker] = [
    openPool(settings(), 10_000),
    await observer.connect(),
    await observer.connect(),
  ];
  let isOver = false;
  let end = 0;
  const load = (async () => {
    for (; !isOver; end += 10) await commit(pool, end, end + 10);
  })();
  load.catch(() => undefined); // said where it is awaited
  const untilMore = (from = end) =>
    until(
      async () => end,
      (reached) => reached > from + 30,
    );
  try {
    await untilMore();
    await migrate(client, { ...schema, migrations: next });
    await untilMore();
    // One that cannot have its lock gives up before those who wait behind it do, and leaves nothing of itself.
    await blocker.query("BEGIN; SELECT 1 FROM quarantine");
    await expect(migrate(client, { ...schema, migrations: [...next, stuck] })).rejects.toThrow(
      "lock timeout",
    );
    await blocker.query("COMMIT");
    await untilMore();
    expect((await client.query("SELECT to_regclass('half') AS half")).rows).toEqual([{ half: null }]);
  } finally {
    client.release();
    blocker.release();
    isOver = true;
    await load; // not one commit has failed
    await pool.end();
  }
  expect(await totals(observer)).toEqual({ counted: end, records: end });
});
