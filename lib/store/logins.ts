// Login roles: one for each kind of function, a member of the group role that the migrations make.

import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import type { ClientBase } from "pg";

/** The kinds that infra/migrations/0005 has a group role for; serverless.yml says which function is of which kind. */
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

/**
 * Makes the login roles `smartgrid_<kind>_<suffix>`, or gives those that are there these passwords.
 * @param client a connection of a user who may make roles, to a migrated database
 * @param suffix lower-case letters and digits
 * @returns the variables with which serverless.yml gives each function its user on this machine
 */
export async function createLogins(
  client: ClientBase,
  suffix: string,
  passwords: Readonly<Record<RoleKind, string>>,
): Promise<Record<string, string>> {
  // Roles take no parameters, so the name must be plain; a verifier has no quotes.
  if (!/^[a-z0-9]{1,20}$/.test(suffix))
    throw new Error(`a login's suffix: expected small letters and digits, got ${JSON.stringify(suffix)}`);
  const environment: Record<string, string> = {};
  for (const kind of roleKinds) {
    const user = `smartgrid_${kind}_${suffix}`;
    const { rowCount } = await client.query("SELECT FROM pg_roles WHERE rolname = $1", [user]);
    if (rowCount === 0) await client.query(`CREATE ROLE ${user} IN ROLE smartgrid_${kind}`);
    await client.query(`ALTER ROLE ${user} LOGIN PASSWORD '${verifierOf(passwords[kind])}'`);
    environment[`POSTGRES_USER_${kind.toUpperCase()}`] = user;
    environment[`POSTGRES_PASSWORD_${kind.toUpperCase()}`] = passwords[kind];
  }
  return environment;
}
