// Whether a PostgreSQL server can hold the pipeline, asked before anything is done to it: what it would refuse half-way, in
// words about a statement, is said at once, with what to do.

import type { ClientBase } from "pg";

/** The oldest release whose SQL the migrations speak. */
const NEEDED_RELEASE = 15;

export interface ServerFacts {
  /** Such as `15.18 (Debian 15.18-0+deb12u1)`. */
  readonly version: string;
  /** Such as 150018. */
  readonly versionNumber: number;
  readonly isStandby: boolean;
  /** Whether transactions are read-only unless they say otherwise. */
  readonly isReadOnly: boolean;
  readonly encoding: string;
  readonly user: string;
  /** Where tables would be made; null where the search path leads nowhere. */
  readonly schema: string | null;
  readonly mayCreate: boolean | null;
  /** Whose the tables are that are there already; null where there are none, or the user may act for the owner. */
  readonly otherOwner: string | null;
  readonly mayMakeRoles: boolean;
  readonly missingRoles: readonly string[];
}

/** @returns what is in the way, in one line with what to do; null where nothing is */
export function refusalOf(facts: ServerFacts): string | null {
  const { version, versionNumber, isStandby, isReadOnly, encoding, user, schema, mayCreate } = facts;
  const { otherOwner, mayMakeRoles, missingRoles } = facts;
  if (versionNumber < NEEDED_RELEASE * 10_000)
    return `PostgreSQL ${version} is too old, ${NEEDED_RELEASE} or later is needed: name another server (POSTGRES_HOST), or upgrade this one`;
  if (isStandby)
    return "this PostgreSQL is a read-only standby: name its primary (POSTGRES_HOST, POSTGRES_PORT)";
  if (isReadOnly)
    return `this PostgreSQL's transactions are read-only (default_transaction_read_only is on for ${user}): name the primary (POSTGRES_HOST), or turn it off for this user`;
  if (encoding !== "UTF8")
    return `the database's encoding is ${encoding}, and events hold any letters: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and name it (POSTGRES_DB)`;
  if (schema === null)
    return `no schema of ${user}'s search_path is there: CREATE SCHEMA … AUTHORIZATION ${user}`;
  if (otherOwner !== null)
    return `the tables in schema ${schema} belong to ${otherOwner}: migrate as ${otherOwner} (POSTGRES_USER), or GRANT ${otherOwner} TO ${user}`;
  if (mayCreate !== true)
    return `${user} may not make tables in schema ${schema}: let its owner run GRANT CREATE ON SCHEMA ${schema} TO ${user}`;
  if (missingRoles.length > 0 && !mayMakeRoles) {
    const statements = missingRoles.map((role) => `CREATE ROLE ${role} NOLOGIN;`).join(" ");
    return `${user} may not make the role ${missingRoles[0]}: let an administrator run ${statements} and migrate again`;
  }
  return null;
}

async function factsOf(client: ClientBase): Promise<ServerFacts> {
  const { rows } = await client.query<ServerFacts>(
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS "versionNumber",
       pg_is_in_recovery() AS "isStandby", current_setting('default_transaction_read_only')::boolean AS "isReadOnly",
       current_setting('server_encoding') AS encoding, current_user::text AS "user", current_schema()::text AS schema,
       has_schema_privilege(current_schema()::text, 'CREATE') AS "mayCreate",
       (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass('schema_migration')
          AND NOT pg_has_role(relowner, 'USAGE'))::text AS "otherOwner",
       (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user) AS "mayMakeRoles",
       ARRAY(SELECT wanted FROM unnest(ARRAY['smartgrid_api', 'smartgrid_ingest', 'smartgrid_read', 'smartgrid_sweep']) AS wanted
         WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) ORDER BY wanted) AS "missingRoles"`,
  );
  const [facts] = rows;
  if (facts === undefined) throw new Error("PostgreSQL says nothing of itself");
  return facts;
}

/** @throws Error in one line where the server, the database or the user cannot do what the migrations need */
export async function refuseUnfitServer(client: ClientBase): Promise<void> {
  const refusal = refusalOf(await factsOf(client));
  if (refusal !== null) throw new Error(refusal);
}
