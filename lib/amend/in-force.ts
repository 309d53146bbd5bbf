// The amendments that hold, as they stand in the database.

import type { Pool } from "pg";
import { fromMultirange } from "../core/ranges.ts";
import { type AmendableName, amendableStreams } from "./amendable.ts";
import { type Entry, logKey, rowKey } from "./entry.ts";

export interface EntryInForce extends Entry {
  readonly id: number;
}

/**
 * The entries that hold for the windows of a stream, in the order in which they were made. One that replaced a reading by
 * one of another time is of the windows of both.
 */
export async function entriesInForce(
  pool: Pool,
  name: AmendableName,
  firstUs: number,
  endUs: number,
): Promise<EntryInForce[]> {
  const { rows } = await pool.query<
    Pick<Entry, "selector" | "correction" | "fromUs" | "toUs"> & {
      id: number;
      scope: { source: string; partition: number; incarnation: number; applied: string }[] | null;
      rows: { startUs: number; type: string; key: string }[] | null;
    }
  >(
    `SELECT a.id::float8 AS id, a.selector, a.correction, epoch_us(a.span_from)::float8 AS "fromUs",
       epoch_us(a.span_to)::float8 AS "toUs",
       (SELECT jsonb_agg(jsonb_build_object('source', s.source, 'partition', s.partition, 'incarnation', s.incarnation,
          'applied', s.applied::text)) FROM amendment_scope AS s WHERE s.amendment_id = a.id) AS scope,
       (SELECT jsonb_agg(jsonb_build_object('startUs', epoch_us(r.window_start), 'type', r.sensor_type, 'key', r.key))
        FROM amendment_row AS r WHERE r.amendment_id = a.id
          AND (a.kind = 'replace' OR r.window_start >= instant($2) AND r.window_start < instant($3))) AS rows
     FROM amendment AS a
     WHERE a.stream = $1 AND a.kind <> 'revert' 
       AND (a.span_from < instant($3) AND a.span_to > instant($2)
         OR a.kind = 'replace' AND EXISTS (SELECT FROM amendment_row AS r WHERE r.amendment_id = a.id
           AND r.window_start >= instant($2) AND r.window_start < instant($3)))
       AND NOT EXISTS (SELECT FROM amendment AS undoing WHERE undoing.reverts = a.id)
     ORDER BY a.id`,
    [name, firstUs, endUs],
  );
  const { groupOfRow } = amendableStreams[name];
  return rows.map((row) => ({
    ...row,
    scope: new Map((row.scope ?? []).map((log) => [logKey(log), fromMultirange(log.applied)])),
    rows: new Set((row.rows ?? []).map((r) => rowKey(r.startUs, groupOfRow(r.type, r.key)))),
  }));
}
