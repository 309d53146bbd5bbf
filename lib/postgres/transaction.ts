// One transaction on a connection of its own, from its begin to its end.

import { type ClientBase, DatabaseError, type Pool, type PoolClient } from "pg";

/**
 * serialization_failure, deadlock_detected, and in_failed_sql_transaction, which is what a statement that is tried
 * again after one of them meets: the transaction was undone because of another one and may be done again.
 */
const TRANSIENT = new Set(["40001", "40P01", "25P02"]);
const MAX_TRIES = 10;

async function once<T>(pool: Pool, work: (client: PoolClient) => Promise<T>, end: string): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query(end);
    client.release();
    return result;
  } catch (error) {
    // Whatever went wrong, nothing of it may stay: the server undoes what a closed connection had begun.
    client.release(true);
    throw error;
  }
}

/**
 * Does the work in one transaction, again where PostgreSQL undid it because of another transaction.
 * @param end COMMIT, or ROLLBACK for work that shall only show what it would do
 * @throws what the work throws; then nothing of it has happened, or, where the connection broke at COMMIT, all of it
 */
export async function inTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  end: "COMMIT" | "ROLLBACK" = "COMMIT",
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await once(pool, work, end);
    } catch (error) {
      // Only what another transaction has caused can go better the next time.
      if (!(error instanceof DatabaseError) || !TRANSIENT.has(error.code ?? "") || tries === MAX_TRIES)
        throw error;
    }
  }
}

/**
 * Lets the server itself end this connection's transactions, even where its client is frozen and says nothing more.
 * PostgreSQL 17 and later end a transaction after `limitMs`. Older ones know no such limit: they end each statement, and
 * each pause between two statements, after `limitMs`.
 */
export async function limitTransactions(client: ClientBase, limitMs: number): Promise<void> {
  await client.query(
    `SELECT set_config(name, $1, false) FROM pg_settings
     WHERE name IN ('transaction_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout')`,
    [limitMs],
  );
}
