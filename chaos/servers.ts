// The real broker and the real database of a run, each with a proxy in front of it, and what can be done to them.

import { join } from "node:path";
import pg from "pg";
import { migrate, readMigrations } from "../lib/store/migrate.ts";
import { type KafkaServer, startKafka } from "../localstack/kafka/server.ts";
import { freePort } from "../localstack/ports.ts";
import { type PostgresServer, startPostgres } from "../localstack/postgres/server.ts";
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
  readonly #start: () => Promise<KafkaServer>;
  #server: KafkaServer;

  constructor(proxy: NetworkProxy, start: () => Promise<KafkaServer>, server: KafkaServer) {
    this.proxy = proxy;
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
    return new Broker(await startProxy(proxyPort, proxiedPort), start, server);
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
      migrate(client, await readMigrations(join(import.meta.dirname, "../infra/migrations"))),
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
  async use<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 5_000 });
    client.on("error", () => undefined); // the database was killed: the running statement says so as well
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end().catch(() => undefined); // it went away with the database
    }
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
