// What became of the records that this command has sent, and of no others.

import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { formatInstant } from "../../lib/core/instant.ts";
import { size, toMultirange } from "../../lib/core/ranges.ts";
import type { StreamName } from "../../lib/streams/stream.ts";
import { lineAt, offsetsBelow, type Partition } from "./positions.ts";
import { Troubles } from "./troubles.ts";

export const fates = ["quarantined", "too late", "conflict", "duplicate"] as const;

export interface Fate {
  readonly sent: number;
  /** Of those sent; the rest has not been taken by a function yet. */
  readonly applied: number;
  readonly counted: number;
  /** The rows that were not counted, by what became of them. */
  readonly others: ReadonlyMap<(typeof fates)[number], Troubles>;
  /** Of those sent: they stood, or stand, where a log was cut meanwhile, and offsets do not tell what became of them. */
  readonly unclear: number;
  /** Logs at which the sweeper has not looked since the last record was sent; what it would find is not known. */
  readonly unseen: readonly string[];
  /** Logs that were cut or created again meanwhile: `topic-0 from offset 12 on`. */
  readonly cuts: readonly string[];
}

export interface Sending {
  readonly partitions: readonly Partition[];
  /** The database's instants before the first and after the last record was sent, as it writes them. */
  readonly before: string;
  readonly after: string;
  /** Of the first and the last reading, as they were sent, µs. */
  readonly firstUs: number;
  readonly lastUs: number;
  /** The stream that counts equal identities once, and its topic. */
  readonly once: { readonly stream: StreamName; readonly topic: string };
}

/** The database's clock, to the microsecond. */
export async function readInstant(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ now: string }>("SELECT now()::text AS now");
  return rows[0]?.now ?? "infinity";
}

/** The entries of the logs to which was sent that were begun, or have applied something, since then. */
const LOGS = `sent AS (
    SELECT * FROM unnest($1::text[], $2::integer[], $3::int8multirange[]) WITH ORDINALITY AS s(topic, partition, offsets, nr)),
  logs AS MATERIALIZED (
    SELECT sent.nr, l.id, l.source, l.topic, l.partition, l.incarnation, l.applied
    FROM ledger AS l JOIN sent USING (topic, partition)
    WHERE l.source NOT LIKE '%#replay-%' AND l.updated_at >= $4),
  ours AS MATERIALIZED (
    SELECT nr, sent.topic, sent.offsets * range_agg(logs.applied) AS offsets
    FROM sent JOIN logs USING (nr) GROUP BY nr, sent.topic, sent.offsets)`;

const APPLIED = `WITH ${LOGS} SELECT coalesce(sum(offsets_in(offsets)), 0)::float8 AS applied FROM ours`;

/**
 * Each record of ours that was not counted, by the number of its partition in `sent`. A stream that removes no retries
 * counts all that is left; the identities of the other one are found by the time of the file's events, for which it has an
 * index.
 */
const OTHERS = `WITH ${LOGS},
  known AS (
    SELECT nr, q."offset", 'quarantined' AS fate, q.reason || coalesce(' (' || q.field || ')', '') AS reason
    FROM quarantine AS q JOIN logs USING (source, topic, partition, incarnation) JOIN ours USING (nr)
    WHERE q."offset" <@ ours.offsets
    UNION ALL
    SELECT nr, t."offset", 'too late', ''
    FROM too_late AS t JOIN logs USING (source, topic, partition, incarnation) JOIN ours USING (nr)
    WHERE t."offset" <@ ours.offsets
    UNION ALL
    SELECT nr, c."offset", 'conflict', '' FROM conflict AS c JOIN logs ON c.log_id = logs.id JOIN ours USING (nr)
    WHERE c."offset" <@ ours.offsets),
  settled AS (
    SELECT nr, "offset" FROM known
    UNION ALL
    SELECT nr, s."offset" FROM seen_event AS s JOIN logs ON s.log_id = logs.id
    WHERE s.stream = $8 AND s.event_time BETWEEN $6::timestamptz AND $7::timestamptz),
  once AS (
    SELECT nr, o AS "offset" FROM ours, unnest(offsets) AS r, generate_series(lower(r), upper(r) - 1) AS o
    WHERE topic = $5)
  SELECT * FROM known
  UNION ALL
  SELECT once.*, 'duplicate', '' FROM once
  WHERE NOT EXISTS (SELECT FROM settled WHERE settled.nr = once.nr AND settled."offset" = once."offset")`;

/** Where the logs were cut, by what the producer has seen and by what the sweeper has found. */
async function cutsOf(client: pg.Client, { partitions, before }: Sending): Promise<Map<Partition, number>> {
  const { rows } = await client.query<{ topic: string; partition: number; from: number }>(
    `SELECT topic, partition, min(coalesce(from_offset, 0))::float8 AS "from" FROM log_break
     WHERE found_at >= $1 AND kind <> 'renamed' GROUP BY topic, partition`,
    [before],
  );
  const cuts = new Map<Partition, number>();
  for (const one of partitions) {
    const found = rows.find(({ topic, partition }) => topic === one.topic && partition === one.partition);
    const from = [one.cutFrom, found?.from ?? null].filter((offset) => offset !== null);
    if (from.length > 0) cuts.set(one, Math.min(...from));
  }
  return cuts;
}

/**
 * The logs that no sweep has seen which began after the last record was sent. Until then the ledger may hold the offsets of
 * a log that is there no more.
 */
async function unseenOf(client: pg.Client, { partitions, after }: Sending): Promise<ReadonlySet<Partition>> {
  const { rows } = await client.query<{ topic: string; partition: number }>(
    "SELECT DISTINCT topic, partition FROM partition_progress WHERE observed_at >= $1",
    [after],
  );
  const isSeen = (one: Partition) =>
    rows.some(({ topic, partition }) => topic === one.topic && partition === one.partition);
  return new Set(partitions.filter((one) => !isSeen(one)));
}

/** The offsets of which it is known whose they are, and how many records that are. */
async function clearOffsets(client: pg.Client, sending: Sending, unseen: ReadonlySet<Partition>) {
  const cuts = await cutsOf(client, sending);
  const offsets = sending.partitions.map((one) =>
    offsetsBelow(one, unseen.has(one) ? 0 : (cuts.get(one) ?? null)),
  );
  const parameters = [
    sending.partitions.map(({ topic }) => topic),
    sending.partitions.map(({ partition }) => partition),
    offsets.map(toMultirange),
    sending.before,
  ];
  return { cuts, parameters, records: offsets.reduce((sum, ranges) => sum + size(ranges), 0) };
}

async function appliedOf(client: pg.Client, parameters: readonly unknown[]): Promise<number> {
  const { rows } = await client.query<{ applied: number }>(APPLIED, [...parameters]);
  return rows[0]?.applied ?? 0;
}

const GIVE_UP_MS = 30_000;
/** A deployed sweeper comes each minute, and may miss one. */
const GIVE_UP_UNSEEN_MS = 150_000;
const LOOK_EVERY_MS = 250;

/**
 * Waits until all the records are applied and the sweeper has looked at their logs, nothing has changed for half a minute
 * (without the sweeper: two and a half), or the signal ends it.
 * @param show takes how many records are still to come, and at how many logs the sweeper has not looked
 */
export async function untilApplied(
  client: pg.Client,
  sending: Sending,
  signal: AbortSignal,
  show: (toCome: number, unseen: number) => void,
): Promise<void> {
  let [applied, unseen] = [-1, -1];
  for (let changedMs = performance.now(); !signal.aborted; ) {
    const { size: unseenNow } = await unseenOf(client, sending);
    const { parameters, records } = await clearOffsets(client, sending, new Set());
    const now = await appliedOf(client, parameters);
    if (now >= records && unseenNow === 0) return;
    if (now !== applied || unseenNow !== unseen) changedMs = performance.now();
    else if (performance.now() - changedMs > (unseenNow > 0 ? GIVE_UP_UNSEEN_MS : GIVE_UP_MS)) return;
    [applied, unseen] = [now, unseenNow];
    show(records - now, unseenNow);
    // Ended early by the signal, which the loop looks at next.
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

export async function fateOf(client: pg.Client, sending: Sending): Promise<Fate> {
  const { partitions, firstUs, lastUs, once } = sending;
  const unseen = await unseenOf(client, sending);
  const { cuts, parameters, records } = await clearOffsets(client, sending, unseen);
  const applied = await appliedOf(client, parameters);
  const { rows } = await client.query<{
    nr: string;
    offset: string;
    fate: (typeof fates)[number];
    reason: string;
  }>(OTHERS, [...parameters, once.topic, formatInstant(firstUs), formatInstant(lastUs), once.stream]);
  const others = new Map<(typeof fates)[number], Troubles>();
  for (const { nr, offset, fate, reason } of rows) {
    const partition = partitions[Number(nr) - 1];
    const troubles = others.get(fate) ?? new Troubles();
    troubles.add(reason, partition === undefined ? 0 : (lineAt(partition, Number(offset)) ?? 0));
    others.set(fate, troubles);
  }
  const sent = partitions.reduce((sum, one) => sum + one.records, 0);
  return {
    sent,
    applied,
    counted: applied - rows.length,
    others,
    unclear: sent - records,
    unseen: [...unseen].map(({ topic, partition }) => `${topic}-${partition}`),
    cuts: [...cuts].map(([{ topic, partition }, from]) => `${topic}-${partition} from offset ${from} on`),
  };
}
