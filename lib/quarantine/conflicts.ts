// Events that came with the identity of a counted event and other content: which there are, and dismissing them.

import type { Pool } from "pg";

export interface ListedConflict {
  readonly id: number;
  readonly stream: string;
  readonly topic: string;
  readonly partition: number;
  readonly incarnation: number;
  readonly offset: number;
  readonly value: Buffer;
  readonly firstPartition: number;
  readonly firstIncarnation: number;
  readonly firstOffset: number;
  readonly firstValue: Buffer | null;
  readonly firstGone: boolean;
  readonly recordedAt: Date;
  /** Of the newest amendment in force that replaced the reading since. */
  readonly amendmentId: number | null;
  /** Whether it counts the second event in place of the first. */
  readonly countsNow: boolean;
  readonly dismissedAt: Date | null;
  readonly dismissedBy: string | null;
  readonly dismissedNote: string | null;
}

const PAGE_CONFLICTS = 100;

/** A page of conflicts, the newest first. @param before with a lower number than this one; null for the first page */
async function pageOfConflicts(
  pool: Pool,
  ids: readonly number[],
  isOpen: boolean,
  limit: number,
  before: number | null,
): Promise<ListedConflict[]> {
  const { rows } = await pool.query<ListedConflict>(
    `SELECT id::float8 AS id, stream, topic, partition, incarnation, "offset"::float8 AS "offset", value,
       first_partition AS "firstPartition", first_incarnation AS "firstIncarnation",
       first_offset::float8 AS "firstOffset", first_value AS "firstValue", first_gone AS "firstGone",
       recorded_at AS "recordedAt", amendment_id::float8 AS "amendmentId", counts_now AS "countsNow",
       dismissed_at AS "dismissedAt", dismissed_by AS "dismissedBy", dismissed_note AS "dismissedNote"
     FROM conflict_listed
     WHERE (cardinality($1::bigint[]) = 0 OR id = ANY ($1)) AND (NOT $2 OR is_open)
       AND ($4::bigint IS NULL OR id < $4)
     ORDER BY conflict_listed.id DESC LIMIT $3`,
    [ids, isOpen, limit, before],
  );
  return rows;
}

/**
 * Conflicts, the newest first, read page by page.
 * @param ids some of them; empty for all
 * @param isOpen only those that are to be looked at
 * @param limit how many at most; infinite for all
 */
export async function* eachConflict(
  pool: Pool,
  ids: readonly number[],
  isOpen: boolean,
  limit: number,
): AsyncGenerator<ListedConflict> {
  let before: number | null = null;
  for (let left = limit; left > 0; left -= PAGE_CONFLICTS) {
    const wanted = Math.min(left, PAGE_CONFLICTS);
    const page: ListedConflict[] = await pageOfConflicts(pool, ids, isOpen, wanted, before);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < wanted) return;
    before = last.id;
  }
}

/** @throws Error where one of the numbers is no conflict's, or retention has forgotten it */
export async function refuseUnknownConflicts(pool: Pool, ids: readonly number[]): Promise<void> {
  const { rows } = await pool.query<{ id: number }>(
    "SELECT w.id::float8 AS id FROM unnest($1::bigint[]) AS w(id) WHERE NOT EXISTS (SELECT FROM conflict WHERE id = w.id)",
    [ids],
  );
  if (rows.length > 0)
    throw new Error(
      `there is no conflict ${rows.map(({ id }) => id).join(", ")} on record: npm run quarantine -- conflicts lists them`,
    );
}

export interface ConflictCounts {
  readonly all: number;
  /** Neither dismissed nor replaced. */
  readonly open: number;
  /** First events that have been read from the topic, or were found to be gone. */
  readonly read: number;
}

/** Of what is on record; retention has forgotten older ones. */
export async function countConflicts(pool: Pool): Promise<ConflictCounts> {
  const { rows } = await pool.query<ConflictCounts>(
    `SELECT count(*)::float8 AS all, count(*) FILTER (WHERE first_value IS NOT NULL OR first_gone)::float8 AS read,
       (SELECT count(*) FROM conflict_open)::float8 AS open FROM conflict`,
  );
  return rows[0] ?? { all: 0, open: 0, read: 0 };
}

/** Which conflicts are dismissed; empty and undefined: all. Since and until when they were found, µs. */
export interface Dismissal {
  readonly ids: readonly number[];
  readonly stream: string | undefined;
  readonly since: number | undefined;
  readonly until: number | undefined;
  readonly by: string;
  readonly note: string | null;
}

/** Notes of open conflicts that somebody has looked at them and that what is counted stays. @returns of how many */
export async function dismissConflicts(pool: Pool, dismissal: Dismissal): Promise<number> {
  const { ids, stream, since, until, by, note } = dismissal;
  const { rowCount } = await pool.query(
    `UPDATE conflict AS c SET dismissed_at = now(), dismissed_by = $5, dismissed_note = $6
     FROM conflict_open AS o
     WHERE o.id = c.id AND (cardinality($1::bigint[]) = 0 OR c.id = ANY ($1)) AND ($2::text IS NULL OR c.stream = $2)
       AND ($3::bigint IS NULL OR c.recorded_at >= instant($3)) AND ($4::bigint IS NULL OR c.recorded_at < instant($4))
       AND c.dismissed_at IS NULL`,
    [ids, stream, since, until, by, note],
  );
  return rowCount ?? 0;
}
