// Forgets what has been in quarantine, or on record as a conflict, for the retention's time, batch by batch.

import type { Pool } from "pg";

export interface ForgottenRecords {
  readonly resolved: number;
  /** Records that nobody has replayed or discarded in all that time. */
  readonly unresolved: number;
}

const FORGET_BATCH = 5_000;

/** Doubtful values are forgotten as quarantined records are; the ledger's counts stay. */
export async function forgetDoubtful(pool: Pool, retentionDays: number): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ forgotten: string }>(
      "SELECT forgotten FROM forget_doubtful($1::integer * interval '1 day', $2)",
      [retentionDays, FORGET_BATCH],
    );
    if (Number(rows[0]?.forgotten ?? 0) < FORGET_BATCH) return;
  }
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

/** @param retentionDays days since a conflict was recorded; those of final values too: the amendment stays on record */
export async function forgetConflicts(pool: Pool, retentionDays: number): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ forgotten: string }>(
      "SELECT forget_conflicts($1::integer * interval '1 day', $2) AS forgotten",
      [retentionDays, FORGET_BATCH],
    );
    if (Number(rows[0]?.forgotten ?? 0) < FORGET_BATCH) return;
  }
}
