// Login roles: one for each kind of function, a member of the group role that the migrations make. On this machine they
// have passwords; on AWS, where IAM says who may log in as whom, there are none.

import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { type ClientBase, DatabaseError } from "pg";

/** The kinds that lib/postgres/migrations has a group role for; serverless.yml says which function is of which kind. */
export const roleKinds = ["ingest", "sweep", "api", "read"] as const;

export type RoleKind = (typeof roleKinds)[number];

/** What PostgreSQL keeps instead of a password (SCRAM-SHA-256, RFC 5803): no statement that it may log holds more. */
function verifierOf(password: string): string {
  const salt = randomBytes(16);
  const iterations = 4096;
  const salted = pbkdf2Sync(password, salt, iterations, 32, "sha256");
  const keyOf = (name: string) => createHmac("sha256", salted).update(name).digest();
  const storedKey = createHash("sha256").update(keyOf("Client Key")).digest("base64");
  const serverKey = keyOf("Server Key").toString("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${storedKey}:${serverKey}`;
}

/** @throws Error for another suffix than small letters and digits: roles take no parameters, so the name must be plain */
function userOf(suffix: string, kind: RoleKind): string {
  if (!/^[a-z0-9]{1,20}$/.test(suffix))
    throw new Error(`a login's suffix: expected small letters and digits, got ${JSON.stringify(suffix)}`);
  return `smartgrid_${kind}_${suffix}`;
}

/** Makes the login role where it is missing. */
async function createLogin(client: ClientBase, user: string, kind: RoleKind): Promise<void> {
  const { rowCount } = await client.query("SELECT FROM pg_roles WHERE rolname = $1", [user]);
  if (rowCount === 0) await client.query(`CREATE ROLE ${user} LOGIN IN ROLE smartgrid_${kind}`);
}

/**
 * Makes the login roles, or gives those that are there these passwords.
 * @param client a connection of a user who may make roles, to a migrated database
 * @param suffix lower-case letters and digits
 * @returns the variables with which serverless.yml gives each function its user on this machine
 */
export async function createLogins(
  client: ClientBase,
  suffix: string,
  passwords: Readonly<Record<RoleKind, string>>,
): Promise<Record<string, string>> {
  const environment: Record<string, string> = {};
  for (const kind of roleKinds) {
    const user = userOf(suffix, kind);
    await createLogin(client, user, kind);
    await client.query(`ALTER ROLE ${user} LOGIN PASSWORD '${verifierOf(passwords[kind])}'`); // it has no quotes
    environment[`POSTGRES_USER_${kind.toUpperCase()}`] = user;
    environment[`POSTGRES_PASSWORD_${kind.toUpperCase()}`] = passwords[kind];
  }
  return environment;
}

/**
 * Makes the login roles for RDS or Aurora with IAM authentication; one that had a password loses it.
 *
 * Since PostgreSQL 16 whoever makes a role is a member of it, and so, by these grants, of rds_iam: RDS takes a token from
 * him, too, from then on, and his password no more (docs/decisions/0008).
 * @param client as above
 * @throws Error that says what to do where the database knows no IAM, or where the client lacks a right
 */
export async function createIamLogins(client: ClientBase, suffix: string): Promise<void> {
  const { rows } = await client.query<{ owner: string; knowsIam: boolean }>(
    `SELECT current_user::text AS owner, EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_iam') AS "knowsIam"`,
  );
  const { owner = "", knowsIam = false } = rows[0] ?? {};
  if (!knowsIam)
    throw new Error(
      "the database has no role rds_iam: functions log in by IAM, so it has to be RDS or Aurora PostgreSQL with IAM database authentication enabled (aws rds modify-db-cluster, or modify-db-instance, --enable-iam-database-authentication)",
    );
  for (const kind of roleKinds) {
    const user = userOf(suffix, kind);
    try {
      await createLogin(client, user, kind);
      await client.query(`ALTER ROLE ${user} LOGIN PASSWORD NULL`);
      await client.query(`GRANT rds_iam TO ${user}`);
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.code !== "42501") throw error;
      const lacking = [error.message, error.detail].filter(Boolean).join(": ");
      throw new Error(
        `the database's owner ${owner} may not make the user ${user}, who logs in by IAM (${lacking}): let an administrator run what is missing of ALTER ROLE ${owner} CREATEROLE; GRANT ${user} TO ${owner} WITH ADMIN OPTION, where the user is another's; GRANT rds_iam TO ${owner} WITH ADMIN OPTION`,
        { cause: error },
      );
    }
  }
}
