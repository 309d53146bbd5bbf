// PostgreSQL servers, databases and users that cannot hold the pipeline are refused at once, in one line.

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { databaseVariables } from "../../../commands/running-stack/database-url.ts";
import { readDatabaseSettings } from "../../../lib/config/database.ts";
import { messageOf } from "../../../lib/log.ts";
import { connect } from "../../../lib/postgres/connect.ts";
import { migrate, readSchema } from "../../../lib/postgres/migrate.ts";
import type { DatabaseSettings } from "../../../lib/postgres/pool.ts";
import { freePort } from "../../../localstack/ports.ts";
import { until } from "../topics.ts";

const url = new URL(inject("postgresUrl"));
const server = readDatabaseSettings(databaseVariables(url));
const user = `check_${process.pid}`;
const settings: DatabaseSettings = { ...server, user, login: { password: "check" } };
const database = (name: string) => `check_${process.pid}_${name}`;
const admin = new pg.Client({ connectionString: url.href });

beforeAll(async () => {
  await admin.connect();
  await admin.query(`CREATE ROLE ${user} LOGIN PASSWORD 'check'`);
});
afterAll(async () => {
  await admin.end(); // the server goes with the run
});

async function create(name: string, how: string, ...prepare: string[]): Promise<DatabaseSettings> {
  await admin.query(`CREATE DATABASE ${database(name)} ${how}`);
  const client = new pg.Client({ connectionString: new URL(`/${database(name)}`, url).href });
  await client.connect();
  for (const statement of prepare) await client.query(statement);
  await client.end();
  return { ...settings, database: database(name) };
}

/** What is said where it connects and migrates. */
async function said(to: DatabaseSettings): Promise<string> {
  let client: pg.Client | undefined;
  try {
    client = await connect(to);
    await migrate(client, await readSchema("lib/postgres"));
    return "migrated";
  } catch (error) {
    return messageOf(error);
  } finally {
    await client?.end();
  }
}

test("a database in another encoding, a user who may not create, one without a schema, tables of another", async () => {
  expect(
    await said(await create("latin", "ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0")),
  ).toMatch(/^the database's encoding is LATIN1/);
  expect(await said(await create("closed", ""))).toBe(
    `${user} may not make tables in schema public: let its owner run GRANT CREATE ON SCHEMA public TO ${user}`,
  );
  expect(await said(await create("empty", "", "DROP SCHEMA public"))).toMatch(
    /^no schema of check_\d+'s search_path/,
  );
  const migrated = await create(
    "taken",
    "",
    "CREATE TABLE schema_migration ()",
    `GRANT ALL ON SCHEMA public TO ${user}`,
  );
  expect(await said(migrated)).toMatch(/^the tables in schema public belong to \w+: migrate as/);
});

test("read-only transactions, as behind a proxy to a replica", async () => {
  const readOnly = await create("readonly", `OWNER ${user}`);
  await admin.query(`ALTER DATABASE ${readOnly.database} SET default_transaction_read_only = on`);
  expect(await said(readOnly)).toMatch(/transactions are read-only \(default_transaction_read_only/);
});

test("a wrong password, a database that is not there, a port where nobody is, a name that nobody knows", async () => {
  const where = `PostgreSQL ${server.host}:${server.port}`;
  expect(await said({ ...settings, login: { password: "wrong" } })).toMatch(
    new RegExp(`^${where}/\\w+ as ${user}: .*see POSTGRES_USER and POSTGRES_PASSWORD$`),
  );
  expect(await said({ ...settings, database: "nowhere" })).toContain('CREATE DATABASE "nowhere"');
  const port = await freePort();
  expect(await said({ ...settings, port })).toMatch(
    new RegExp(`^PostgreSQL ${server.host}:${port}/.* ECONNREFUSED .*is it running`),
  );
  expect(await said({ ...settings, host: "nobody.invalid" })).toMatch(
    /does not know the name nobody\.invalid/,
  );
});

/** A server that does this with each connection. */
async function fakeServer(answer: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const fake = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined); // the client hangs up
    answer(socket);
  });
  fake.listen(0, "127.0.0.1");
  await once(fake, "listening");
  const { port }: AddressInfo = Object(fake.address());
  return {
    port,
    close() {
      fake.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

test("a server that takes connections and says nothing is given up within seconds", async () => {
  const silent = await fakeServer(() => undefined);
  try {
    expect(await said({ ...settings, port: silent.port })).toMatch(
      /timeout expired.*POSTGRES_HOST and POSTGRES_PORT/,
    );
  } finally {
    silent.close();
  }
});

test("PgBouncer's refusal of start-up parameters names the pooler", async () => {
  const words = "SFATAL\0C08P01\0Munsupported startup parameter: lock_timeout\0\0";
  const header = Buffer.alloc(5);
  header.write("E");
  header.writeInt32BE(words.length + 4, 1);
  const bouncer = await fakeServer((socket) => {
    socket.once("data", () => socket.end(Buffer.concat([header, Buffer.from(words)])));
  });
  try {
    expect(await said({ ...settings, port: bouncer.port })).toMatch(
      /a connection pooler \(such as PgBouncer\) stands there.*name the PostgreSQL server itself/,
    );
  } finally {
    bouncer.close();
  }
});

const PGBOUNCER = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].find((path) => existsSync(path));

test
  .skipIf(PGBOUNCER === undefined)
  .each(["", "ignore_startup_parameters = lock_timeout,extra_float_digits\n"])(
  "a real PgBouncer in transaction mode is refused at once (skipped where there is none), also with %j",
  async (extra) => {
    const folder = mkdtempSync(join(tmpdir(), "pgbouncer-"));
    const port = await freePort();
    const password = "password" in server.login ? server.login.password : "";
    writeFileSync(join(folder, "users"), `"${server.user}" "${password}"\n`);
    writeFileSync(
      join(folder, "ini"),
      `[databases]\n* = host=${server.host} port=${server.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${port}\n` +
        `unix_socket_dir =\nauth_type = plain\nauth_file = ${join(folder, "users")}\npool_mode = transaction\n` +
        `logfile = ${join(folder, "log")}\n${extra}`,
    );
    const isRoot = process.getuid?.() === 0; // it does not run as root
    if (isRoot) {
      chmodSync(folder, 0o777);
      expect(spawnSync("id", ["-u", "postgres"]).status).toBe(0);
    }
    const uid = isRoot ? Number(execFileSync("id", ["-u", "postgres"], { encoding: "utf8" })) : undefined;
    const bouncer = spawn(PGBOUNCER ?? "", [join(folder, "ini")], {
      stdio: "ignore",
      ...(uid === undefined ? {} : { uid }),
    });
    const ended = once(bouncer, "exit");
    try {
      const log = async () =>
        existsSync(join(folder, "log")) ? readFileSync(join(folder, "log"), "utf8") : "";
      await until(log, (text) => text.includes("process up"));
      expect(await said({ ...server, port })).toMatch(
        /a connection pooler \(such as PgBouncer\) stands there/,
      );
    } finally {
      bouncer.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true });
    }
  },
);
