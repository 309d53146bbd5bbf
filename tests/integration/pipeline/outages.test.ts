// Promises 6 and 7: broker and database go away and come back, by kill −9; nobody is told "success" for what was not
// stored, and what was stored is counted once.
import { fork } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import "../../../lib/kafka/request-queue.ts";
import { type RunningFunctions, startFunctions } from "../../../commands/start/functions.ts";
import { createOn } from "../../../lib/kafka/topics.ts";
import { migrate, readSchema } from "../../../lib/postgres/migrate.ts";
import { type KafkaServer, startKafka } from "../../../localstack/kafka/server.ts";
import { freePort } from "../../../localstack/ports.ts";
import { type PostgresServer, startPostgres } from "../../../localstack/postgres/server.ts";
import { postgresRelease } from "../stack.ts";
import { until } from "../topics.ts";

let folder: string;
let kafkaPort: number;
let postgresPort: number;
let kafka: KafkaServer;
let postgres: PostgresServer;
let functions: RunningFunctions;

const startBroker = () => startKafka({ dataDir: join(folder, "kafka"), port: kafkaPort });
const databaseOptions = () => ({
  dataDir: join(folder, "postgres"),
  port: postgresPort,
  database: "d",
  user: "u",
  password: "p",
  ...postgresRelease,
});
const startDatabase = () => startPostgres(databaseOptions());

async function query<T extends pg.QueryResultRow>(sql: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "smartgrid-outage-"));
  [kafkaPort, postgresPort] = [await freePort(), await freePort()];
  [kafka, postgres] = await Promise.all([startBroker(), startDatabase()]);
  const admin = new Kafka({ brokers: [kafka.brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const topics = ["smartgrid-sensor-data", "smartgrid-meter-readings", "smartgrid-weather-data"];
  await createOn(
    admin,
    topics.map((topic) => ({ topic, numPartitions: 1 })),
  );
  await admin.disconnect();
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await migrate(client, await readSchema("lib/postgres"));
  await client.end();
  functions = await startFunctions(folder, await freePort(), {
    KAFKA_BROKER: kafka.brokers,
    POSTGRES_HOST: "127.0.0.1",
    POSTGRES_PORT: String(postgresPort),
    POSTGRES_DB: "d",
    POSTGRES_USER: "u",
    POSTGRES_PASSWORD: "p",
    SWEEP_INTERVAL: "1",
    WATERMARK_IDLE_SECONDS: "1",
    STUCK_AFTER_SECONDS: "5", // a sweep that is late by less is no end of a trouble
  });
});
afterAll(async () => {
  await functions?.stop();
  await Promise.all([kafka?.stop(), postgres?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

async function postReading(eventId: string): Promise<number> {
  const response = await fetch(`${functions.httpUrl}/api/v1/ingest/meter`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ event_id: eventId, meter_id: "m", customer_id: "c", reading: 1 }),
  });
  await response.text();
  return response.status;
}

/** What a client does: it asks again until it is told that the reading is stored. */
const untilStored = (eventId: string) =>
  until(
    () => postReading(eventId),
    (status) => status === 201,
  );

const readiness = async () => {
  const response = await fetch(`${functions.httpUrl}/ready`);
  const body: { status: string; kafka: string; postgres: string; trouble?: string[] } = JSON.parse(
    await response.text(),
  );
  return { httpStatus: response.status, ...body };
};

const counted = () =>
  query<{ n: number }>(
    "SELECT coalesce(sum(reading_count), 0)::int AS n FROM consumption_aggregates_realtime",
  );

test("broker killed, frozen for 30 s, restarted: producers answer 503, never success; consumption resumes by itself (killed, restarted; /ready says so)", async () => {
  await untilStored("before");
  await until(counted, ([row]) => row?.n === 1);
  kafka.kill("SIGKILL");
  await kafka.exited;
  expect(await postReading("while away")).toBe(503);
  expect(await until(readiness, ({ postgres }) => postgres === "ok")).toMatchObject({
    httpStatus: 503,
    status: "not ready",
    kafka: "not answering",
  });

  kafka = await startBroker();
  await untilStored("after");
  // The retry of what was refused: whether or not the first try was stored after all, it counts once.
  await untilStored("while away");
  await until(counted, ([row]) => row?.n === 3);
});

test("broker killed, frozen for 30 s, restarted: producers answer 503, never success; consumption resumes by itself (frozen)", async () => {
  kafka.kill("SIGSTOP");
  try {
    for (const startMs = performance.now(); performance.now() - startMs < 30_000; )
      expect(await postReading("while frozen")).toBe(503);
  } finally {
    kafka.kill("SIGCONT");
  }
  await untilStored("while frozen");
  await until(counted, ([row]) => row?.n === 4);
});

test("the database is killed: events are taken in all the same, wait, and count once when it is back", async () => {
  postgres.kill("SIGQUIT"); // immediate: as a crash of the machine leaves it
  await postgres.exited;
  await untilStored("d1");
  expect(await postReading("d2")).toBe(201);
  expect(await postReading("d3")).toBe(201);
  expect(await until(readiness, ({ kafka }) => kafka === "ok")).toMatchObject({
    httpStatus: 503,
    postgres: "not answering",
  });

  postgres = await startDatabase();
  await until(counted, ([row]) => row?.n === 7);
  expect(
    await query(
      "SELECT sum(records)::int AS records, sum(counted)::int AS counted FROM ledger WHERE topic = 'smartgrid-meter-readings'",
    ),
  ).toEqual([{ records: expect.any(Number), counted: 7 }]);
});

test("both are killed with data in them, and start again on it", async () => {
  kafka.kill("SIGKILL");
  postgres.kill("SIGKILL");
  await Promise.all([kafka.exited, postgres.exited]);
  [kafka, postgres] = await Promise.all([startBroker(), startDatabase()]);
  expect(await counted()).toEqual([{ n: 7 }]);
  await untilStored("last");
  await until(counted, ([row]) => row?.n === 8);
});

test("a partition that cannot be applied is named by /ready, /metrics and the log, once, and so is the end of it", async () => {
  // No commit of the stream succeeds; sweeps go on.
  await query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'refused by a test'; END $$`);
  await query(`CREATE TRIGGER refused BEFORE INSERT OR UPDATE OF total_consumption ON consumption_window
    EXECUTE FUNCTION refuse()`);
  await untilStored("blocked");
  const place = "smartgrid-meter-readings-0";
  const stuck = await until(readiness, ({ trouble = [] }) =>
    trouble.some((text) => text.startsWith(`partition_stuck ${place} since `)),
  );
  expect(stuck).toMatchObject({ httpStatus: 200, status: "stuck", kafka: "ok", postgres: "ok" });
  await until(
    async () => (await fetch(`${functions.httpUrl}/metrics`)).text(),
    (metrics) => /^smartgrid_trouble\{kind="partition_stuck"\} [1-9]/m.test(metrics),
  );

  await query("DROP FUNCTION refuse CASCADE");
  await until(counted, ([row]) => row?.n === 9);
  await until(readiness, ({ status, trouble }) => status === "ready" && trouble?.length === 0);
  const logged = async (message: string) =>
    (await readFile(functions.logFile, "utf8"))
      .split("\n")
      .filter(
        (line) =>
          line.includes(`"message":"${message}"`) && line.includes(`"partition_stuck","place":"${place}"`),
      );
  // The partition was stuck before, while the database was away: that is another trouble, with an end of its own.
  await until(
    async () => [await logged("trouble"), await logged("trouble ended")],
    ([begun = [], ended = []]) => ended.length > 0 && begun.length === ended.length,
  );
  const begins = (await logged("trouble")).map((line) => JSON.parse(line.slice(line.indexOf("{"))).since);
  expect(new Set(begins).size).toBe(begins.length);
});

test("the servers of a start that was killed are found and replaced, those of a living one are not", async () => {
  await expect(startDatabase()).rejects.toThrow("already running");
  await postgres.stop();
  const server = new URL("../../../localstack/postgres/server.ts", import.meta.url).href;
  const starter = join(folder, "starter.mjs");
  await writeFile(
    starter,
    `import { startPostgres } from ${JSON.stringify(server)};
     const { pid } = await startPostgres(${JSON.stringify(databaseOptions())});
     process.send({ pid });`,
  );
  const child = fork(starter, { execArgv: [], stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const orphan = await new Promise<number>((resolve) =>
    child.once("message", ({ pid }: { pid: number }) => resolve(pid)),
  );
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("exit", resolve));
  expect(process.kill(orphan, 0)).toBe(true);

  // It would not start on data that another still holds.
  postgres = await startDatabase();
  expect(postgres.pid).not.toBe(orphan);
  expect(await counted()).toEqual([{ n: 9 }]);
});
