// The packaged functions as a deployment has them: unpacked, each with its role's credentials, the template's variables,
// and, where AWS is, a real PostgreSQL behind RDS's login, and answers for the few calls of MSK and CloudFormation.

import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { Credentials } from "../../lib/store/login-token.ts";
import { freePort } from "../../localstack/ports.ts";
import { startPostgres } from "../../localstack/postgres/server.ts";
import { type Packaged, readPackaged } from "../../scripts/deploy-check/assertions.ts";
import { allowedBy } from "../../scripts/deploy-check/permissions.ts";
import { ACCOUNT, functionsOf, REGION } from "../../scripts/deploy-check/template.ts";
import {
  type AwsAround,
  environmentOf,
  type Invocation,
  invoke,
  startAwsAround,
  unpackFunction,
} from "./lambda.ts";
import { packageStage, parameters } from "./packaged.ts";
import { type RdsFront, startRdsFront } from "./rds-front.ts";

const STAGE = "prod";
const DATABASE = "smartgrid_db";
/** The certificate of tests/integration/store/tls.test.ts, which is its own authority. */
export const tlsFile = (name: string) =>
  new URL(`../integration/store/tls/${name}`, import.meta.url).pathname;

export interface Deployment {
  readonly packaged: Packaged;
  readonly aws: AwsAround;
  readonly front: RdsFront;
  /** A superuser of the database's, who sees everything and is no part of the deployment. */
  readonly observer: pg.Pool;
  /** Of a function's role. */
  credentialsOf(name: string): Required<Credentials>;
  /** Unpacks a function's zip again, to be changed. @returns its folder */
  unpackAgain(name: string): Promise<string>;
  /** Runs a function with the template's variables, but for where PostgreSQL is. */
  call(name: string, event: unknown, more?: CallOptions): Promise<Invocation>;
  /** Runs a step of the deployment, as CloudFormation does. @returns its answer */
  step(name: string, properties: unknown, more?: CallOptions): Promise<unknown>;
  close(): Promise<void>;
}

export interface CallOptions {
  readonly folder?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A PostgreSQL with RDS's role and RDS's order of logins, and the database's owner, as `iam-db-auth` makes him. */
async function startDatabase(dataDir: string) {
  const port = await freePort();
  const server = await startPostgres({
    ...{ dataDir, port, database: "postgres", user: "rdsadmin", password: randomUUID() },
    settings: { fsync: "off" },
  });
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  const { rows } = await admin.query<{ file: string }>("SELECT current_setting('hba_file') AS file");
  const file = rows[0]?.file ?? "";
  // RDS: `hostssl all +rds_iam all pam`. The front is what PAM asks, and has asked before it passes anybody on.
  await writeFile(file, `host all +rds_iam 127.0.0.1/32 trust\n${await readFile(file, "utf8")}`);
  await admin.query("SELECT pg_reload_conf()");
  await admin.query("CREATE ROLE rds_iam; CREATE ROLE smartgrid LOGIN CREATEROLE");
  await admin.query("GRANT rds_iam TO smartgrid WITH ADMIN OPTION");
  await admin.query(`CREATE DATABASE ${DATABASE} OWNER smartgrid`);
  await admin.end();
  return { port, url: server.url.replace(/postgres$/, DATABASE), stop: () => server.stop() };
}

/** Packages, and starts what is around the functions. */
export async function startDeployment(names: readonly string[], kafkaBrokers: string): Promise<Deployment> {
  const run = await packageStage(STAGE, parameters);
  if (!run.output.includes("Service packaged")) throw new Error(run.output);
  const packaged = await readPackaged(run.folder);
  const folder = await mkdtemp(join(tmpdir(), "smartgrid-lambda-"));
  for (const name of names) await unpackFunction(run.folder, folder, name);

  const views = functionsOf(packaged.template);
  const allowed = new Map(views.map((view) => [view.key, allowedBy(packaged.template, view)]));
  const credentials = new Map(
    views.map(({ key }) => [
      key,
      {
        accessKeyId: `ASIA${key.toUpperCase()}`,
        secretAccessKey: randomUUID(),
        sessionToken: `${randomUUID()}+/==`,
      },
    ]),
  );
  const database = await startDatabase(join(folder, "postgres"));
  const front = await startRdsFront({
    postgresPort: database.port,
    region: REGION,
    tls: { cert: await readFile(tlsFile("server.crt")), key: await readFile(tlsFile("server.key")) },
    keys: new Map([...credentials].map(([key, one]) => [one.accessKeyId, { ...one, principal: key }])),
    isAllowed: (principal, user) =>
      allowed
        .get(principal)
        ?.has(
          `rds-db:connect on arn:aws:rds-db:${REGION}:${ACCOUNT}:dbuser:DatabaseCluster.DBClusterResourceId/${user}`,
        ) ?? false,
  });
  const aws = await startAwsAround(kafkaBrokers);
  const observer = new pg.Pool({ connectionString: database.url, max: 1 });

  function credentialsOf(name: string) {
    const own = credentials.get(name);
    if (own === undefined) throw new Error(`no function ${name}`);
    return own;
  }

  function call(name: string, event: unknown, { folder: from, environment }: CallOptions = {}) {
    const { accessKeyId, secretAccessKey, sessionToken } = credentialsOf(name);
    const variables = {
      ...environmentOf(packaged.template, name),
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
      AWS_REGION: REGION,
      POSTGRES_HOST: front.host,
      POSTGRES_PORT: String(front.port),
      POSTGRES_CA_FILE: tlsFile("server.crt"),
      ...environment,
    };
    return invoke(from ?? join(folder, name), name, variables, event);
  }

  return {
    ...{ packaged, aws, front, observer, credentialsOf, call },
    async unpackAgain(name) {
      return unpackFunction(run.folder, await mkdtemp(join(folder, "again-")), name);
    },
    async step(name, properties, more) {
      const event = {
        RequestType: "Create",
        ResponseURL: `${aws.url}/answer`,
        StackId: "stack",
        RequestId: randomUUID(),
        LogicalResourceId: name,
        ResourceProperties: properties,
      };
      const { code, log } = await call(name, event, more);
      const answer = aws.answers.at(-1);
      if (code !== 0 || answer?.RequestId !== event.RequestId)
        throw new Error(`${name} has not answered: ${log}`);
      return answer;
    },
    async close() {
      await observer.end();
      await Promise.all([aws.close(), front.close()]);
      await database.stop();
      await Promise.all([rm(folder, { recursive: true, force: true }), run.remove()]);
    },
  };
}
