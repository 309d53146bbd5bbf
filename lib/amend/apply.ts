// PostgreSQL judges an amendment: it takes the result only where the rows are still what the first fold says, and
// writes entry and rows in one transaction (lib/postgres/sql/amend_sensor.sql and others).

import { DatabaseError } from "pg";
import type { Queryable } from "../postgres/judge.ts";
import { type AmendedRow, readAmendedRows } from "./list.ts";

export interface SignedReason {
  readonly reason: string;
  readonly by: string;
  /** Find out what would change, and change nothing. */
  readonly dryRun: boolean;
}

/** What an amendment has changed, or would. */
export interface Amended {
  /** Its number; null where no row changes, and then there is no entry. */
  readonly id: number | null;
  readonly rows: number;
  readonly countBefore: number;
  readonly countAfter: number;
  /** Of a dry run: the first of the rows that would change, which nobody can look up afterwards. */
  readonly changes?: readonly AmendedRow[];
}

export type Answer =
  | Amended
  | { readonly differing: number; readonly first: string }
  | { readonly needsEvents: string };

/** The class of errors that the SQL functions raise for people. */
const REFUSED_BY_US = "SG001";

export const nothing: Amended = { id: null, rows: 0, countBefore: 0, countAfter: 0 };

/** Refused for a reason that a person has to hear; nothing has changed. */
export class AmendmentError extends Error {
  override name = "AmendmentError";
}

/**
 * Calls one of the SQL functions, in a transaction of the caller's.
 * @throws AmendmentError where it refuses for a reason of its own
 */
async function ask(client: Queryable, statement: string, parameters: unknown[]): Promise<Answer> {
  const placeholders = parameters.map((_, i) => `$${i + 1}`).join(", ");
  const sql = `SELECT ${statement}(${placeholders}) AS answer`;
  try {
    const answer = (await client.query<{ answer: Answer }>(sql, parameters)).rows[0]?.answer;
    if (answer === undefined) throw new Error(`${statement} returned no row`);
    return answer;
  } catch (error) {
    if (error instanceof DatabaseError && error.code === REFUSED_BY_US)
      throw new AmendmentError(error.message, { cause: error });
    throw error;
  }
}

const SHOWN_ROWS = 20;

/** The same with the rows that a dry run would change. */
export async function applyAndShow(
  client: Queryable,
  statement: string,
  parameters: unknown[],
  { dryRun }: SignedReason,
): Promise<Answer> {
  const answer = await ask(client, statement, parameters);
  if (!dryRun || !("id" in answer) || answer.id === null) return answer;
  return { ...answer, changes: await readAmendedRows(client, answer.id, SHOWN_ROWS) };
}

/** How the transaction of a decision ends. */
export const endOf = ({ dryRun }: SignedReason) => (dryRun ? "ROLLBACK" : "COMMIT");
