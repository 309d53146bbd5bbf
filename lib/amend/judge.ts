// PostgreSQL judges an amendment: it takes the result only where the rows are still what the first fold says, and
// writes entry and rows in one transaction (lib/postgres/sql/amend_sensor.sql and others).

import { DatabaseError } from "pg";
import type { Queryable } from "../postgres/judge.ts";
import { type AmendedRow, readAmendedRows } from "./list.ts";

export interface Decision {
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

export type Judged =
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
async function judge(client: Queryable, statement: string, parameters: unknown[]): Promise<Judged> {
  const placeholders = parameters.map((_, i) => `$${i + 1}`).join(", ");
  const sql = `SELECT ${statement}(${placeholders}) AS judged`;
  try {
    const judged = (await client.query<{ judged: Judged }>(sql, parameters)).rows[0]?.judged;
    if (judged === undefined) throw new Error(`${statement} returned no row`);
    return judged;
  } catch (error) {
    if (error instanceof DatabaseError && error.code === REFUSED_BY_US)
      throw new AmendmentError(error.message, { cause: error });
    throw error;
  }
}

const SHOWN_ROWS = 20;

/** The same with the rows that a dry run would change. */
export async function judgeAndShow(
  client: Queryable,
  statement: string,
  parameters: unknown[],
  { dryRun }: Decision,
): Promise<Judged> {
  const judged = await judge(client, statement, parameters);
  if (!dryRun || !("id" in judged) || judged.id === null) return judged;
  return { ...judged, changes: await readAmendedRows(client, judged.id, SHOWN_ROWS) };
}

/** How the transaction of a decision ends. */
export const endOf = ({ dryRun }: Decision) => (dryRun ? "ROLLBACK" : "COMMIT");
