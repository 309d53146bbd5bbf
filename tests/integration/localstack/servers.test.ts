// Kill -9 of a server, or of the process that started it, is repaired at the next start, and nothing stored is lost.
// The servers here are a second pair, on a folder of this test's own.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Kafka, logLevel } from "kafkajs";
import pg from "pg";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { createOn } from "../../../lib/kafka/topics.ts";
import { type KafkaServer, startKafka } from "../../../localstack/kafka/server.ts";
import { freePort } from "../../../localstack/ports.ts";
import { accountForRoot } from "../../../localstack/postgres/account.ts";
import { type PostgresServer, startPostgres } from "../../../localstack/postgres/server.ts";
import { isRunning } from "../../../localstack/processes.ts";
import type { StartedServers } from "./run-servers.ts";

let madeFolder: string;
let folder: string;
const database = { database: "survivors", user: "owner", password: "p@ss/word" };

beforeAll(async () => {
  // Named so that, where this run is killed, stack.ts of the next one cleans up.
  madeFolder = await mkdtemp(join(tmpdir(), `smartgrid-test-${process.pid}-servers-`));
  // Kafka separates its folders by commas, and Java reads paths in the locale's encoding, properties in Latin-1.
  folder = join(madeFolder, "a,b ü 電");
  vi.stubEnv("LC_ALL", "C");
});

interface Pair {
  readonly kafka: KafkaServer;
  readonly postgres: PostgresServer;
}

const running: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(madeFolder, { recursive: true, force: true });
});

async function startPair(): Promise<Pair> {
  const kafka = await startKafka({ dataDir: join(folder, "kafka"), port: await freePort() });
  running.push(kafka);
  const postgres = await startPostgres({
    dataDir: join(folder, "postgres"),
    port: await freePort(),
    ...database,
  });
  running.push(postgres);
  return { kafka, postgres };
}

function clientOf(brokers: string): Kafka {
  return new Kafka({ brokers: [brokers], clientId: "servers-test", logLevel: logLevel.NOTHING });
}

async function produce(brokers: string, value: string): Promise<void> {
  const kafka = clientOf(brokers);
  const admin = kafka.admin();
  await admin.connect();
  await createOn(admin, [{ topic: "survivors", numPartitions: 1 }]);
  await admin.disconnect();
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic: "survivors", acks: -1, messages: [{ value }] });
  await producer.disconnect();
}

async function consume(brokers: string, count: number): Promise<string[]> {
  const consumer = clientOf(brokers).consumer({ groupId: `reader-${crypto.randomUUID()}` });
  await consumer.connect();
  await consumer.subscribe({ topic: "survivors", fromBeginning: true });
  const values: string[] = [];
  await new Promise<void>((resolve, reject) => {
    const eachMessage = async ({ message }: { message: { value: Buffer | null } }) => {
      values.push(message.value?.toString() ?? "");
      if (values.length === count) resolve();
    };
    consumer.run({ eachMessage }).catch(reject);
  });
  await consumer.disconnect();
  return values;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** A process of its own that has started the pair; see run-servers.ts. */
async function runOfItsOwn(): Promise<{ run: ChildProcess; pids: number[]; brokers: string; url: string }> {
  const script = join(import.meta.dirname, "run-servers.ts");
  const run = spawn(process.execPath, [script, folder], { stdio: ["pipe", "pipe", "inherit"] });
  for await (const line of createInterface({ input: run.stdout })) {
    const said: StartedServers = JSON.parse(line);
    return {
      run,
      pids: [said.kafka.pid, said.postgres.pid],
      brokers: said.kafka.brokers,
      url: said.postgres.url,
    };
  }
  throw new Error("run-servers.ts ended without a word");
}

test("what was stored before a kill -9 of both servers is there after the next start", async () => {
  const first = await startPair();
  await produce(first.kafka.brokers, "before the kill");
  await query(first.postgres.url, "CREATE TABLE survivors AS SELECT 'before the kill' AS word");
  // A session in the midst of a statement does not notice that its server is gone, and keeps the next one out.
  const busy = new pg.Client({ connectionString: first.postgres.url });
  busy.on("error", () => undefined);
  await busy.connect();
  const { rows } = await busy.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  const statement = busy.query("SELECT count(*) FROM generate_series(1, 100000000000)").then(
    () => "finished",
    () => "broken off",
  );
  await expect
    .poll(() =>
      query(
        first.postgres.url,
        "SELECT FROM pg_stat_activity WHERE query LIKE '%generate_series(1%' AND state = 'active' AND pid <> pg_backend_pid()",
      ),
    )
    .toHaveLength(1);

  first.kafka.kill("SIGKILL");
  first.postgres.kill("SIGKILL");
  expect(await Promise.all([first.kafka.exited, first.postgres.exited])).toEqual([
    "signal SIGKILL",
    "signal SIGKILL",
  ]);
  expect(isRunning(rows[0]?.pid ?? 0)).toBe(true);

  const second = await startPair();
  expect(await statement).toBe("broken off");
  await produce(second.kafka.brokers, "after the kill");
  expect(await consume(second.kafka.brokers, 2)).toEqual(["before the kill", "after the kill"]);
  expect(await query(second.postgres.url, "SELECT word FROM survivors")).toEqual([
    { word: "before the kill" },
  ]);
});

test("what is stored lies in the folder, whatever its name and the locale are, and nothing beside it", async () => {
  expect(await readdir(madeFolder)).toEqual(["a,b ü 電"]);
  expect(await readdir(folder)).toEqual(["kafka", "postgres"]);
  expect(await readdir(join(folder, "kafka/log"))).toContain("survivors-0");
  expect(await readdir(join(folder, "postgres/pgdata"))).toContain("PG_VERSION");
});

test("servers whose starter was killed are found, stopped and taken over", async () => {
  const { run, pids, brokers, url } = await runOfItsOwn();
  await produce(brokers, "of the orphans");
  await query(url, "INSERT INTO survivors VALUES ('of the orphans')");
  run.kill("SIGKILL");
  await once(run, "exit");
  expect(pids.map(isRunning)).toEqual([true, true]);

  const { kafka, postgres } = await startPair();
  expect(pids.map(isRunning)).toEqual([false, false]);
  expect(await consume(kafka.brokers, 3)).toContain("of the orphans");
  expect(await query(postgres.url, "SELECT word FROM survivors ORDER BY word")).toEqual([
    { word: "before the kill" },
    { word: "of the orphans" },
  ]);
});

test("servers of a run that still runs are left alone, and its end takes them with it", async () => {
  const { run, pids, brokers, url } = await runOfItsOwn();
  const port = await freePort();
  await expect(startKafka({ dataDir: join(folder, "kafka"), port })).rejects.toThrow(
    `already running for process ${run.pid}`,
  );
  await expect(startPostgres({ dataDir: join(folder, "postgres"), port, ...database })).rejects.toThrow(
    `already running for process ${run.pid}`,
  );
  await expect(startKafka({ dataDir: join(folder, "kafka"), port, fresh: true })).rejects.toThrow("already");
  expect(await consume(brokers, 3)).toHaveLength(3);
  expect(await query(url, "SELECT word FROM survivors")).toHaveLength(2);

  run.stdin?.end(); // it calls process.exit() then, without stopping anything in order
  await once(run, "exit");
  await expect.poll(() => pids.filter(isRunning), { timeout: 20_000 }).toEqual([]);
});

test("a pid file that names somebody else's process kills nobody", async () => {
  const stranger = spawn(process.execPath, ["-e", "setInterval(() => undefined, 1000)"]);
  await once(stranger, "spawn");
  await writeFile(join(folder, "kafka/kafka.pid"), `${stranger.pid}\n1\n`);
  await writeFile(join(folder, "postgres/postgres.pid"), `${stranger.pid}\n1\n`);
  await startPair();
  expect(isRunning(stranger.pid ?? 0)).toBe(true);
  stranger.kill();
});

test("an initialisation that was killed half-way is done again", async () => {
  const half = join(folder, "half");
  const first = await startKafka({ dataDir: join(half, "kafka"), port: await freePort() });
  await first.stop();
  await rm(join(half, "kafka/formatted")); // the format was killed before it was noted
  const kafka = await startKafka({ dataDir: join(half, "kafka"), port: await freePort() });
  running.push(kafka);
  expect(existsSync(join(half, "kafka/formatted"))).toBe(true);
});

test("a port that is taken: an error with the end of the log, and no process is left", async () => {
  const taken = createServer();
  const port = await freePort();
  await new Promise<void>((resolve) => taken.listen(port, "127.0.0.1", resolve));
  await expect(startPostgres({ dataDir: join(folder, "taken/postgres"), port, ...database })).rejects.toThrow(
    /could not bind IPv4 address[\s\S]*could not create any TCP\/IP sockets/,
  );
  await expect(startKafka({ dataDir: join(folder, "taken/kafka"), port })).rejects.toThrow(
    /Address already in use|failed to bind/i,
  );
  expect(existsSync(join(folder, "taken/postgres/postgres.pid"))).toBe(false);
  expect(existsSync(join(folder, "taken/kafka/kafka.pid"))).toBe(false);

  // Where it may be another port, it was free when it was chosen, and is taken now.
  const choices = (ports: number[]) => async () => ports.shift() ?? freePort();
  const postgres = await startPostgres({
    dataDir: join(folder, "taken/postgres"),
    port: choices([port]),
    ...database,
  });
  running.push(postgres);
  const kafka = await startKafka({ dataDir: join(folder, "taken/kafka"), port: choices([port]) });
  running.push(kafka);
  expect(new URL(postgres.url).port).not.toBe(String(port));
  expect(await query(postgres.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  expect(kafka.brokers).not.toContain(String(port));
  taken.close();
});

test("another PostgreSQL that is faster on the port is not taken for ours, though it lets us in", async () => {
  const { postgres } = await startPair();
  const port = Number(new URL(postgres.url).port);
  const ports = [port];
  const other = await startPostgres({
    dataDir: join(folder, "slower/postgres"),
    port: async () => ports.shift() ?? freePort(),
    ...database,
  });
  running.push(other);
  expect(new URL(other.url).port).not.toBe(String(port));
});

/** A process that has ended and that nobody waits for. */
async function zombie(uid: number | undefined): Promise<{ pid: number; end(): void }> {
  // The child ends when the shell is `sleep 1000` by now: a shell might wait for it.
  const parent = spawn("/bin/sh", ["-c", "sleep 1 & echo $!; exec sleep 1000"], {
    stdio: ["ignore", "pipe", "inherit"],
    ...(uid === undefined ? {} : { uid }),
  });
  const [line] = await once(createInterface({ input: parent.stdout }), "line");
  const pid = Number(line);
  await expect.poll(() => readFileSync(`/proc/${pid}/stat`, "utf8"), { timeout: 30_000 }).toMatch(/\) Z /);
  return { pid, end: () => parent.kill() };
}

test.skipIf(process.platform !== "linux")(
  "a lock that names a zombie, or another process of the same account, keeps no PostgreSQL from starting",
  async () => {
    const dataDir = join(folder, "postgres");
    const lock = join(dataDir, "pgdata/postmaster.pid");
    const account = await accountForRoot();
    const left = await zombie(account?.uid);
    try {
      for (const pid of [left.pid, process.pid]) {
        const killed = await startPostgres({ dataDir, port: await freePort(), ...database });
        const content = readFileSync(lock, "utf8");
        killed.kill("SIGKILL");
        await killed.exited;
        await writeFile(lock, content.replace(/^\d+/, String(pid)));
        const next = await startPostgres({ dataDir, port: await freePort(), ...database });
        expect(await query(next.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
        await next.stop();
      }
    } finally {
      left.end();
    }
  },
);

test("fresh empties the data, a password is asked for, and only the loopback interface is served", async () => {
  const { postgres } = await startPair();
  await postgres.stop();
  const emptied = await startPostgres({
    dataDir: join(folder, "postgres"),
    port: await freePort(),
    ...database,
    fresh: true,
  });
  running.push(emptied);
  const shown = `SELECT to_regclass('survivors')::text AS survivors, current_setting('listen_addresses') AS listens,
    current_setting('TimeZone') AS zone, current_setting('server_encoding') AS encoding`;
  expect(await query(emptied.url, shown)).toEqual([
    { survivors: null, listens: "127.0.0.1", zone: "UTC", encoding: "UTF8" },
  ]);
  const wrong = new URL(emptied.url);
  wrong.password = "wrong";
  await expect(query(wrong.href, "SELECT")).rejects.toThrow("password authentication failed");
});
