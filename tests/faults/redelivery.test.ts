// What becomes of batches when functions, their connections and their answers are lost in the midst of it: the real
// functions in processes of their own, a real PostgreSQL behind a proxy.
import type pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { ExecutionEnvironments } from "../../commands/chaos/execution-environments.ts";
import { type NetworkProxy, startProxy } from "../../commands/chaos/proxy.ts";
import { freePort } from "../../localstack/ports.ts";
import { createDatabase, emptyTables, snapshot, type TestDatabase } from "../integration/database.ts";
import { until } from "../integration/topics.ts";
import { hourMs, payloadOf, poolOf, reading, readings, recordOf, totals, untilBlocked } from "./readings.ts";

const DAY_MS = 86_400_000;
const signal = AbortSignal.timeout(120_000);

let database: TestDatabase;
let proxy: NetworkProxy;
beforeAll(async () => {
  database = await createDatabase();
  proxy = await startProxy(await freePort(), Number(new URL(database.url).port));
});
afterAll(async () => {
  await proxy.close();
  await database.close();
});

let clockOffsetMs = 0;
let started: ExecutionEnvironments[] = [];
beforeEach(() => emptyTables(database.pool));
afterEach(async () => {
  await Promise.all(started.map((one) => one.stop()));
  started = [];
  clockOffsetMs = 0;
});

function startFunction(name = "aggregate-consumption"): ExecutionEnvironments {
  const one = new ExecutionEnvironments(name, {
    environment: { ...database.environment, POSTGRES_PORT: String(proxy.port) },
    reservedConcurrency: 8,
    timeOutMs: 60_000,
    drawClockOffsetMs: () => clockOffsetMs,
    onTrouble: (trouble) => {
      throw trouble;
    },
  });
  started.push(one);
  return one;
}

/** Holds the ledger's lock, so that a commit stands in the midst of its statement. */
async function holdLedger(): Promise<{ release(): Promise<void> }> {
  const client: pg.PoolClient = await database.pool.connect();
  await client.query("BEGIN");
  await client.query("LOCK TABLE ledger IN ACCESS EXCLUSIVE MODE");
  return {
    async release() {
      await client.query("ROLLBACK");
      client.release();
    },
  };
}

const batch = payloadOf("t", 0, readings(0, 50));

test("crash before commit: nothing visible; redelivery applies once", async () => {
  const nothing = { counted: 0, records: 0 };
  // Killed while it connects; and on a connection that it has, before its statement arrives.
  for (const isWarm of [false, true]) {
    await emptyTables(database.pool);
    const lambda = startFunction();
    if (isWarm) await lambda.invoke(payloadOf("warm", 0, [recordOf(0, null)]));
    const before = await totals(database.pool);
    proxy.halfOpen();
    const invocation = lambda.invoke(batch).catch((error: Error) => error);
    await new Promise((resolve) => setTimeout(resolve, 300)); // to wherever it comes in that time
    lambda.signal("SIGKILL");
    expect(await invocation).toBeInstanceOf(Error);
    proxy.heal();
    expect(await totals(database.pool)).toEqual(before);
    await lambda.invoke(batch);
    expect(await totals(database.pool)).toEqual({ counted: 50, records: before.records + 50 });
  }

  // Killed, and its session with it, in the midst of its statement.
  await emptyTables(database.pool);
  const lambda = startFunction();
  const held = await holdLedger();
  const invocation = lambda.invoke(batch).catch((error: Error) => error);
  const pid = await untilBlocked(database.pool);
  lambda.signal("SIGKILL");
  await database.pool.query("SELECT pg_terminate_backend($1)", [pid]);
  expect(await invocation).toBeInstanceOf(Error);
  await held.release();
  expect(await totals(database.pool)).toEqual(nothing);
  await lambda.invoke(batch);
  expect(await totals(database.pool)).toEqual({ counted: 50, records: 50 });
});

test("crash after commit, before the acknowledgement: redelivery is a no-op that answers success, counted as replayed", async () => {
  const lambda = startFunction();
  await lambda.invoke(batch);
  const before = await snapshot(database.pool);
  lambda.signal("SIGKILL"); // nobody heard its answer
  expect(await startFunction().invoke(batch)).toBe("null");
  expect(await snapshot(database.pool)).toEqual(before);
});

test("result of COMMIT unknown: safe either way; reconnect, ask the ledger", async () => {
  const lambda = startFunction();
  // It was committed, and the answer is lost.
  const lost = proxy.loseAnswer(/commit_consumption/, signal);
  await expect(lambda.invoke(batch)).rejects.toThrow("aggregate-consumption: ");
  await lost;
  expect(await totals(database.pool)).toEqual({ counted: 50, records: 50 });
  await lambda.invoke(batch);
  expect(await totals(database.pool)).toEqual({ counted: 50, records: 50 });

  // It was not, for its session ended while it waited; the function cannot tell the two from each other.
  await emptyTables(database.pool);
  const held = await holdLedger();
  const invocation = lambda.invoke(batch).catch((error: Error) => error);
  const pid = await untilBlocked(database.pool);
  await database.pool.query("SELECT pg_terminate_backend($1)", [pid]);
  expect(await invocation).toBeInstanceOf(Error);
  await held.release();
  expect(await totals(database.pool)).toEqual({ counted: 0, records: 0 });
  await lambda.invoke(batch);
  expect(await totals(database.pool)).toEqual({ counted: 50, records: 50 });
});

test("two pollers on one partition, an old one waking up late: both run, the result is once", async () => {
  const [old, second] = [startFunction(), startFunction()];
  await Promise.all([
    old.invoke(payloadOf("t", 0, readings(0, 10))),
    second.invoke(payloadOf("t", 0, readings(0, 10))),
  ]);
  // The old one is frozen in the midst of its statement, and wakes up when all is done.
  const held = await holdLedger();
  const late = old.invoke(batch);
  late.catch(() => undefined); // said where it is awaited
  await untilBlocked(database.pool);
  old.signal("SIGSTOP");
  await held.release();
  await Promise.all([
    second.invoke(batch),
    second.invoke(payloadOf("t", 0, readings(30, 80))),
    second.invoke(batch),
  ]);
  old.signal("SIGCONT");
  await late;
  const concurrent = Array.from({ length: 8 }, () => second.invoke(payloadOf("t", 0, readings(20, 100))));
  await Promise.all(concurrent);
  expect(await totals(database.pool)).toEqual({ counted: 100, records: 100 });
});

test("function timeout inside a transaction: statement timeout below the remaining time; server ends the orphan", async () => {
  // Frozen before it could hear of the outcome: nobody else waits for it.
  const [frozen, second] = [startFunction(), startFunction()];
  const held = await holdLedger();
  const late = frozen.invoke(batch);
  late.catch(() => undefined); // said where it is awaited
  await untilBlocked(database.pool);
  frozen.signal("SIGSTOP");
  await held.release();
  await second.invoke(batch);
  expect(await totals(database.pool)).toEqual({ counted: 50, records: 50 });
  frozen.signal("SIGCONT");
  await late;

  // A session whose function is gone for good is ended by the server, and leaves nothing behind.
  const orphaned = poolOf(database, 1_000, proxy.port);
  await orphaned.query("SELECT"); // connected
  await orphaned.query("BEGIN; UPDATE stream_state SET held_by = 7 WHERE stream = 'consumption'");
  const idle = () =>
    database.pool.query(
      "SELECT 1 FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND datname = current_database()",
    );
  await until(
    async () => (await idle()).rowCount,
    (sessions) => sessions === 0,
  );
  const { rows } = await database.pool.query("SELECT held_by FROM stream_state WHERE stream = 'consumption'");
  expect(rows).toEqual([{ held_by: null }]);
  await orphaned.end();
});

test("clocks of producers and functions wrong by a day: results unharmed: event time from data, finality from the database's clock", async () => {
  // An hour ahead of the database's clock is the future, whatever the function's clock says.
  const future = reading(0, { event_id: "f", timestamp: new Date(Date.now() + 3_600_000).toISOString() });
  const recent = reading(0, { event_id: "r", timestamp: new Date(Date.now() - 60_000).toISOString() });
  const records = (producerOffsetMs: number) => [
    ...readings(0, 50).map((record) => ({ ...record, recordTimeMs: hourMs + producerOffsetMs })),
    recordOf(50, future, hourMs + producerOffsetMs),
    recordOf(51, recent, hourMs + producerOffsetMs),
  ];
  const outcomes: object[] = [];
  for (const wrongMs of [0, DAY_MS, -DAY_MS]) {
    await emptyTables(database.pool);
    clockOffsetMs = wrongMs;
    await startFunction().invoke(payloadOf("t", 0, records(-wrongMs)));
    // Lateness is reckoned from the record's time, which is the producer's clock.
    const { ledger, lateness, ...tables } = await snapshot(database.pool);
    outcomes.push(tables);
  }
  expect(outcomes[1]).toEqual(outcomes[0]);
  expect(outcomes[2]).toEqual(outcomes[0]);
  expect(outcomes[0]).toMatchObject({ quarantine: [expect.stringContaining("in_future")] });
});
