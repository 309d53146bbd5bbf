// SQL roles: each kind of function may do what its code does, and nothing else (42501).

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresJudge } from "../../../lib/postgres/judge.ts";
import { migrate, readSchema } from "../../../lib/postgres/migrate.ts";
import { postgresSweepStore } from "../../../lib/postgres/sweep-store.ts";
import { consumptionStream } from "../../../lib/streams/streams.ts";
import { commitRecords } from "../../../lib/windows/commit.ts";
import { sweepStream } from "../../../lib/windows/sweep.ts";
import { freePort } from "../../../localstack/ports.ts";
import { startPostgres } from "../../../localstack/postgres/server.ts";
import { logOf } from "../../topic-log.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { postgresRelease } from "../stack.ts";
import { until } from "../topics.ts";

const kinds = ["ingest", "sweep", "api", "read"] as const;
type Kind = (typeof kinds)[number];

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.close());

/** A pool of one connection that has given up the owner's rights for those of a role. */
async function poolOf(kind: Kind): Promise<pg.Pool> {
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  await pool.query(`SET ROLE smartgrid_${kind}`);
  return pool;
}

const realtime = [
  "sensor_aggregates_realtime",
  "consumption_aggregates_realtime",
  "weather_aggregates_realtime",
];
const windows = ["sensor_window", "consumption_window", "weather_window"];
const history = ["sensor_aggregates_history", "consumption_aggregates_history", "weather_aggregates_history"];
const emptyArrays = (count: number) => Array(count).fill("'{}'").join(", ");
const header = `'{"stream":"sensor","source":"s","topic":"t","partition":0,"offsets":"{[0,1)}","records":0,"counted":0,"duplicates":0,"lastOffset":0,"digest":"00000000-0000-0000-0000-000000000000"}'`;

/** Statement → who may. Everyone else must be refused. */
const statements: readonly [string, readonly Kind[]][] = [
  ...realtime.map((table): [string, Kind[]] => [`SELECT * FROM ${table}`, ["api", "read"]]),
  ...history.map((table): [string, Kind[]] => [`SELECT * FROM ${table}`, ["read"]]),
  ["SELECT * FROM ledger", ["sweep", "read"]],
  ["SELECT * FROM quarantine", ["read"]],
  ["SELECT * FROM too_late", ["read"]],
  ["SELECT * FROM quarantine_readable", ["read"]],
  ["SELECT * FROM too_late_readable", ["read"]],
  ["SELECT * FROM conflict", ["read"]],
  ["SELECT * FROM doubtful", ["read"]],
  ["SELECT * FROM doubtful_readable", ["read"]],
  ["SELECT * FROM weather_station_hour", ["read"]],
  ["SELECT * FROM lateness", ["read"]],
  ["DELETE FROM lateness", []],
  ["SELECT forget_lateness('400 days', 1)", ["sweep"]],
  ["SELECT usual_count('sensor', 1, now())", ["api", "read"]],
  ["SELECT doubt_by_history('{}', '{}')", []],
  ["SELECT * FROM doubtful_events()", ["api", "read"]],
  ["SELECT * FROM forget_doubtful('90 days', 1)", ["sweep"]],
  ["SELECT forget_station_hours(1)", ["sweep"]],
  ["SELECT * FROM conflict_listed", ["read"]],
  ["SELECT * FROM conflict_open", ["read"]],
  ["UPDATE conflict SET dismissed_note = 'x'", []],
  ["SELECT * FROM conflict_counts()", ["api", "read"]],
  ["SELECT * FROM kept_counts(now())", ["api", "read"]],
  ["SELECT * FROM incomplete_conflicts('s', 't', 1)", ["sweep"]],
  ["SELECT complete_conflicts('{}', '{}')", ["sweep"]],
  ["SELECT complete_conflicts_of_replays()", ["sweep"]],
  ["SELECT forget_conflicts('90 days', 1)", ["sweep"]],
  ["SELECT * FROM stream_state", ["sweep", "api", "read"]],
  ["SELECT * FROM partition_progress", ["sweep", "api", "read"]],
  ["SELECT * FROM present_progress()", ["api"]],
  ["SELECT holds_less(p) FROM partition_progress AS p", ["read"]],
  ["SELECT * FROM trouble('5 minutes', '5 minutes')", ["sweep", "api", "read"]],
  ["SELECT * FROM reported_trouble", ["sweep", "read"]],
  ["DELETE FROM reported_trouble", ["sweep"]],
  ["UPDATE stream_state SET moved_at = now()", []],
  ["SELECT instant(0), epoch_us(now())", ["sweep", "read"]],
  ["SELECT settle_holes('s', 't', 0, 0, '{[0,1)}')", ["sweep"]],
  ["SELECT * FROM forget_quarantine('90 days', 1)", ["sweep"]],
  ["SELECT * FROM redelivery", ["read"]],
  [
    "INSERT INTO redelivery (source, topic, partition, offsets, records, counted, delivered_by) VALUES ('s', 't', 0, '[0,1)', 1, 1, 'x')",
    ["sweep"],
  ],
  ["DELETE FROM redelivery", []],
  ["UPDATE ledger SET acknowledged = '{[0,1)}'", []],
  ["SELECT offsets_in('{[0,1)}')", ["sweep", "api", "read"]],
  ["SELECT * FROM amendment", ["read"]],
  ["SELECT * FROM amendment_row", ["read"]],
  ["SELECT * FROM sensor_amendments", ["read"]],
  ["SELECT * FROM consumption_amendments", ["read"]],
  ["SELECT * FROM weather_amendments", ["read"]],
  ["SELECT event_key FROM seen_event", []],
  ["SELECT * FROM schema_migration", []],
  [`SELECT commit_sensor(${header}, ${emptyArrays(19)})`, ["ingest", "sweep"]],
  [`SELECT commit_consumption(${header}, ${emptyArrays(15)})`, ["ingest", "sweep"]],
  [`SELECT commit_weather(${header}, ${emptyArrays(18)})`, ["ingest", "sweep"]],
  [`SELECT claim_batch(${header}, ${emptyArrays(11)})`, []],
  ["SELECT settle_late('{}', '{}', 0)", []],
  ["SELECT move_watermark('sensor', now(), 0)", ["sweep"]],
  ["SELECT share_finality('sensor')", []],
  ["SELECT * FROM finality", ["read"]],
  ["SELECT * FROM sensor_series", ["api", "read"]],
  ["SELECT * FROM customer", ["api", "read"]],
  ...windows.flatMap((table): [string, Kind[]][] => [
    [`SELECT * FROM ${table}`, []],
    [`UPDATE ${table} SET amendments = 0`, []],
  ]),
  ["SELECT 1 FROM stream_state FOR UPDATE", ["sweep"]],
  ["UPDATE stream_state SET watermark = watermark", []],
  ["UPDATE stream_state SET stream = stream", []],
  ["INSERT INTO ledger (source, topic, partition, incarnation) VALUES ('s', 't', 9, 1)", []],
  ["SELECT observe_log('s', 't', 9, 0, NULL, NULL, 'c', 'i', 0, 0)", ["sweep"]],
  ["SELECT count(*) FROM ledger_tail", ["read", "sweep"]],
  ["SELECT count(*) FROM log_break", ["read"]],
  ["INSERT INTO ledger (source, topic, partition, incarnation, records) VALUES ('s', 't', 9, 1, 0)", []],
  ["UPDATE ledger SET records = records", []],
  ["DELETE FROM ledger", []],
  ["DELETE FROM seen_event WHERE event_time < '1970-01-01'", ["sweep"]],
  ["UPDATE partition_progress SET lag = lag", ["sweep"]],
  ["DELETE FROM partition_progress", []],
  ...[
    ...windows,
    ...history,
    "quarantine",
    "too_late",
    "conflict",
    "doubtful",
    "weather_station_hour",
    "lateness",
    "seen_event",
  ].flatMap((table): [string, Kind[]][] => [
    [`INSERT INTO ${table} DEFAULT VALUES`, []],
    [`TRUNCATE ${table}`, []],
  ]),
  ["DELETE FROM quarantine", []],
  ["CREATE TABLE t (i integer)", []],
  ["CREATE FUNCTION now() RETURNS integer LANGUAGE sql AS 'SELECT 1'", []],
  ["ALTER TABLE ledger DISABLE TRIGGER ALL", []],
  ["CREATE ROLE another", []],
  ["SET ROLE smartgrid_ingest", ["ingest"]],
];

describe.each(kinds)("%s", (kind) => {
  // Not SET ROLE: whoever was the owner before could go back. A login of its own cannot.
  const user = `smartgrid_${kind}_test`;
  let client: pg.Client;
  beforeAll(async () => {
    await database.pool.query(`DROP ROLE IF EXISTS ${user}`);
    await database.pool.query(`CREATE ROLE ${user} LOGIN PASSWORD 'test' IN ROLE smartgrid_${kind}`);
    const url = new URL(database.url);
    url.username = user;
    url.password = "test";
    client = new pg.Client({ connectionString: url.href });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await database.pool.query(`DROP ROLE ${user}`);
  });

  test.each(statements)("%s", async (statement, allowed) => {
    await client.query("BEGIN");
    const code = await client.query(statement).then(
      () => "allowed",
      (error) => error.code,
    );
    await client.query("ROLLBACK");
    expect(code).toBe(allowed.includes(kind) ? "allowed" : "42501");
  });
});

test("nobody but the granted may call any function of ours", async () => {
  const { rows } = await database.pool.query(
    `SELECT p.oid::regprocedure::text AS callable FROM pg_proc AS p
     WHERE p.pronamespace = 'public'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE')`,
  );
  expect(rows).toEqual([]);
});

test("what runs with the owner's rights does not look where its caller says", async () => {
  const { rows } = await database.pool.query(
    `SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef
       AND NOT coalesce(proconfig, '{}') && ARRAY['search_path=public, pg_temp']`,
  );
  expect(rows).toEqual([]);
});

test("commits and sweeps do all of their work with their roles' rights", async () => {
  const [ingest, sweep] = await Promise.all([poolOf("ingest"), poolOf("sweep")]);
  const rules = { delayUs: 0, idleUs: 1e6, amendmentHorizonUs: 7 * 86_400e6, futureSkewUs: 600e6 };
  const apply = async (offset: number, hour: number) => {
    const event = {
      event_id: `e-${offset}`,
      meter_id: "m",
      customer_id: "c",
      reading: 1,
      timestamp: new Date(Date.UTC(2026, 0, 15, hour)).toISOString(),
    };
    const records = [
      { offset, recordTimeMs: offset, value: Buffer.from(JSON.stringify(event)) },
      { offset: offset + 1, recordTimeMs: offset, value: null },
    ];
    const address = { source: "s", topic: "t", partition: 0 };
    return commitRecords(postgresJudge(ingest), consumptionStream, address, records, rules);
  };
  const observe = (end: number) =>
    sweepStream(
      postgresSweepStore(sweep),
      { stream: "consumption", source: "s", topic: "t" },
      logOf(async () => [{ partition: 0, first: 0, end }]),
      rules,
    );
  await apply(0, 8);
  await apply(2, 10);
  expect(await observe(4)).toMatchObject({ watermarkUs: expect.any(Number) });
  expect(await apply(4, 8)).toMatchObject({ late: 1, quarantined: 1 });
  expect(await observe(1)).toMatchObject({ breaks: [{ kind: "truncated", partition: 0, from: 1, to: 6 }] });
  await Promise.all([ingest.end(), sweep.end()]);
});

test("the databases of a new cluster can be migrated at once, and by a user who may make no roles once they are there", async () => {
  const folder = await mkdtemp(join(tmpdir(), `smartgrid-test-${process.pid}-roles-`));
  const server = await startPostgres({
    dataDir: join(folder, "postgres"),
    port: await freePort(),
    database: "d0",
    user: "owner",
    password: "test",
    settings: { fsync: "off" },
    ...postgresRelease,
  });
  try {
    const schema = await readSchema("lib/postgres");
    const owner = new pg.Client({ connectionString: server.url });
    await owner.connect();
    for (const name of ["d1", "d2", "d3", "d4"]) await owner.query(`CREATE DATABASE ${name}`);
    await owner.query("CREATE ROLE plain LOGIN PASSWORD 'test'");
    await owner.query("ALTER DATABASE d0 OWNER TO plain; ALTER SCHEMA public OWNER TO plain");
    const plain = new pg.Client({ connectionString: server.url.replace("owner:", "plain:") });
    await plain.connect();
    await expect(migrate(plain, schema)).rejects.toThrow(
      "plain may not make the role smartgrid_api: let an administrator run CREATE ROLE smartgrid_api NOLOGIN;",
    );

    // Another migration is making the roles right now: all wait for it, and find them made.
    await owner.query("BEGIN; CREATE ROLE smartgrid_api NOLOGIN; CREATE ROLE smartgrid_sweep NOLOGIN");
    const names = ["d1", "d2", "d3", "d4"];
    const migrating = names.map(async (name) => {
      const client = new pg.Client({ connectionString: server.url.replace(/d0$/, name) });
      await client.connect();
      const applied = await migrate(client, schema);
      await client.end();
      return applied.length;
    });
    const migrated = Promise.allSettled(migrating);
    const countWaiting = async () =>
      (await owner.query("SELECT FROM pg_locks WHERE NOT granted")).rowCount ?? 0;
    await until(countWaiting, (waiting) => waiting > 0);
    // The first gives up after 2 s; whoever has not come to the roles after one finds them made or makes them himself.
    const sinceMs = performance.now();
    await until(countWaiting, (waiting) => waiting === names.length || performance.now() - sinceMs > 1_000);
    await owner.query("COMMIT");
    expect(await migrated).toEqual(
      names.map(() => ({
        status: "fulfilled",
        value: schema.migrations.length + schema.tables.length + schema.sources.length,
      })),
    );

    expect(await migrate(plain, schema)).toHaveLength(
      schema.migrations.length + schema.tables.length + schema.sources.length,
    );
    await plain.end();
    await owner.end();
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
