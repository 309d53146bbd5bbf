// Forgets what has been in quarantine, or on record as a conflict or a doubtful value, for the retention's time, and the
// stations' history, in batches.

import type { Pool } from "pg";

export interface ForgottenRecords {
  readonly resolved: number;
  /** Those that nobody has decided about in all that time. */
  readonly unresolved: number;
}

const FORGET_BATCH = 5_000;

/** @param sql forgets a batch, and says how many as `resolved` and `unresolved` */
async function forgetInBatches(
  pool: Pool,
  sql: string,
  parameters: readonly number[],
): Promise<ForgottenRecords> {
  let resolved = 0;
  let unresolved = 0;
  for (;;) {
    const { rows } = await pool.query<{ resolved: string; unresolved: string }>(sql, [...parameters]);
    const batch = { resolved: Number(rows[0]?.resolved ?? 0), unresolved: Number(rows[0]?.unresolved ?? 0) };
    resolved += batch.resolved;
    unresolved += batch.unresolved;
    if (batch.resolved + batch.unresolved < FORGET_BATCH) return { resolved, unresolved };
  }
}

/** @param retentionDays days since a value was recorded; the ledger's counts stay */
export async function forgetDoubtful(pool: Pool, retentionDays: number): Promise<void> {
  const sql = "SELECT forget_doubtful($1::integer * interval '1 day', $2) AS resolved";
  await forgetInBatches(pool, sql, [retentionDays, FORGET_BATCH]);
}

/** What stations sent more than two days ago: no temperature is doubted by it any more. */
export async function forgetStationHours(pool: Pool): Promise<void> {
  await forgetInBatches(pool, "SELECT forget_station_hours($1) AS resolved", [FORGET_BATCH]);
}

/** A year and a month, so that a day can be held against the same one a year before. */
const LATENESS_DAYS = 400;

/** The histogram of lateness, of days that long ago or ahead of the clock. */
export async function forgetLateness(pool: Pool): Promise<void> {
  const sql = "SELECT forget_lateness($1::integer * interval '1 day', $2) AS resolved";
  await forgetInBatches(pool, sql, [LATENESS_DAYS, FORGET_BATCH]);
}

/**
 * @param retentionDays days since a conflict was recorded or, if later, dismissed; a replacement that was made by it stays
 *   on record
 */
export function forgetConflicts(pool: Pool, retentionDays: number): Promise<ForgottenRecords> {
  const sql = "SELECT resolved, unresolved FROM forget_conflicts($1::integer * interval '1 day', $2)";
  return forgetInBatches(pool, sql, [retentionDays, FORGET_BATCH]);
}

/** @param retentionDays days since a record was quarantined or, if later, resolved */
export function forgetQuarantine(pool: Pool, retentionDays: number): Promise<ForgottenRecords> {
  const sql = "SELECT resolved, unresolved FROM forget_quarantine($1::integer * interval '1 day', $2)";
  return forgetInBatches(pool, sql, [retentionDays, FORGET_BATCH]);
}
