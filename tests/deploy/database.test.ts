// The database of a deployment: who may log in to it, and what an update that fails, or goes back, leaves of it. The
// functions run from their packaged zips, on a real PostgreSQL behind RDS's login.

import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loginToken } from "../../lib/store/login-token.ts";
import { functionsOf, REGION } from "../../scripts/deploy-check/template.ts";
import { runCommand } from "../integration/commands.ts";
import { readCatalogue } from "./catalogue.ts";
import { type Deployment, startDeployment, tlsFile } from "./deployment.ts";

let deployment: Deployment;
beforeAll(async () => {
  deployment = await startDeployment(["migrate-database", "aggregate-sensor"], "unused:9092");
  expect(await deployment.step("migrate-database", {})).toMatchObject({ Status: "SUCCESS" });
});
afterAll(() => deployment?.close());

let offset = 0;
/** A reading, delivered as the trigger does. */
function aggregate(environment: Readonly<Record<string, string>> = {}) {
  const reading = {
    ...{ event_id: `e${offset}`, sensor_id: "s1", sensor_type: "voltage", value: 230.5, unit: "V" },
    ...{ timestamp: new Date().toISOString(), location: { lat: 41.33, lon: 19.82 } },
  };
  const record = {
    ...{ topic: "smartgrid-sensor-data", partition: 0, offset: offset++, timestamp: Date.now() },
    ...{ timestampType: "CREATE_TIME", key: "", headers: [] },
    value: Buffer.from(JSON.stringify(reading)).toString("base64"),
  };
  const event = {
    ...{ eventSource: "aws:kafka", bootstrapServers: "b" },
    eventSourceArn: "arn:aws:kafka:eu-central-1:123456789012:cluster/c/u-1",
    records: { "smartgrid-sensor-data-0": [record] },
  };
  return deployment.call("aggregate-sensor", event, { environment });
}

async function countedEvents(): Promise<number> {
  const { rows } = await deployment.observer.query<{ count: number }>(
    "SELECT coalesce(sum(count), 0)::int AS count FROM sensor_aggregates_realtime",
  );
  return rows[0]?.count ?? Number.NaN;
}

describe("a login", () => {
  /** Logs in with a function's token, or with a part of it that is another. */
  async function logIn(other: {
    readonly as?: string;
    readonly user?: string;
    readonly signedUser?: string;
    readonly port?: number;
    readonly region?: string;
    readonly secretAccessKey?: string;
    readonly ageMinutes?: number;
    readonly password?: string;
    readonly ssl?: false;
  }): Promise<unknown> {
    const credentials = deployment.credentialsOf(other.as ?? "aggregate-sensor");
    const { host, port } = deployment.front;
    const user = other.user ?? "smartgrid_ingest_prod";
    const token = await loginToken(
      { host, port: other.port ?? port, user: other.signedUser ?? user, region: other.region ?? REGION },
      { ...credentials, ...(other.secretAccessKey ? { secretAccessKey: other.secretAccessKey } : {}) },
      new Date(Date.now() - (other.ageMinutes ?? 0) * 60_000),
    );
    const client = new pg.Client({
      ...{ host, port, user, database: "smartgrid_db", password: other.password ?? token },
      ssl: other.ssl ?? { rejectUnauthorized: false },
    });
    await client.connect();
    try {
      return (await client.query("SELECT session_user::text AS user")).rows[0];
    } finally {
      await client.end();
    }
  }

  test("with the function's own token is the function's own user, for almost 15 minutes", async () => {
    expect(await logIn({})).toEqual({ user: "smartgrid_ingest_prod" });
    expect(await logIn({ ageMinutes: 14 })).toEqual({ user: "smartgrid_ingest_prod" });
  });

  test.each<[string, Parameters<typeof logIn>[0], RegExp]>([
    [
      "as another function's user",
      { user: "smartgrid_sweep_prod" },
      /^the role of aggregate-sensor does not allow rds-db:connect on smartgrid_sweep_prod$/,
    ],
    [
      "as the owner",
      { user: "smartgrid" },
      /^the role of aggregate-sensor does not allow rds-db:connect on smartgrid$/,
    ],
    [
      "of a function that has no database",
      { as: "ingest-sensor" },
      /^the role of ingest-sensor does not allow/,
    ],
    [
      "with a token for another user",
      { signedUser: "smartgrid_sweep_prod" },
      /^the token is for smartgrid_sweep_prod, not smartgrid_ingest_prod$/,
    ],
    ["that is 15 minutes old", { ageMinutes: 15 }, /^the token expired at /],
    ["with a wrong secret key", { secretAccessKey: "guessed" }, /^the signature is not that of/],
    ["with a token for another database", { port: 5432 }, /^the token is for 127\.0\.0\.1:5432$/],
    ["with a token for another region", { region: "eu-west-1" }, /^the token is for the region eu-west-1$/],
    ["with a password", { password: "smartgrid" }, /^the password is no token/],
  ])("%s is refused", async (_, other, reason) => {
    await expect(logIn(other)).rejects.toThrow(/^PAM authentication failed for user /);
    expect(deployment.front.refusals.at(-1)).toMatch(reason);
  });

  test("without TLS is refused", async () => {
    await expect(logIn({ ssl: false })).rejects.toThrow(/no encryption$/);
  });

  test("of a user without rds_iam is refused, whatever the token", async () => {
    await deployment.observer.query("REVOKE rds_iam FROM smartgrid_ingest_prod GRANTED BY smartgrid");
    await expect(logIn({})).rejects.toThrow(/^PAM authentication failed/);
    expect(deployment.front.refusals.at(-1)).toMatch(/is no member of rds_iam/);
    expect(await deployment.step("migrate-database", {})).toMatchObject({ Status: "SUCCESS" });
    expect(await logIn({})).toEqual({ user: "smartgrid_ingest_prod" });
  });

  test("that is refused is trouble with infrastructure: the batch comes again", async () => {
    const { code, log } = await aggregate({ AWS_SECRET_ACCESS_KEY: "another" });
    expect(code).toBe(1);
    expect(log).toContain('PAM authentication failed for user \\"smartgrid_ingest_prod\\"');
    expect(log).not.toMatch(/X-Amz-(Signature|Security-Token)/);
  });

  test.each(["iam", "password"])(
    "of a person's tool, which signs for itself or is given a token: %s",
    async (auth) => {
      const { host, port } = deployment.front;
      const credentials = deployment.credentialsOf("migrate-database");
      const token = await loginToken({ host, port, user: "smartgrid", region: REGION }, credentials);
      const { stdout, stderr } = await runCommand("migrate", [], {
        ...{
          POSTGRES_HOST: host,
          POSTGRES_PORT: String(port),
          POSTGRES_DB: "smartgrid_db",
          POSTGRES_USER: "smartgrid",
        },
        ...{ POSTGRES_CA_FILE: tlsFile("server.crt"), POSTGRES_AUTH: auth },
        ...(auth === "password"
          ? { POSTGRES_PASSWORD: token }
          : {
              AWS_REGION: REGION,
              AWS_ACCESS_KEY_ID: credentials.accessKeyId,
              AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
              AWS_SESSION_TOKEN: credentials.sessionToken,
            }),
      });
      expect(stdout, stderr).toBe("nothing to apply: the database has all migrations of this version\n");
    },
  );

  test("goes to no server that another authority vouches for", async () => {
    const { code, log } = await aggregate({ POSTGRES_CA_FILE: tlsFile("other-ca.crt") });
    expect(code).toBe(1);
    expect(log).toContain("self-signed certificate");
  });
});

describe("an update", () => {
  let migrations: number;
  beforeAll(async () => {
    migrations = (await readdir("infra/migrations")).length;
  });

  /** A version of migrate-database with more migrations than this one's. */
  async function versionWith(...sql: readonly string[]): Promise<{ folder: string; names: string[] }> {
    const folder = await deployment.unpackAgain("migrate-database");
    const names = sql.map((_, i) => `${String(migrations + 1 + i).padStart(4, "0")}_newer.sql`);
    for (const [i, name] of names.entries())
      await writeFile(join(folder, "infra/migrations", name), sql[i] ?? "");
    return { folder, names };
  }
  const good =
    "ALTER TABLE ledger ADD COLUMN note text; CREATE TABLE newer (x int); GRANT SELECT ON newer TO smartgrid_read";

  async function expectNothingOf(folder: string, reason: RegExp): Promise<void> {
    const before = { catalogue: await readCatalogue(deployment.observer), events: await countedEvents() };
    expect(await deployment.step("migrate-database", {}, { folder })).toMatchObject({
      Status: "FAILED",
      Reason: expect.stringMatching(reason),
    });
    expect(await readCatalogue(deployment.observer)).toEqual(before.catalogue);
    const { code, log } = await aggregate();
    expect(code, log).toBe(0);
    expect(await countedEvents()).toBe(before.events + 1);
  }

  test("whose second migration fails leaves nothing of the first, says which, and the old functions go on", async () => {
    const { folder, names } = await versionWith(good, "CREATE TABLE half (x int); SELECT no_such_function()");
    await expectNothingOf(
      folder,
      new RegExp(
        `^migration ${names[1]} failed, and nothing of this run stays: function no_such_function\\(\\) does not`,
      ),
    );
  });

  test("that cannot have a lock gives up, and leaves nothing", async () => {
    const { folder, names } = await versionWith(good, "ALTER TABLE quarantine ADD COLUMN note text");
    await deployment.observer.query("BEGIN; SELECT 1 FROM quarantine");
    const before = await readCatalogue(deployment.observer);
    const answer = await deployment.step("migrate-database", {}, { folder });
    expect(answer).toMatchObject({
      Status: "FAILED",
      Reason: expect.stringMatching(new RegExp(`^migration ${names[1]} failed, .*lock timeout`)),
    });
    await deployment.observer.query("COMMIT");
    expect(await readCatalogue(deployment.observer)).toEqual(before);
  });

  test("whose connection breaks answers all the same, and leaves nothing", async () => {
    const { folder, names } = await versionWith(good, "SELECT pg_terminate_backend(pg_backend_pid())");
    await expectNothingOf(folder, new RegExp(`^migration ${names[1]} failed, .*terminating connection`));
  });

  test("ends in the database before its function has to, which would be frozen with its locks", async () => {
    const { folder, names } = await versionWith(
      "DO $$ BEGIN RAISE 'at most %', current_setting('transaction_timeout'); END $$",
    );
    await expectNothingOf(folder, new RegExp(`^migration ${names[0]} failed, .*: at most 800s$`));
    expect(
      functionsOf(deployment.packaged.template).find(({ key }) => key === "migrate-database"),
    ).toMatchObject({
      properties: { Timeout: 840 },
    });
  });

  test("that cannot make the users leaves no migration either", async () => {
    const { folder } = await versionWith(good);
    await deployment.observer.query("ALTER ROLE smartgrid NOCREATEROLE");
    await expectNothingOf(folder, /^permission denied to alter role/);
    await deployment.observer.query("ALTER ROLE smartgrid CREATEROLE");
  });

  test("with a changed migration is refused", async () => {
    const folder = await deployment.unpackAgain("migrate-database");
    await writeFile(join(folder, "infra/migrations/0002_ledger.sql"), "SELECT 1");
    await expectNothingOf(folder, /^migration 0002_ledger\.sql has changed since it was applied/);
  });

  test("can be gone back from: the version before takes the newer schema, and its functions go on", async () => {
    const newer = await versionWith(good);
    expect(await deployment.step("migrate-database", {}, { folder: newer.folder })).toMatchObject({
      Status: "SUCCESS",
      Data: { Result: `applied ${newer.names[0]}` },
    });
    const catalogue = await readCatalogue(deployment.observer);
    const events = await countedEvents();
    expect(await deployment.step("migrate-database", {})).toMatchObject({
      Status: "SUCCESS",
      Data: { Result: "nothing to apply: the database has all migrations of this version" },
    });
    expect(await readCatalogue(deployment.observer)).toEqual(catalogue);
    expect((await aggregate()).code).toBe(0);
    expect(await countedEvents()).toBe(events + 1);
  });
});
