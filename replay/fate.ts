// What became of the records that this command has sent, and of no others.

import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { lineAt, offsetsOf, type Partition, recordsOf } from "./positions.ts";
import { Troubles } from "./troubles.ts";

export const fates = ["quarantined", "too late", "conflict", "duplicate"] as const;

export interface Fate {
  readonly sent: number;
  /** Of those sent; the rest has not been taken by a function yet. */
  readonly applied: number;
  readonly counted: number;
  /** The rows that were not counted, by what became of them. */
  readonly others: ReadonlyMap<(typeof fates)[number], Troubles>;
}

/** The log of a partition in the ledger, in its present incarnation. */
const LOG = `SELECT id, source, topic, partition, incarnation, applied FROM ledger
  WHERE topic = $1 AND partition = $2 AND source NOT LIKE '%#replay-%' ORDER BY created_at DESC, id DESC LIMIT 1`;

const APPLIED = `SELECT offsets_in(log.applied * $3::int8multirange) AS applied FROM (${LOG}) AS log`;

/** Each record of ours that was not counted. A stream that removes no retries counts all that is left. */
const OTHERS = `WITH log AS (${LOG}),
  ours AS (SELECT log.*, $3::int8multirange * log.applied AS offsets FROM log),
  known AS (
    SELECT q."offset", 'quarantined' AS fate, q.reason || coalesce(' (' || q.field || ')', '') AS reason
    FROM quarantine AS q JOIN ours USING (source, topic, partition, incarnation) WHERE q."offset" <@ ours.offsets
    UNION ALL
    SELECT t."offset", 'too late', '' FROM too_late AS t JOIN ours USING (source, topic, partition, incarnation)
    WHERE t."offset" <@ ours.offsets
    UNION ALL
    SELECT c."offset", 'conflict', '' FROM conflict AS c JOIN ours ON c.log_id = ours.id WHERE c."offset" <@ ours.offsets),
  seen AS (SELECT s."offset" FROM seen_event AS s JOIN ours ON s.log_id = ours.id WHERE $4 AND s."offset" <@ ours.offsets)
  SELECT * FROM known
  UNION ALL
  SELECT o, 'duplicate', '' FROM ours, unnest(offsets) AS r, generate_series(lower(r), upper(r) - 1) AS o
  WHERE $4 AND NOT EXISTS (SELECT FROM seen WHERE seen."offset" = o)
    AND NOT EXISTS (SELECT FROM known WHERE known."offset" = o)`;

async function appliedOf(client: pg.Client, partitions: readonly Partition[]): Promise<number> {
  let applied = 0;
  for (const one of partitions) {
    const { rows } = await client.query<{ applied: string }>(APPLIED, [
      one.topic,
      one.partition,
      offsetsOf(one),
    ]);
    applied += Number(rows[0]?.applied ?? 0);
  }
  return applied;
}

const GIVE_UP_MS = 30_000;
const LOOK_EVERY_MS = 250;

/**
 * Waits until all the records are applied, nothing has come for half a minute, or the signal ends it.
 * @param show takes how many are still to come
 * @returns how many are applied
 */
export async function untilApplied(
  client: pg.Client,
  partitions: readonly Partition[],
  signal: AbortSignal,
  show: (toCome: number) => void,
): Promise<number> {
  const sent = partitions.reduce((sum, one) => sum + recordsOf(one), 0);
  let applied = -1;
  for (let changedMs = performance.now(); !signal.aborted; ) {
    const now = await appliedOf(client, partitions);
    if (now >= sent) return now;
    if (now !== applied) changedMs = performance.now();
    else if (performance.now() - changedMs > GIVE_UP_MS) return now;
    applied = now;
    show(sent - now);
    // Ended early by the signal, which the loop looks at next.
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
  return appliedOf(client, partitions);
}

/** @param removesRetries whether a topic's stream counts equal identities once */
export async function fateOf(
  client: pg.Client,
  partitions: readonly Partition[],
  removesRetries: (topic: string) => boolean,
): Promise<Fate> {
  const others = new Map<(typeof fates)[number], Troubles>();
  let notCounted = 0;
  for (const one of partitions) {
    const { rows } = await client.query<{ offset: string; fate: (typeof fates)[number]; reason: string }>(
      OTHERS,
      [one.topic, one.partition, offsetsOf(one), removesRetries(one.topic)],
    );
    for (const { offset, fate, reason } of rows) {
      const troubles = others.get(fate) ?? new Troubles();
      troubles.add(reason, lineAt(one, Number(offset)) ?? 0);
      others.set(fate, troubles);
      notCounted++;
    }
  }
  const applied = await appliedOf(client, partitions);
  const sent = partitions.reduce((sum, one) => sum + recordsOf(one), 0);
  return { sent, applied, counted: applied - notCounted, others };
}
