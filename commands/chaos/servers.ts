// The real broker and the real database of a run, each with a proxy in front of it, and what can be done to them.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { migrate, readSchema } from "../../lib/postgres/migrate.ts";
import { type KafkaServer, startKafka } from "../../localstack/kafka/server.ts";
import { freePort } from "../../localstack/ports.ts";
import { type PostgresServer, startPostgres } from "../../localstack/postgres/server.ts";
import { cutLog, readBatches, type StoredBatch } from "./log-file.ts";
import { type NetworkProxy, startProxy } from "./proxy.ts";

/** Sent by its pid, for a process that may have ended meanwhile. */
function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Ended: there is nothing to freeze or to wake up.
  }
}

export class Broker {
  readonly proxy: NetworkProxy;
  readonly #dataDir: string;
  readonly #start: () => Promise<KafkaServer>;
  #server: KafkaServer;

  constructor(proxy: NetworkProxy, dataDir: string, start: () => Promise<KafkaServer>, server: KafkaServer) {
    this.proxy = proxy;
    this.#dataDir = dataDir;
    this.#start = start;
    this.#server = server;
  }

  static async start(dataDir: string): Promise<Broker> {
    const [port, proxiedPort, proxyPort] = [await freePort(), await freePort(), await freePort()];
    const start = () =>
      startKafka({
        dataDir,
        port,
        proxied: { port: proxiedPort, advertisedPort: proxyPort },
        settings: {
          // Producers' clocks are wrong by a day, which a broker would else refuse by itself.
          "log.message.timestamp.after.max.ms": Number.MAX_SAFE_INTEGER,
          "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1_000,
        },
      });
    const server = await start();
    return new Broker(await startProxy(proxyPort, proxiedPort), dataDir, start, server);
  }

  /** Past the proxy: for the producers and for whoever looks on. */
  get direct(): string {
    return this.#server.brokers;
  }

  get proxied(): string {
    return `127.0.0.1:${this.proxy.port}`;
  }

  async kill(): Promise<void> {
    this.#server.kill("SIGKILL");
    await this.#server.exited;
  }

  async restart(): Promise<void> {
    this.#server = await this.#start();
  }

  /** The partitions that it has of a topic; read from its disk, so that it may be down. */
  async partitionsOf(topic: string): Promise<number[]> {
    const folders = await readdir(join(this.#dataDir, "log"));
    return folders
      .filter((name) => name.startsWith(`${topic}-`) && /^\d+$/.test(name.slice(topic.length + 1)))
      .map((name) => Number(name.slice(topic.length + 1)))
      .sort((a, b) => a - b);
  }

  /** The batches of a partition, from its disk. */
  batchesOf(topic: string, partition: number): Promise<readonly StoredBatch[]> {
    return readBatches(this.#dataDir, topic, partition);
  }

  /** Only while it is down; see `cutLog`. */
  cutLog(
    topic: string,
    partition: number,
    choose: (batches: readonly StoredBatch[]) => number,
  ): Promise<readonly StoredBatch[]> {
    return cutLog(this.#dataDir, topic, partition, choose);
  }

  freeze(): void {
    this.#server.kill("SIGSTOP");
  }

  wake(): void {
    this.#server.kill("SIGCONT");
  }

  async stop(): Promise<void> {
    this.wake();
    await this.#server.stop();
    await this.proxy.close();
  }
}

const DATABASE = { database: "smartgrid_db", user: "smartgrid", password: "chaos" };
const COPY = "smartgrid_copy";

export class Database {
  readonly proxy: NetworkProxy;
  readonly #start: () => Promise<PostgresServer>;
  #server: PostgresServer;
  #frozen: number[] = [];

  constructor(proxy: NetworkProxy, start: () => Promise<PostgresServer>, server: PostgresServer) {
    this.proxy = proxy;
    this.#start = start;
    this.#server = server;
  }

  static async start(dataDir: string): Promise<Database> {
    const port = await freePort();
    const start = () => startPostgres({ ...DATABASE, dataDir, port, settings: { max_connections: 30 } });
    const server = await start();
    const database = new Database(await startProxy(await freePort(), port), start, server);
    await database.use(async (client) =>
      migrate(client, await readSchema(join(import.meta.dirname, "../../lib/postgres"))),
    );
    return database;
  }

  get url(): string {
    return this.#server.url;
  }

  /** The variables with which functions reach it: through the proxy. */
  get environment(): Readonly<Record<string, string>> {
    return {
      POSTGRES_HOST: "127.0.0.1",
      POSTGRES_PORT: String(this.proxy.port),
      POSTGRES_DB: DATABASE.database,
      POSTGRES_USER: DATABASE.user,
      POSTGRES_PASSWORD: DATABASE.password,
    };
  }

  /** A connection of its own, past the proxy. @throws what connecting or `work` throws */
  async use<T>(work: (client: pg.Client) => Promise<T>, database: string = DATABASE.database): Promise<T> {
    const url = new URL(`/${database}`, this.url);
    const client = new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 5_000 });
    client.on("error", () => undefined); // the database was killed: the running statement says so as well
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end().catch(() => undefined); // it went away with the database
    }
  }

  /** Ends all sessions of the database, and lets nobody in meanwhile. */
  async #withoutSessions(work: (client: pg.Client) => Promise<unknown>): Promise<void> {
    const { database } = DATABASE;
    await this.use(async (client) => {
      await client.query(`ALTER DATABASE ${database} ALLOW_CONNECTIONS false`);
      try {
        await client.query(
          "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1",
          [database],
        );
        await work(client);
      } finally {
        await client.query(`ALTER DATABASE ${database} ALLOW_CONNECTIONS true`);
      }
    }, "postgres");
  }

  /** Takes a copy of everything in it, instead of the last one. */
  async copy(): Promise<void> {
    await this.#withoutSessions(async (client) => {
      await client.query(`DROP DATABASE IF EXISTS ${COPY}`);
      await client.query(`CREATE DATABASE ${COPY} TEMPLATE ${DATABASE.database}`);
    });
  }

  /** Sets it back to the copy. @param onGone called when nothing of what came since is left */
  async restoreCopy(onGone: () => void): Promise<void> {
    await this.#withoutSessions(async (client) => {
      await client.query(`DROP DATABASE ${DATABASE.database}`);
      onGone();
      await client.query(`ALTER DATABASE ${COPY} RENAME TO ${DATABASE.database}`);
    });
  }

  /** As a crash of the machine leaves it (`pg_ctl stop -m immediate`). */
  async kill(): Promise<void> {
    this.#server.kill("SIGQUIT");
    await this.#server.exited;
  }

  async restart(): Promise<void> {
    this.#server = await this.#start();
  }

  /** Stops every process of the server in the middle of whatever it does. */
  async freeze(): Promise<void> {
    const { rows } = await this.use((client) =>
      client.query<{ pid: number }>("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()"),
    );
    this.#frozen = [this.#server.pid, ...rows.map((row) => row.pid)];
    for (const pid of this.#frozen) signalTo(pid, "SIGSTOP");
  }

  wake(): void {
    for (const pid of this.#frozen) signalTo(pid, "SIGCONT");
    this.#frozen = [];
  }

  async stop(): Promise<void> {
    this.wake();
    await this.#server.stop();
    await this.proxy.close();
  }
}
