// A PostgreSQL that lets in whom RDS with IAM would: a server of the test's own with RDS's role and RDS's order of logins,
// its front, and the database's owner, as `iam-db-auth` makes him. Only the test itself logs in past the front.

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import pg from "pg";
import { ACCOUNT } from "../../commands/deploy-check/template.ts";
import { freePort } from "../../localstack/ports.ts";
import { startPostgres } from "../../localstack/postgres/server.ts";
import { prependHbaLine } from "../integration/pg-hba.ts";
import { postgresRelease } from "../integration/stack.ts";
import type { Identity } from "./identities.ts";
import { type RdsFront, startRdsFront } from "./rds-front.ts";

export const DATABASE = "smartgrid_db";

export interface IamDatabase {
  readonly front: RdsFront;
  /** A superuser, who sees everything and is no part of the deployment. */
  readonly observer: pg.Client;
  close(): Promise<void>;
}

export async function startIamDatabase(
  folder: string,
  region: string,
  identities: readonly Identity[],
): Promise<IamDatabase> {
  const port = await freePort();
  const server = await startPostgres({
    ...{ dataDir: join(folder, "postgres"), port, database: DATABASE, user: "rdsadmin" },
    ...{ password: randomUUID(), settings: { fsync: "off" }, ...postgresRelease },
  });
  const observer = new pg.Client({ connectionString: server.url });
  observer.on("error", () => undefined); // its session was ended; the next query says so
  await observer.connect();
  await observer.query("CREATE ROLE rds_iam; CREATE ROLE smartgrid LOGIN CREATEROLE");
  await observer.query("GRANT rds_iam TO smartgrid WITH ADMIN OPTION");
  await observer.query(`ALTER DATABASE ${DATABASE} OWNER TO smartgrid`);
  // RDS: `hostssl all +rds_iam all pam`. The front is what PAM asks, and has asked before it passes anybody on.
  await prependHbaLine(observer, "host all +rds_iam 127.0.0.1/32 trust");
  const database = `arn:aws:rds-db:${region}:${ACCOUNT}:dbuser:DatabaseCluster.DBClusterResourceId`;
  const front = await startRdsFront({
    ...{ postgresPort: port, region },
    keys: new Map(identities.map((one) => [one.accessKeyId, one])),
    isAllowed: (principal, user) =>
      identities.some(
        (one) => one.principal === principal && one.allowed.includes(`rds-db:connect on ${database}/${user}`),
      ),
  });
  return {
    ...{ front, observer },
    async close() {
      await Promise.all([observer.end(), front.close()]);
      await server.stop();
    },
  };
}
