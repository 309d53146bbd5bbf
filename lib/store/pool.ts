// The connection to PostgreSQL: one per running function, bounded in every wait.

import pg from "pg";

export interface DatabaseSettings {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** Asked for whenever a connection is opened: a token is old after 15 minutes. */
  readonly password: string | (() => Promise<string>);
  /** TLS with these authorities, which have to name `host`; none on one machine only. */
  readonly ssl?: { readonly ca: string } | false;
  readonly applicationName: string;
}

/** A lock is waited for at most this long: whoever holds it longer is stuck, and the batch comes again. */
const LOCK_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 3_000;

/**
 * Opens a pool of one lazily made connection. A statement is cancelled by the server after `statementTimeoutMs`,
 * which must be below the function's own time-out, so that no orphan outlives its invocation by much.
 */
export function openPool(settings: DatabaseSettings, statementTimeoutMs: number): pg.Pool {
  const pool = new pg.Pool({
    host: settings.host,
    port: settings.port,
    database: settings.database,
    user: settings.user,
    password: settings.password,
    ssl: settings.ssl ?? false,
    application_name: settings.applicationName,
    max: 1,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: statementTimeoutMs,
    lock_timeout: LOCK_TIMEOUT_MS,
    idle_in_transaction_session_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + 2_000,
    keepAlive: true,
    allowExitOnIdle: true,
  });
  pool.on("error", () => {
    // An idle connection broke; the pool has dropped it, and the next query opens another or says why it cannot.
  });
  pool.on("connect", (client) => {
    client.on("error", () => {
      // It broke between two statements of whoever has it; without a listener the process would end, and so the next
      // statement says it by throwing.
    });
  });
  return pool;
}
