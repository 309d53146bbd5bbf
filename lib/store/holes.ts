// Holes in a partition's offsets: transaction markers, aborted records, what compaction removed. Nobody delivers them,
// so no batch settles those at its edges; left open, they would look like a lag that never ends.

import type { Pool } from "pg";
import type { PartitionOffsets } from "../core/watermark.ts";
import type { SweptTopic } from "./sweep.ts";

/** The next offset at or after `from` that holds a committed record or still may; the broker's word. */
export type NextRecord = (topic: string, partition: number, from: number) => Promise<number>;

/** Each costs the broker a question; what is left over is settled by the next sweep. */
const GAPS_PER_SWEEP = 100;

interface Gap {
  readonly partition: number;
  readonly incarnation: number;
  readonly from: number;
  readonly to: number;
}

async function readGaps(
  pool: Pool,
  { source, topic }: SweptTopic,
  offsets: readonly PartitionOffsets[],
): Promise<Gap[]> {
  const { rows } = await pool.query<{ partition: number; incarnation: number; from: string; to: string }>(
    `SELECT o.partition, coalesce(l.incarnation, 0) AS incarnation, lower(gap) AS "from", upper(gap) AS "to"
     FROM unnest($3::int[], $4::bigint[], $5::bigint[]) AS o(partition, first, "end")
     LEFT JOIN LATERAL (SELECT incarnation, applied FROM ledger AS l
       WHERE l.source = $1 AND l.topic = $2 AND l.partition = o.partition
       ORDER BY incarnation DESC LIMIT 1) AS l ON true
     CROSS JOIN LATERAL unnest(int8multirange(int8range(o.first, o."end")) - coalesce(l.applied, '{}')) AS gap
     ORDER BY lower(gap) LIMIT $6`,
    [
      source,
      topic,
      offsets.map((o) => o.partition),
      offsets.map((o) => o.first),
      offsets.map((o) => o.end),
      GAPS_PER_SWEEP,
    ],
  );
  return rows.map((row) => ({ ...row, from: Number(row.from), to: Number(row.to) }));
}

/**
 * Enters into the ledger what the broker says is no record: then it is no lag either.
 * @throws where broker or database are away; a later sweep does what this one could not
 */
export async function settleHoles(
  pool: Pool,
  swept: SweptTopic,
  offsets: readonly PartitionOffsets[],
  nextRecord: NextRecord,
): Promise<void> {
  for (const { partition, incarnation, from, to } of await readGaps(pool, swept, offsets)) {
    const until = Math.min(to, await nextRecord(swept.topic, partition, from));
    if (until <= from) continue;
    await pool.query("SELECT settle_hole($1, $2, $3, $4, int8range($5, $6))", [
      swept.source,
      swept.topic,
      partition,
      incarnation,
      from,
      until,
    ]);
  }
}
