// The login roles of a deployed stage, on a PostgreSQL whose administrator is none of ours and whose owner is no
// superuser, as on RDS.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createIamLogins, createLogins } from "../../../lib/postgres/logins.ts";
import { migrate, readSchema } from "../../../lib/postgres/migrate.ts";
import { freePort } from "../../../localstack/ports.ts";
import { type PostgresServer, startPostgres } from "../../../localstack/postgres/server.ts";
import { prependHbaLine } from "../pg-hba.ts";
import { postgresRelease } from "../stack.ts";

/** Before PostgreSQL 16, CREATEROLE is enough to change, give and take every role but superusers. */
const mayGiveAnyRole = postgresRelease.release === 15;

let folder: string;
let server: PostgresServer;
let administrator: pg.Client;
let owner: pg.Client;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), `smartgrid-test-${process.pid}-logins-`));
  server = await startPostgres({
    ...{ dataDir: join(folder, "postgres"), port: await freePort(), database: "grid" },
    ...{ user: "administrator", password: "test", settings: { fsync: "off" }, ...postgresRelease },
  });
  administrator = new pg.Client({ connectionString: server.url });
  await administrator.connect();
  await administrator.query("CREATE ROLE owner LOGIN CREATEROLE PASSWORD 'test'");
  await administrator.query("ALTER DATABASE grid OWNER TO owner");
  owner = new pg.Client({ connectionString: server.url.replace("administrator:", "owner:") });
  await owner.connect();
  await migrate(owner, await readSchema("lib/postgres"));
});
afterAll(async () => {
  await Promise.all([owner?.end(), administrator?.end()]);
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const users = async () =>
  (
    await administrator.query<{ rolname: string; rolpassword: string | null; iam: boolean }>(
      `SELECT rolname, rolpassword, pg_has_role(oid, 'rds_iam', 'USAGE') AS iam
       FROM pg_authid WHERE rolname LIKE 'smartgrid\\_%\\_s1' ORDER BY 1`,
    )
  ).rows;

test("without rds_iam there is no login by IAM: it says what to do", async () => {
  await expect(createIamLogins(owner, "s1")).rejects.toThrow(
    /^the database has no role rds_iam: .*--enable-iam-database-authentication/,
  );
});

test("an owner who may not give rds_iam is told who can let him", async () => {
  await administrator.query("CREATE ROLE rds_iam");
  if (mayGiveAnyRole) return createIamLogins(owner, "s1");
  await expect(createIamLogins(owner, "s1")).rejects.toThrow(
    /^the database's owner owner may not make the user smartgrid_ingest_s1, who logs in by IAM \(permission denied to grant role "rds_iam": .*GRANT rds_iam TO owner WITH ADMIN OPTION$/,
  );
});

test("users get rds_iam, and those who had a password have none any more", async () => {
  await createLogins(owner, "s1", { ingest: "i", sweep: "s", api: "a", read: "r" });
  expect((await users()).map(({ rolpassword }) => rolpassword?.slice(0, 14))).toEqual(
    Array(4).fill("SCRAM-SHA-256$"),
  );
  // As RDS's administrator has it: may give rds_iam, is not a member of it, and has his password.
  if (!mayGiveAnyRole)
    await administrator.query("GRANT rds_iam TO owner WITH ADMIN TRUE, INHERIT FALSE, SET FALSE");
  await createIamLogins(owner, "s1");
  expect(await users()).toEqual(
    ["api", "ingest", "read", "sweep"].map((kind) => ({
      rolname: `smartgrid_${kind}_s1`,
      rolpassword: null,
      iam: true,
    })),
  );
  await createIamLogins(owner, "s1"); // as the next deployment does
});

/** What an owner lacks; the first one only since PostgreSQL 16. */
const lacking = [
  [
    "whose user another has made",
    "CREATE ROLE smartgrid_api_s2",
    "GRANT smartgrid_api_s2 TO owner WITH ADMIN OPTION",
  ],
  ["who may make no users", "ALTER ROLE owner NOCREATEROLE", "ALTER ROLE owner CREATEROLE"],
] as const;

test.each(mayGiveAnyRole ? lacking.slice(1) : lacking)(
  "an owner %s is told what an administrator has to run, which helps",
  async (_, cause, remedy) => {
    await administrator.query(cause);
    await expect(createIamLogins(owner, "s2")).rejects.toThrow(
      new RegExp(`^the database's owner owner may not make the user smartgrid_\\w+_s2, .*${remedy}`),
    );
    await administrator.query(remedy);
    await createIamLogins(owner, "s2");
  },
);

test.skipIf(mayGiveAnyRole)(
  "who makes users with rds_iam is a member of it himself, for RDS's line of pg_hba.conf: the owner's reason to log in by IAM, too",
  async () => {
    const logIn = async () => {
      const client = new pg.Client({ connectionString: server.url.replace("administrator:", "maker:") });
      await client.connect();
      await client.end();
    };
    // RDS asks for a token here (`pam`), and takes no password; refusing is as good to see who is meant.
    await prependHbaLine(administrator, "host all +rds_iam all reject");
    await administrator.query("CREATE ROLE maker LOGIN CREATEROLE PASSWORD 'test'");
    await logIn();
    await administrator.query(
      "SET SESSION AUTHORIZATION maker; CREATE ROLE made LOGIN; REVOKE made FROM maker; RESET SESSION AUTHORIZATION",
    );
    await administrator.query("GRANT rds_iam TO made");
    await expect(logIn()).rejects.toThrow("pg_hba.conf rejects connection");
  },
);
