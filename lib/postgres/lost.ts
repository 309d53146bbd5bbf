// What is LOST: offsets that the trigger's group has passed and the ledger does not hold. After a restored or emptied
// database, a batch that was given up, a range taken out of the ledger. Told at once, by `trouble` in SQL; it ends when the
// gap is closed, not with new traffic.

import type { Pool } from "pg";
import { fromMultirange, type OffsetRanges, size, toMultirange } from "../core/ranges.ts";
import type { PartitionOffsets } from "../core/watermark.ts";
import { log } from "../log.ts";
import type { CheckedGaps, SweptTopic } from "../windows/sweep.ts";
import type { Committed, NextRecord } from "../windows/sweep-all.ts";
import { settleHoles } from "./holes.ts";

/**
 * What the group has passed and the broker has records of; holes among it are settled.
 * @param committed asked before the ledger is read: what was committed before has been applied before
 * @throws where broker or database are away
 */
export async function findLost(
  pool: Pool,
  swept: SweptTopic,
  offsets: readonly PartitionOffsets[],
  committed: Committed,
  nextRecord: NextRecord,
): Promise<CheckedGaps> {
  const passed = offsets.map(({ partition, first, end }) => ({
    partition,
    first,
    end: Math.min(end, committed.get(partition) ?? 0),
  }));
  return settleHoles(pool, swept, passed, nextRecord);
}

/** What of the rest is no record, beyond where the groups are. @throws as settleHoles */
export async function settleHolesAhead(
  pool: Pool,
  swept: SweptTopic,
  offsets: readonly PartitionOffsets[],
  committed: Committed,
  nextRecord: NextRecord,
): Promise<void> {
  const ahead = offsets.map(({ partition, first, end }) => ({
    partition,
    first: Math.max(first, committed.get(partition) ?? 0),
    end,
  }));
  await settleHoles(pool, swept, ahead, nextRecord);
}

interface LossRow {
  readonly partition: number;
  readonly lost: string;
  readonly expired: string;
  readonly is_new: boolean;
}

/**
 * Puts on record what is lost, and logs what was not lost before.
 * Retention may have removed it: above the first offset that was ever applied that is a loss for good; below, the topic is
 * older than the ledger, and nobody has missed anything.
 * @returns how many offsets are lost, and how many more have not been looked up on the broker yet
 */
export async function recordLost(
  pool: Pool,
  { source, topic }: SweptTopic,
  offsets: readonly PartitionOffsets[],
  committed: Committed,
  { withRecord, unchecked }: CheckedGaps,
): Promise<{ readonly lost: number; readonly unchecked: number }> {
  const rangesOf = (partition: number): OffsetRanges =>
    withRecord.filter((gap) => gap.partition === partition);
  const { rows } = await pool.query<LossRow>(
    `WITH found AS (
       SELECT o.partition, o.committed, o.lost, o.unchecked, before.lost AS lost_before, before.expired AS expired_before,
         CASE WHEN lower(l.applied) < least(o.first, o.committed) AND o.committed IS NOT NULL
           THEN int8multirange(int8range(lower(l.applied), least(o.first, o.committed))) - l.applied - l.acknowledged
           ELSE '{}' END AS expired,
         o.committed > o."end" AS is_ahead
       FROM unnest($3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::int8multirange[], $8::bigint[])
         AS o(partition, first, "end", committed, lost, unchecked)
       JOIN partition_progress AS before ON before.source = $1 AND before.topic = $2 AND before.partition = o.partition
       LEFT JOIN LATERAL (SELECT applied, acknowledged FROM ledger AS l
         WHERE l.source = $1 AND l.topic = $2 AND l.partition = o.partition
         ORDER BY incarnation DESC LIMIT 1) AS l ON true)
     UPDATE partition_progress AS p SET committed_offset = f.committed, lost = f.lost, expired = f.expired,
       unchecked = f.unchecked, lost_since = CASE WHEN f.lost <> '{}' OR f.expired <> '{}' OR f.is_ahead THEN coalesce(p.lost_since, now()) END,
       lost_why = CASE WHEN f.lost <> '{}' THEN p.lost_why END
     FROM found AS f WHERE p.source = $1 AND p.topic = $2 AND p.partition = f.partition
     RETURNING p.partition, p.lost::text, p.expired::text,
       (f.lost - f.lost_before <> '{}' OR f.expired - f.expired_before <> '{}') AS is_new`,
    [
      source,
      topic,
      offsets.map((o) => o.partition),
      offsets.map((o) => o.first),
      offsets.map((o) => o.end),
      offsets.map((o) => committed.get(o.partition) ?? null),
      offsets.map((o) => toMultirange(rangesOf(o.partition))),
      offsets.map((o) => unchecked.get(o.partition) ?? 0),
    ],
  );
  for (const { partition, lost: onBroker, expired, is_new } of rows)
    if (is_new)
      log("error", "LOST: the trigger has passed offsets that are not counted", {
        topic,
        partition,
        committed: committed.get(partition),
        deliveredAgainFromBroker: onBroker,
        goneForGoodByRetention: expired,
        uncheckedOffsets: unchecked.get(partition) ?? 0,
      });
  return {
    lost: rows
      .flatMap((row) => [row.lost, row.expired])
      .reduce((sum, text) => sum + size(fromMultirange(text)), 0),
    unchecked: [...unchecked.values()].reduce((sum, offsets) => sum + offsets, 0),
  };
}
