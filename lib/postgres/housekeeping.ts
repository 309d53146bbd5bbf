// What is done once windows have been made final: tables of months are made and dropped, what is past its retention goes.

import type { Pool } from "pg";
import { log } from "../log.ts";
import { streamNames } from "../streams/stream.ts";
import {
  forgetConflicts,
  forgetDoubtful,
  forgetLateness,
  forgetQuarantine,
  forgetStationHours,
} from "./retention.ts";

export interface Retention {
  /** Of quarantined records, conflicts and doubtful values, days. */
  readonly recordDays: number;
  /** Of windows, days; null for ever. */
  readonly windowDays: number | null;
  readonly amendmentHorizonUs: number;
}

/** Drops each month that is due, oldest first, and says so before and after. @throws where the database is away or busy */
async function dropMonths(pool: Pool, windowDays: number, amendmentHorizonUs: number): Promise<void> {
  const due = "$1, $2::integer * interval '1 day', $3::bigint * interval '1 microsecond'";
  for (const stream of streamNames)
    for (;;) {
      const parameters = [stream, windowDays, amendmentHorizonUs];
      const { rows } = await pool.query<{ month: Date | null }>(
        `SELECT due_month(${due}) AS month`,
        parameters,
      );
      const month = rows[0]?.month;
      if (month == null) break;
      log("warn", "a month of windows is past its retention: it is dropped", { stream, month, windowDays });
      const dropped = await pool.query<{ month: Date | null; rows: string; events: string }>(
        `SELECT month, rows, events FROM drop_month(${due})`,
        parameters,
      );
      const [held] = dropped.rows;
      if (held?.month == null) break; // another sweep has dropped it
      log("warn", "a month of windows was dropped", {
        ...{ stream, month: held.month },
        ...{ rows: Number(held.rows), events: Number(held.events) },
      });
    }
}

/** @throws where the database is away or busy; the next run does what this one could not */
export async function keepHouse(pool: Pool, retention: Retention): Promise<void> {
  const { recordDays, windowDays, amendmentHorizonUs } = retention;
  await pool.query("SELECT make_months_ahead()");
  if (windowDays !== null) await dropMonths(pool, windowDays, amendmentHorizonUs);
  const conflicts = await forgetConflicts(pool, recordDays);
  if (conflicts.unresolved > 0)
    log("warn", "conflicts were forgotten that nobody had dismissed or settled by a replacement", {
      ...conflicts,
      retentionDays: recordDays,
    });
  await forgetDoubtful(pool, recordDays);
  await forgetStationHours(pool);
  await forgetLateness(pool);
  const forgotten = await forgetQuarantine(pool, recordDays);
  if (forgotten.unresolved > 0)
    log("warn", "quarantined records were forgotten that nobody had resolved", {
      ...forgotten,
      retentionDays: recordDays,
    });
}
