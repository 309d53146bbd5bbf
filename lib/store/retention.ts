// Forgets what has been in quarantine, or on record as a conflict or a doubtful value, for the retention's time, in batches.

import type { Pool } from "pg";

export interface ForgottenRecords {
  readonly resolved: number;
  /** Records that nobody has replayed or discarded in all that time. */
  readonly unresolved: number;
}

const FORGET_BATCH = 5_000;

/** @param sql forgets a batch of `$2`, and says how many as `forgotten` */
async function forgetInBatches(pool: Pool, sql: string, retentionDays: number): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ forgotten: string }>(sql, [retentionDays, FORGET_BATCH]);
    if (Number(rows[0]?.forgotten ?? 0) < FORGET_BATCH) return;
  }
}

/** @param retentionDays days since a value was recorded; the ledger's counts stay */
export function forgetDoubtful(pool: Pool, retentionDays: number): Promise<void> {
  const sql = "SELECT forget_doubtful($1::integer * interval '1 day', $2) AS forgotten";
  return forgetInBatches(pool, sql, retentionDays);
}

/** @param retentionDays days since a conflict was recorded; a replacement that was made by it stays on record */
export function forgetConflicts(pool: Pool, retentionDays: number): Promise<void> {
  const sql = "SELECT forget_conflicts($1::integer * interval '1 day', $2) AS forgotten";
  return forgetInBatches(pool, sql, retentionDays);
}

/** @param retentionDays days since a record was quarantined or, if later, resolved */
export async function forgetQuarantine(pool: Pool, retentionDays: number): Promise<ForgottenRecords> {
  let resolved = 0;
  let unresolved = 0;
  for (;;) {
    const { rows } = await pool.query<{ resolved: string; unresolved: string }>(
      "SELECT resolved, unresolved FROM forget_quarantine($1::integer * interval '1 day', $2)",
      [retentionDays, FORGET_BATCH],
    );
    const batch = { resolved: Number(rows[0]?.resolved ?? 0), unresolved: Number(rows[0]?.unresolved ?? 0) };
    resolved += batch.resolved;
    unresolved += batch.unresolved;
    if (batch.resolved + batch.unresolved < FORGET_BATCH) return { resolved, unresolved };
  }
}
