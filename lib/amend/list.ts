// Amendments on record, for people and for programs.

import type { Pool } from "pg";
import { countOf } from "../core/count.ts";
import { formatInstant } from "../core/instant.ts";
import { quoted } from "../core/printable.ts";
import type { Queryable } from "../postgres/judge.ts";
import type { AmendableName } from "./amendable.ts";
import type { Correction, Selector } from "./entry.ts";

export interface AmendmentOnRecord {
  readonly id: number;
  readonly kind: "remove" | "correct" | "replace" | "revert";
  readonly stream: AmendableName;
  readonly selector: Selector;
  readonly correction: Correction | null;
  readonly fromUs: number;
  readonly toUs: number;
  readonly reverts: number | null;
  readonly revertedBy: number | null;
  readonly reason: string;
  readonly by: string;
  readonly madeAt: Date;
  readonly rows: number;
  readonly countBefore: number;
  readonly countAfter: number;
}

export interface AmendedRow {
  readonly startUs: number;
  readonly sensorType: string;
  readonly key: string;
  readonly countBefore: string;
  readonly countAfter: string;
  readonly sumBefore: string;
  readonly sumAfter: string;
  /** Of a sensor's row; null where it is without events, and for readings. */
  readonly minBefore: string | null;
  readonly minAfter: string | null;
  readonly maxBefore: string | null;
  readonly maxAfter: string | null;
}

function selectorText(selector: Selector): string {
  if ("sensor" in selector)
    return `sensor ${quoted(selector.sensor)}${selector.type === null ? "" : ` of type ${quoted(selector.type)}`}`;
  if ("customer" in selector) return `customer ${quoted(selector.customer)}`;
  const meter = `meter ${quoted(selector.meter)}`;
  return selector.eventId === undefined ? meter : `${meter} with event_id ${quoted(selector.eventId)}`;
}

function deedText({ kind, correction, reverts }: AmendmentOnRecord): string {
  if (kind === "revert") return `revert of ${reverts},`;
  if (correction === null) return "remove";
  if ("replace" in correction) {
    const { reading, unit } = correction.replace;
    return `replace by ${reading} ${unit}:`;
  }
  if ("record" in correction) return `replace by the second event of conflict ${correction.conflict}:`;
  return "unit" in correction ? `correct to unit ${correction.unit}` : `multiply by ${correction.multiply}`;
}

/** How much an amendment changed, or would. */
export function changeText({
  rows,
  countBefore,
  countAfter,
}: Pick<AmendmentOnRecord, "rows" | "countBefore" | "countAfter">): string {
  return `${countOf(rows, "row")}, ${countOf(countBefore, "event")} counted before and ${countAfter} after`;
}

/** A line. */
export function amendmentText(amendment: AmendmentOnRecord): string {
  const { id, stream, selector, fromUs, toUs, rows, countBefore, countAfter, revertedBy } = amendment;
  const { by, madeAt, reason } = amendment;
  return [
    `${id}  ${deedText(amendment)} ${stream} events of ${selectorText(selector)}, ${formatInstant(fromUs)} to ${formatInstant(toUs)}:`,
    changeText({ rows, countBefore, countAfter }),
    `(${madeAt.toISOString()} by ${quoted(by)}: ${quoted(reason)})`,
    ...(revertedBy === null ? [] : [`reverted by ${revertedBy}`]),
  ].join(" ");
}

/** With the column names of the tables `amendment` and `amendment_row`. */
export function amendmentJson(amendment: AmendmentOnRecord): Readonly<Record<string, unknown>> {
  const { id, kind, stream, selector, correction, reverts, revertedBy, reason, by, madeAt, rows } = amendment;
  return {
    ...{ id, kind, stream, selector, correction },
    span_from: formatInstant(amendment.fromUs),
    span_to: formatInstant(amendment.toUs),
    ...{ reverts, reverted_by: revertedBy, reason, made_by: by, made_at: madeAt.toISOString(), rows },
    ...{ count_before: amendment.countBefore, count_after: amendment.countAfter },
  };
}

/** Sums and counts are text: they have more digits than a JSON number keeps. */
export function amendedRowJson(row: AmendedRow): Readonly<Record<string, unknown>> {
  return {
    window_start: formatInstant(row.startUs),
    sensor_type: row.sensorType === "" ? null : row.sensorType,
    key: row.key,
    ...{ count_before: row.countBefore, count_after: row.countAfter },
    ...{ sum_before: row.sumBefore, sum_after: row.sumAfter },
  };
}

/** A line. */
export function amendedRowText(row: AmendedRow): string {
  const name = row.sensorType === "" ? quoted(row.key) : `${quoted(row.sensorType)} ${quoted(row.key)}`;
  const change = (what: string, before: string | null, after: string | null) =>
    `${what} ${before ?? "none"} → ${after ?? "none"}`;
  return `  ${formatInstant(row.startUs)} ${name}: ${[
    change("count", row.countBefore, row.countAfter),
    change("sum", row.sumBefore, row.sumAfter),
    ...(row.minBefore === null && row.minAfter === null
      ? []
      : [change("min", row.minBefore, row.minAfter), change("max", row.maxBefore, row.maxAfter)]),
  ].join(", ")}`;
}

/**
 * The newest amendments, or one of them.
 * @param id null for all
 * @param limit null: as many as there are
 */
export async function readAmendments(
  pool: Pool,
  id: number | null,
  limit: number | null,
): Promise<AmendmentOnRecord[]> {
  const { rows } = await pool.query<AmendmentOnRecord>(
    `SELECT a.id::float8 AS id, a.kind, a.stream, a.selector, a.correction, epoch_us(a.span_from)::float8 AS "fromUs",
       epoch_us(a.span_to)::float8 AS "toUs", a.reverts::float8 AS reverts, a.reason, a.made_by AS by,
       a.made_at AS "madeAt", (SELECT undoing.id::float8 FROM amendment AS undoing WHERE undoing.reverts = a.id) AS "revertedBy",
       s.rows::float8 AS rows, s.before::float8 AS "countBefore", s.after::float8 AS "countAfter"
     FROM amendment AS a, LATERAL (SELECT count(*) AS rows, coalesce(sum(count_before), 0) AS before,
       coalesce(sum(count_after), 0) AS after FROM amendment_row AS r WHERE r.amendment_id = a.id) AS s
     WHERE $1::bigint IS NULL OR a.id = $1 ORDER BY a.id DESC LIMIT $2`,
    [id, limit],
  );
  return rows;
}

/** What an amendment changed, row by row. @param limit null: all */
export async function readAmendedRows(
  database: Queryable,
  id: number,
  limit: number | null,
): Promise<AmendedRow[]> {
  const { rows } = await database.query<AmendedRow>(
    `SELECT epoch_us(window_start)::float8 AS "startUs", sensor_type AS "sensorType", key, count_before AS "countBefore",
       count_after AS "countAfter", sum_before AS "sumBefore", sum_after AS "sumAfter", min_before AS "minBefore",
       min_after AS "minAfter", max_before AS "maxBefore", max_after AS "maxAfter"
     FROM amendment_row WHERE amendment_id = $1 ORDER BY window_start, sensor_type, key LIMIT $2`,
    [id, limit],
  );
  return rows;
}
