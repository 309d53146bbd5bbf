// Gaps in a partition's applied offsets. Where the broker has no record (transaction markers, aborted records, what
// compaction removed) nobody delivers anything, so no batch settles those at its edges; left open, they would look like a
// lag that never ends.

import type { Pool } from "pg";
import { toMultirange } from "../core/ranges.ts";
import type { PartitionOffsets } from "../core/watermark.ts";
import type { Gap, SweptTopic } from "./sweep.ts";

/** The next offset at or after `from` that holds a committed record or still may; the broker's word. */
export type NextRecord = (topic: string, partition: number, from: number) => Promise<number>;

/** To the broker, at each call, of some milliseconds each; the next sweep asks of what is left over. */
const MOST_QUESTIONS = 300;

/** What is left of gaps when the broker was asked. */
export interface AskedGaps {
  /** Each begins with an offset that holds a record or still may. */
  readonly withRecord: readonly Gap[];
  /** Of these the broker was not asked: there were too many gaps. */
  readonly unasked: readonly Gap[];
}

interface LedgerGap extends Gap {
  readonly incarnation: number;
}

async function readGaps(
  pool: Pool,
  { source, topic }: SweptTopic,
  offsets: readonly PartitionOffsets[],
): Promise<LedgerGap[]> {
  const { rows } = await pool.query<{ partition: number; incarnation: number; from: string; to: string }>(
    `SELECT o.partition, coalesce(l.incarnation, 0) AS incarnation, lower(gap) AS "from", upper(gap) AS "to"
     FROM unnest($3::int[], $4::bigint[], $5::bigint[]) AS o(partition, first, "end")
     LEFT JOIN LATERAL (SELECT incarnation, applied FROM ledger AS l
       WHERE l.source = $1 AND l.topic = $2 AND l.partition = o.partition
       ORDER BY incarnation DESC LIMIT 1) AS l ON true
     CROSS JOIN LATERAL unnest(int8multirange(int8range(o.first, o."end")) - coalesce(l.applied, '{}')) AS gap
     ORDER BY lower(gap)`,
    [source, topic, offsets.map((o) => o.partition), offsets.map((o) => o.first), offsets.map((o) => o.end)],
  );
  return rows.map((row) => ({ ...row, from: Number(row.from), to: Number(row.to) }));
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
): Promise<AskedGaps> {
  const searched = offsets.filter(({ first, end }) => first < end);
  const withRecord: Gap[] = [];
  const unasked: Gap[] = [];
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
      if (at < to) (isRecord ? withRecord : unasked).push({ partition, from: at, to });
    }
  } finally {
    // What the broker has said holds also where it is away by now.
    await enterHoles(pool, swept, holes);
  }
  return { withRecord, unasked };
}
