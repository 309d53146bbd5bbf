// All that a database's schema is, as text, to be compared: tables, columns, defaults, constraints, indexes, functions,
// triggers, rights, roles, and which migrations it says it has.

import type { Client } from "pg";

const OURS = "'public'::regnamespace";
const parts: readonly string[] = [
  `SELECT relname, relkind, relowner::regrole, relacl, reloptions FROM pg_class WHERE relnamespace = ${OURS}`,
  `SELECT attrelid::regclass, attnum, attname, atttypid::regtype, attnotnull, attidentity, attgenerated, attacl,
     pg_get_expr(adbin, adrelid)
   FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
   WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = ${OURS}) AND attnum > 0`,
  `SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = ${OURS}`,
  `SELECT indexrelid::regclass, pg_get_indexdef(indexrelid) FROM pg_index
   WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = ${OURS})`,
  `SELECT oid::regprocedure, proowner::regrole, proacl, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = ${OURS}`,
  "SELECT pg_get_triggerdef(oid), tgenabled FROM pg_trigger WHERE NOT tgisinternal",
  `SELECT oid::regtype, typtype, typowner::regrole, typacl FROM pg_type WHERE typnamespace = ${OURS}`,
  "SELECT nspname, nspowner::regrole, nspacl FROM pg_namespace",
  "SELECT defaclrole::regrole, defaclobjtype, defaclacl FROM pg_default_acl",
  "SELECT rolname, rolcanlogin, rolcreaterole, rolpassword FROM pg_authid",
  "SELECT roleid::regrole, member::regrole, admin_option, inherit_option, set_option FROM pg_auth_members",
  "SELECT version, name, checksum, applied_at FROM schema_migration",
  "SELECT name, checksum, applied_at FROM schema_source",
];

/** @param superuser sees everything */
export async function readCatalogue(superuser: Client): Promise<string[]> {
  const lines: string[] = [];
  for (const part of parts) {
    const { rows } = await superuser.query<{ line: string }>(
      `SELECT part::text AS line FROM (${part}) AS part ORDER BY 1`,
    );
    lines.push(...rows.map(({ line }) => line));
  }
  return lines;
}
