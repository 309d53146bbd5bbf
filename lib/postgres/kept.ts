// How many records are kept for people to look at: numbers by stream, and the words that say where to look.

import type { Pool } from "pg";

export interface KeptCounts {
  /** The topic's name where no sweep has seen the topic yet. */
  readonly stream: string;
  /** Refused, and neither replayed nor discarded. */
  readonly quarantined: number;
  readonly tooLate: number;
  /** Neither dismissed nor replaced. */
  readonly conflicts: number;
  /** Values that were counted and are likely to be another unit. */
  readonly doubtful: number;
}

export interface Kept {
  readonly kind: Exclude<keyof KeptCounts, "stream">;
  /** As a word: `quarantined`. */
  readonly word: string;
  /** Whether it is told of a span of time only: nobody resolves these. */
  readonly isRecent: boolean;
  /** What lists them. */
  readonly listedBy: string;
}

export const keptKinds: readonly Kept[] = [
  { kind: "quarantined", isRecent: false, word: "quarantined", listedBy: "npm run quarantine -- list" },
  { kind: "conflicts", isRecent: false, word: "conflicts", listedBy: "npm run quarantine -- conflicts" },
  { kind: "tooLate", isRecent: true, word: "too late", listedBy: "SELECT * FROM too_late_readable" },
  { kind: "doubtful", isRecent: true, word: "doubtful", listedBy: "npm run quarantine -- doubtful" },
];

/**
 * @param since too late and doubtful records that were recorded from then on; null: all that there have ever been
 * @throws DatabaseError or a connection error
 */
export async function readKept(pool: Pool, since: Date | null): Promise<KeptCounts[]> {
  const { rows } = await pool.query<KeptCounts>(
    `SELECT stream, quarantined::float8 AS quarantined, too_late::float8 AS "tooLate", conflicts::float8 AS conflicts,
       doubtful::float8 AS doubtful
     FROM kept_counts($1)`,
    [since],
  );
  return rows;
}

/**
 * `quarantined: consumption 3, sensor 1 (npm run quarantine -- list)`, one for each kind that there is.
 * @param counts too late and doubtful records: those of the last 24 hours
 */
export function keptTexts(counts: readonly KeptCounts[]): string[] {
  return keptKinds.flatMap(({ kind, word, isRecent, listedBy }) => {
    const each = counts.filter((of) => of[kind] > 0).map((of) => `${of.stream} ${of[kind]}`);
    return each.length === 0
      ? []
      : [`${word}${isRecent ? " in the last 24 hours" : ""}: ${each.join(", ")} (${listedBy})`];
  });
}
