// Delivers again what the audit found lost.

import type { Pool } from "pg";
import { rangesText, toMultirange } from "../core/ranges.ts";
import type { Archive } from "../kafka/archive.ts";
import { reasonNotTo, redeliver, withoutLimit } from "../postgres/redeliver.ts";
import type { LatenessRules } from "../windows/commit.ts";
import type { AuditReport } from "./audit.ts";

/** Why nothing may be redelivered: where the books themselves are wrong, counting again could double. Else null. */
export function reasonNotToRepair({ problems, streams }: AuditReport): string | null {
  const [problem] = problems;
  if (problem !== undefined) return problem;
  const wrong = streams.find(({ difference }) => difference !== null);
  return wrong === undefined ? null : `${wrong.stream}: ${wrong.difference}`;
}

/**
 * Redelivers each lost range.
 * @param isAnotherCluster somebody knows that the ledger's other sources are other clusters than this one
 * @returns how many records were redelivered
 * @throws Error where the books are wrong or the log may be known under another source: then nothing was redelivered; where
 *   broker or database are away: then what was redelivered before stays
 */
export async function repair(
  report: AuditReport,
  pool: Pool,
  archive: Archive,
  rules: LatenessRules,
  isAnotherCluster = false,
): Promise<number> {
  const reason = reasonNotToRepair(report);
  if (reason !== null) throw new Error(`nothing was redelivered, because the books do not add up: ${reason}`);
  const lost = report.partitions
    .filter((one) => one.lost.length > 0)
    .map((one) => ({ ...one, source: report.source }));
  for (const one of lost) {
    const why = await reasonNotTo(pool, one, isAnotherCluster);
    if (why !== null)
      throw new Error(
        `nothing was redelivered: ${one.topic}-${one.partition} ${rangesText(one.lost)}: ${why}`,
      );
  }
  let redelivered = 0;
  for (const { stream, source, topic, partition, lost: ranges } of lost)
    for (const range of ranges)
      redelivered += await redeliver(
        pool,
        { stream, source, topic, partition, ...range },
        archive.read,
        rules,
        "npm run audit -- --repair",
        withoutLimit(),
      );
  return redelivered;
}

/**
 * Takes note of what is lost for good: it is no trouble any more, and the audit names it without alarm.
 * @returns how many offsets
 * @throws DatabaseError or a connection error
 */
export async function acknowledge(report: AuditReport, pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ offsets: string }>(
    `WITH noted AS (
       UPDATE ledger AS l SET acknowledged = l.acknowledged + e.expired
       FROM unnest($2::text[], $3::int[], $4::int[], $5::int8multirange[]) AS e(topic, partition, incarnation, expired)
       WHERE l.source = $1 AND l.topic = e.topic AND l.partition = e.partition AND l.incarnation = e.incarnation
       RETURNING e.expired)
     SELECT coalesce(sum(offsets_in(expired)), 0) AS offsets FROM noted`,
    [
      report.source,
      report.partitions.map(({ topic }) => topic),
      report.partitions.map(({ partition }) => partition),
      report.partitions.map(({ incarnation }) => incarnation),
      report.partitions.map(({ expired }) => toMultirange(expired)),
    ],
  );
  return Number(rows[0]?.offsets);
}
