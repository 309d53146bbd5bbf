// Gaps in a partition's applied offsets. Where the broker has no record (transaction markers, aborted records, what
// compaction removed) nobody delivers anything, so no batch settles those at its edges; left open, they would look like a
// lag that never ends.

import type { Pool } from "pg";
import { toMultirange } from "../core/ranges.ts";
import type { PartitionOffsets } from "../core/watermark.ts";
import type { CheckedGaps, Gap, SweptTopic } from "../windows/sweep.ts";
import type { NextRecord } from "../windows/sweep-all.ts";

/** To the broker, at each call, of some milliseconds each; what is left over is the next sweep's. */
const MOST_QUESTIONS = 300;

interface LedgerGap extends Gap {
  readonly incarnation: number;
  /** Offsets in all gaps of the partition, also in those that were not read. */
  readonly inPartition: number;
}

/** As many gaps as can be looked up, from each partition in turn: at least one of each that has any. */
async function readGaps(
  pool: Pool,
  { source, topic }: SweptTopic,
  offsets: readonly PartitionOffsets[],
): Promise<LedgerGap[]> {
  const { rows } = await pool.query<LedgerGap>(
    `SELECT o.partition, coalesce(l.incarnation, 0) AS incarnation,
       lower(gap)::float8 AS "from", upper(gap)::float8 AS "to",
       (sum(upper(gap) - lower(gap)) OVER (PARTITION BY o.partition))::float8 AS "inPartition"
     FROM unnest($3::int[], $4::bigint[], $5::bigint[]) AS o(partition, first, "end")
     LEFT JOIN LATERAL (SELECT incarnation, applied FROM ledger AS l
       WHERE l.source = $1 AND l.topic = $2 AND l.partition = o.partition
       ORDER BY incarnation DESC LIMIT 1) AS l ON true
     CROSS JOIN LATERAL unnest(int8multirange(int8range(o.first, o."end")) - coalesce(l.applied, '{}')) AS gap
     ORDER BY row_number() OVER (PARTITION BY o.partition ORDER BY lower(gap)), o.partition LIMIT $6`,
    [
      ...[source, topic, offsets.map((o) => o.partition), offsets.map((o) => o.first)],
      ...[offsets.map((o) => o.end), Math.max(MOST_QUESTIONS, offsets.length)],
    ],
  );
  return rows;
}

async function enterHoles(
  pool: Pool,
  { source, topic }: SweptTopic,
  holes: readonly LedgerGap[],
): Promise<void> {
  // Each function call rewrites a ledger row: one for each partition.
  for (const partition of new Set(holes.map((hole) => hole.partition))) {
    const ofPartition = holes.filter((hole) => hole.partition === partition);
    await pool.query("SELECT settle_holes($1, $2, $3, $4, $5)", [
      ...[source, topic, partition, ofPartition[0]?.incarnation],
      toMultirange(ofPartition),
    ]);
  }
}

/**
 * Enters into the ledger what the broker says is no record: then it is no lag either.
 * @param offsets where to look: the gaps in [first, end) of each partition
 * @throws where broker or database are away; a later sweep does what this one could not
 */
export async function settleHoles(
  pool: Pool,
  swept: SweptTopic,
  offsets: readonly PartitionOffsets[],
  nextRecord: NextRecord,
): Promise<CheckedGaps> {
  const searched = offsets.filter(({ first, end }) => first < end);
  const withRecord: Gap[] = [];
  const unchecked = new Map<number, number>();
  const holes: LedgerGap[] = [];
  let questions = 0;
  try {
    for (const gap of await readGaps(pool, swept, searched)) {
      const { partition, from, to } = gap;
      let at = from;
      let isRecord = false;
      // An answer reaches to the end of one batch only.
      while (at < to && !isRecord && questions < MOST_QUESTIONS) {
        questions++;
        const next = Math.min(to, await nextRecord(swept.topic, partition, at));
        isRecord = next <= at;
        at = Math.max(at, next);
      }
      if (from < at) holes.push({ ...gap, to: at });
      if (isRecord) withRecord.push({ partition, from: at, to });
      unchecked.set(partition, (unchecked.get(partition) ?? gap.inPartition) - ((isRecord ? to : at) - from));
    }
  } finally {
    // What the broker has said holds also where it is away by now.
    await enterHoles(pool, swept, holes);
  }
  return { withRecord, unchecked };
}
