// A connection for migrations, and what there is to say where there is none: who was asked, where, and what to do.

import pg from "pg";
import { messageOf } from "../log.ts";
import { connectionOf, type DatabaseSettings, LOCK_TIMEOUT_MS } from "./pool.ts";

const CONNECT_TIMEOUT_MS = 10_000;

const POOLER =
  "a connection pooler (such as PgBouncer) stands there, which does not pass on the time-outs that each connection asks for; " +
  "name the PostgreSQL server itself (POSTGRES_HOST, POSTGRES_PORT)";

const codeOf = (error: unknown) =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

/** What to do, by what the server or the network answered. */
function adviceOf(error: unknown, { host, user, database }: DatabaseSettings): string {
  const message = messageOf(error);
  // PgBouncer's words, and RDS Proxy's.
  if (/unsupported startup parameter|doesn't support command-line options/i.test(message)) return POOLER;
  switch (codeOf(error)) {
    case "28P01":
    case "28000":
      return `it does not let ${user} in; see POSTGRES_USER and POSTGRES_PASSWORD`;
    case "3D000":
      return `CREATE DATABASE ${pg.escapeIdentifier(database)}, or name another one (POSTGRES_DB)`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `this machine does not know the name ${host}; see POSTGRES_HOST`;
    default:
      return "is it running, and are POSTGRES_HOST and POSTGRES_PORT its own?";
  }
}

/** @returns the error with who was asked and what to do */
export function connectionError(error: unknown, settings: DatabaseSettings): Error {
  const { host, port, database, user } = settings;
  return new Error(
    `PostgreSQL ${host}:${port}/${database} as ${user}: ${messageOf(error)}: ${adviceOf(error, settings)}`,
    { cause: error },
  );
}

/**
 * Connects with a time-out that functions ask for as well, and sees that it holds: a pooler refuses it, or forgets it, and
 * then statements are prepared in one session and looked for in another.
 * @throws Error in one line
 */
export async function connect(settings: DatabaseSettings): Promise<pg.Client> {
  const client = new pg.Client({
    ...connectionOf(settings),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
  });
  client.on("error", () => {
    // The connection broke; the statement that ran says so.
  });
  try {
    await client.connect();
    const { rows } = await client.query<{ held: boolean }>(
      "SELECT current_setting('lock_timeout')::interval = $1 * interval '1 ms' AS held",
      [LOCK_TIMEOUT_MS],
    );
    if (rows[0]?.held !== true)
      throw new Error("lock_timeout was asked for and is not in force: unsupported startup parameter");
    return client;
  } catch (error) {
    await client.end().catch(() => undefined); // it may never have been connected
    throw connectionError(error, settings);
  }
}
