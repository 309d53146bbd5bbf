// The connection to PostgreSQL: one per running function, bounded in every wait.

import pg from "pg";
import type { Credentials } from "./login-token.ts";

export interface PasswordLogin {
  readonly password: string;
}

/** Tokens instead of a password: RDS or Aurora in this region takes what these credentials have signed. */
export interface IamLogin {
  readonly region: string;
  readonly credentials: () => Credentials;
}

export interface DatabaseSettings {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly login: PasswordLogin | IamLogin;
  /** TLS with these authorities, which have to name `host`; none on one machine only. */
  readonly ssl?: { readonly ca: string } | false;
  readonly applicationName: string;
}

/** A lock is waited for at most this long: whoever holds it longer is stuck, and the batch comes again. */
export const LOCK_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 3_000;

/** For the driver. */
export function connectionOf(settings: DatabaseSettings): pg.ClientConfig {
  const { host, port, database, user, login, ssl = false, applicationName } = settings;
  async function token({ region, credentials }: IamLogin): Promise<string> {
    // Loaded only here: on one machine nobody needs it.
    const { loginToken } = await import("./login-token.ts");
    return loginToken({ host, port, user, region }, credentials());
  }
  // A token is old after 15 minutes: each connection asks for its own.
  const password = "password" in login ? login.password : () => token(login);
  return { host, port, database, user, password, ssl, application_name: applicationName };
}

/**
 * Opens a pool of one lazily made connection. A statement is cancelled by the server after `statementTimeoutMs`,
 * which must be below the function's own time-out, so that no orphan outlives its invocation by much.
 */
export function openPool(settings: DatabaseSettings, statementTimeoutMs: number): pg.Pool {
  const pool = new pg.Pool({
    ...connectionOf(settings),
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
