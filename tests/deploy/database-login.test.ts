// Who may log in to the database of a deployment: functions from their packaged zips, and others, at a real PostgreSQL
// behind RDS's login.

import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { REGION } from "../../commands/deploy-check/template.ts";
import { loginToken } from "../../lib/postgres/login-token.ts";
import { runCommand } from "../integration/commands.ts";
import { caFile } from "./certificate.ts";
import { type Deployment, startDeployment } from "./deployment.ts";
import { deliveryOfReading } from "./events.ts";

let deployment: Deployment;
beforeAll(async () => {
  deployment = await startDeployment();
  expect(await deployment.step("migrate-database", {})).toMatchObject({ Status: "SUCCESS" });
});
afterAll(() => deployment?.close());

const aggregate = (environment: Readonly<Record<string, string>>) =>
  deployment.call("aggregate-sensor", deliveryOfReading(deployment.clusterArn, 0), { environment });

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
  const credentials = deployment.identityOf(other.as ?? "aggregate-sensor");
  const { host, port } = deployment.postgres.front;
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

test("a login with the function's own token is the function's own user, for almost 15 minutes", async () => {
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
])("a login %s is refused", async (_, other, reason) => {
  await expect(logIn(other)).rejects.toThrow(/^PAM authentication failed for user /);
  expect(deployment.postgres.front.refusals.at(-1)).toMatch(reason);
});

test("a login without TLS is refused", async () => {
  await expect(logIn({ ssl: false })).rejects.toThrow(/no encryption$/);
});

test("a login of a user without rds_iam is refused, whatever the token", async () => {
  await deployment.postgres.observer.query("REVOKE rds_iam FROM smartgrid_ingest_prod GRANTED BY smartgrid");
  await expect(logIn({})).rejects.toThrow(/^PAM authentication failed/);
  expect(deployment.postgres.front.refusals.at(-1)).toMatch(/is no member of rds_iam/);
  expect(await deployment.step("migrate-database", {})).toMatchObject({ Status: "SUCCESS" });
  expect(await logIn({})).toEqual({ user: "smartgrid_ingest_prod" });
});

test("a login that is refused is trouble with infrastructure: the batch comes again", async () => {
  const { error, log } = await aggregate({ AWS_SECRET_ACCESS_KEY: "another" });
  expect(error).toContain('PAM authentication failed for user "smartgrid_ingest_prod"');
  expect(log).toContain('PAM authentication failed for user \\"smartgrid_ingest_prod\\"');
  expect(`${log}${error}`).not.toMatch(/X-Amz-(Signature|Security-Token)/);
});

test.each(["iam", "password"])(
  "of a person's tool, which signs for itself or is given a token, and makes the users right: %s",
  async (auth) => {
    await deployment.postgres.observer.query(
      "REVOKE rds_iam FROM smartgrid_ingest_prod GRANTED BY smartgrid",
    );
    const { host, port } = deployment.postgres.front;
    const credentials = deployment.identityOf("migrate-database");
    const token = await loginToken({ host, port, user: "smartgrid", region: REGION }, credentials);
    const { stdout, stderr } = await runCommand("migrate", [], {
      ...{
        POSTGRES_HOST: host,
        POSTGRES_PORT: String(port),
        POSTGRES_DB: "smartgrid_db",
        POSTGRES_USER: "smartgrid",
        LOGIN_SUFFIX: "prod",
      },
      ...{ POSTGRES_CA_FILE: caFile, POSTGRES_AUTH: auth },
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
    expect(await logIn({})).toEqual({ user: "smartgrid_ingest_prod" });
  },
);

test("a login goes to no server that another authority vouches for", async () => {
  const other = join(import.meta.dirname, "../integration/postgres/tls/other-ca.crt");
  expect((await aggregate({ POSTGRES_CA_FILE: other })).error).toContain("self-signed certificate");
});
