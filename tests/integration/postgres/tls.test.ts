// TLS to PostgreSQL: the server has to prove itself by the authorities in POSTGRES_CA_FILE, and by its name.

import { randomUUID } from "node:crypto";
import { chmod, chown, copyFile, stat } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { readDatabaseSettings } from "../../../lib/config/database.ts";
import { openPool } from "../../../lib/postgres/pool.ts";

// A key pair for this test and nothing else, valid for a hundred years.
const fixtures = join(import.meta.dirname, "tls");
const [authority, otherAuthority] = ["server.crt", "other-ca.crt"].map((name) => join(fixtures, name));

/** Changing the server's TLS takes its data folder, which only a server of the tests' own gives. */
const isOwnServer = !process.env.POSTGRES_HOST;

let admin: pg.Client;

/** Until what the server says of its TLS has followed the settings. */
async function switchTls(isOn: boolean): Promise<void> {
  await admin.query(`ALTER SYSTEM SET ssl = ${isOn ? "on" : "off"}`);
  await admin.query("SELECT pg_reload_conf()");
  for (;;) {
    const { rows } = await admin.query<{ ssl: string }>("SHOW ssl");
    if (rows[0]?.ssl === (isOn ? "on" : "off")) return;
  }
}

describe.runIf(isOwnServer)("TLS", () => {
  beforeAll(async () => {
    admin = new pg.Client({ connectionString: inject("postgresUrl") });
    await admin.connect();
    const { rows } = await admin.query<{ folder: string }>(
      "SELECT current_setting('data_directory') AS folder",
    );
    const folder = rows[0]?.folder ?? "";
    const { uid, gid } = await stat(folder);
    for (const name of ["server.crt", "server.key"]) {
      await copyFile(join(fixtures, name), join(folder, name));
      await chown(join(folder, name), uid, gid);
      await chmod(join(folder, name), 0o600);
    }
    await switchTls(true);
  });
  afterAll(async () => {
    await switchTls(false);
    await admin.end();
  });

  async function connectWith(variables: Readonly<Record<string, string>>): Promise<boolean> {
    const url = new URL(inject("postgresUrl"));
    const settings = readDatabaseSettings({
      POSTGRES_HOST: url.hostname,
      POSTGRES_PORT: url.port,
      POSTGRES_DB: url.pathname.slice(1),
      POSTGRES_USER: decodeURIComponent(url.username),
      POSTGRES_PASSWORD: decodeURIComponent(url.password),
      ...variables,
    });
    const pool = openPool(settings, 5_000);
    try {
      const { rows } = await pool.query<{ ssl: boolean }>(
        "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
      );
      return rows[0]?.ssl ?? false;
    } finally {
      await pool.end();
    }
  }

  test("is used where the authorities are named, and not else", async () => {
    expect(await connectWith({ POSTGRES_CA_FILE: authority ?? "" })).toBe(true);
    expect(await connectWith({ POSTGRES_CA_FILE: "" })).toBe(false);
  });

  test("refuses a server that others vouch for", async () => {
    await expect(connectWith({ POSTGRES_CA_FILE: otherAuthority ?? "" })).rejects.toThrow(
      /self-signed certificate/,
    );
  });

  test("refuses a server of another name", async () => {
    await expect(
      connectWith({ POSTGRES_CA_FILE: authority ?? "", POSTGRES_HOST: "localhost" }),
    ).rejects.toThrow(/does not match certificate's altnames/);
  });

  test("says that the file of authorities is missing, before it connects", async () => {
    const missing = `/nowhere/${randomUUID()}.pem`;
    await expect(connectWith({ POSTGRES_CA_FILE: missing })).rejects.toThrow(
      "POSTGRES_CA_FILE: expected a file that can be read",
    );
  });
});
