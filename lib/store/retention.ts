// Forgets what has been in quarantine for the retention's time, batch by batch.

import type { Pool } from "pg";

export interface ForgottenRecords {
  readonly resolved: number;
  /** Records that nobody has replayed or discarded in all that time. */
  readonly unresolved: number;
}

const FORGET_BATCH = 5_000;

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
