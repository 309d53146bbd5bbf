// Delivers again what is LOST, through the commit that every delivery takes: what is there already is not counted again,
// and the rows become what they would have been. What was delivered is put on record in the transaction that commits it.

import type { Pool } from "pg";
import type { LogRecord } from "../core/log-record.ts";
import { toMultirange } from "../core/ranges.ts";
import { log, messageOf } from "../log.ts";
import { streams } from "../streams/streams.ts";
import { commitRecords, type LatenessRules } from "../windows/commit.ts";
import type { Gap, SweptTopic } from "../windows/sweep.ts";
import type { Allowance, LostPartition, ReadRecords } from "../windows/sweep-all.ts";
import { postgresJudge } from "./judge.ts";
import { inTransaction } from "./transaction.ts";

export const withoutLimit = (): Allowance => ({ records: Number.POSITIVE_INFINITY, hasTime: () => true });

/** A range of a topic. */
export interface LostRange extends SweptTopic, Gap {}

const BATCH_RECORDS = 2_500;

async function deliverBatch(
  pool: Pool,
  { stream, source, topic, partition }: LostRange,
  records: readonly LogRecord[],
  rules: LatenessRules,
  deliveredBy: string,
): Promise<void> {
  await inTransaction(pool, async (client) => {
    const address = { source, topic, partition };
    const outcome = await commitRecords(
      postgresJudge(client, () => 0),
      streams[stream],
      address,
      records,
      rules,
    );
    const fresh = outcome.records - outcome.replayed;
    if (fresh === 0) return; // somebody else has delivered them meanwhile
    await client.query(
      `INSERT INTO redelivery (source, topic, partition, offsets, records, counted, delivered_by)
       VALUES ($1, $2, $3, int8range($4, $5), $6, $7, $8)`,
      [
        source,
        topic,
        partition,
        records.at(0)?.offset,
        (records.at(-1)?.offset ?? 0) + 1,
        fresh,
        outcome.counted,
        deliveredBy,
      ],
    );
  });
}

/**
 * Delivers the range from its beginning, as far as is allowed.
 * @param deliveredBy for the record: `sweep-windows` or a command
 * @returns how many records
 * @throws where broker or database are away; what was delivered until then stays
 */
export async function redeliver(
  pool: Pool,
  range: LostRange,
  readRecords: ReadRecords,
  rules: LatenessRules,
  deliveredBy: string,
  allowance: Allowance,
): Promise<number> {
  let delivered = 0;
  // A piece settles from its first to its last record. The next one takes its last record along, which is not counted
  // again, so that a hole between two pieces is settled as well.
  let last: LogRecord[] = [];
  for await (const piece of readRecords(range.topic, range.partition, [range]))
    for (let from = 0; from < piece.length; from += BATCH_RECORDS) {
      if (allowance.records <= 0 || !allowance.hasTime()) return delivered;
      const records = piece.slice(from, from + Math.min(BATCH_RECORDS, allowance.records));
      await deliverBatch(pool, range, [...last, ...records], rules, deliveredBy);
      last = records.slice(-1);
      delivered += records.length;
      allowance.records -= records.length;
      if (records.length < Math.min(BATCH_RECORDS, piece.length - from)) return delivered;
    }
  return delivered;
}

/**
 * Why a partition's lost ranges must not be delivered, and what to do; null where nothing is in the way.
 * Of a log that is known by its ids under another source the offsets have been taken over before (`observe_log`). One whose
 * ids nobody has compared may be the same log: what of it was counted there is not counted again.
 * @param isAnotherCluster somebody knows that the ledger's other sources are other clusters
 */
export async function reasonNotTo(
  pool: Pool,
  { source, topic, partition, lost }: LostPartition,
  isAnotherCluster: boolean,
): Promise<string | null> {
  const { rows } = await pool.query<{ reason: string | null }>(
    `SELECT CASE
       WHEN l.records > offsets_in(l.applied) THEN
         'they are not delivered again, which could double them, for the ledger has ' || l.records || ' records in '
           || offsets_in(l.applied) || ' offsets: somebody has taken offsets out of it by hand; docs/runbook.md, '
           || 'records-lost, says how to put them back'
       WHEN NOT $4 THEN (
         SELECT 'they are not delivered again, which could double them, for the ledger knows this partition of another '
           || 'source, perhaps of the same log: ' || min(o.source) || '; name that one again (MSK_CLUSTER_ARN, '
           || 'KAFKA_BROKER), or, if it is another cluster: npm run audit -- --repair --another-cluster'
         FROM ledger AS o WHERE o.topic = $2 AND o.partition = $3 AND o.source <> $1 AND o.records > 0
           AND o.applied && $5::int8multirange
           AND (o.cluster_id IS NULL OR l.cluster_id IS NULL) AND position('#replay-' IN o.source) = 0
         HAVING count(*) > 0)
       END AS reason
     FROM (SELECT) AS always LEFT JOIN LATERAL (
       SELECT records, applied, cluster_id FROM ledger WHERE source = $1 AND topic = $2 AND partition = $3
       ORDER BY incarnation DESC LIMIT 1) AS l ON true`,
    [source, topic, partition, isAnotherCluster, toMultirange(lost)],
  );
  return rows[0]?.reason ?? null;
}

/** @param why null where nothing was in the way of any range */
async function noteWhy(
  pool: Pool,
  { source, topic, partition }: LostPartition,
  why: string | null,
): Promise<void> {
  await pool.query(
    `UPDATE partition_progress SET lost_why = $4
     WHERE source = $1 AND topic = $2 AND partition = $3 AND lost_why IS DISTINCT FROM $4`,
    [source, topic, partition, why],
  );
}

/**
 * Delivers a partition's ranges. What cannot be delivered is put on record at once: the function may not come to its end.
 * @returns how many records
 */
async function redeliverPartition(
  pool: Pool,
  lostPartition: LostPartition,
  readRecords: ReadRecords,
  rules: LatenessRules,
  allowance: Allowance,
): Promise<number> {
  const { lost, ...place } = lostPartition;
  const { topic, partition } = place;
  let why = await reasonNotTo(pool, lostPartition, false);
  if (why !== null) {
    await noteWhy(pool, lostPartition, why);
    return 0;
  }
  let delivered = 0;
  for (const { from, to } of lost) {
    if (allowance.records <= 0 || !allowance.hasTime()) break;
    const at = { topic, partition, from, to };
    try {
      const range = { ...place, from, to };
      const records = await redeliver(pool, range, readRecords, rules, "sweep-windows", allowance);
      log("warn", "delivered again what the trigger had passed", { ...at, records });
      delivered += records;
    } catch (error) {
      // The other ranges have their turn; the next sweep tries this one again.
      const reason = messageOf(error);
      log("error", "not delivered again", { ...at, reason });
      if (why === null) {
        why = `delivering them again failed (${reason}): the next sweep tries it again, put right what is in the way`;
        await noteWhy(pool, lostPartition, why);
      }
    }
  }
  if (why === null) await noteWhy(pool, lostPartition, null);
  return delivered;
}

/**
 * The sweeper's share: each partition in its turn, as far as the allowance goes. One that cannot be delivered is put on
 * record with the reason, and the others have their turn.
 * @returns how many records
 * @throws where the database is away
 */
export async function redeliverLost(
  pool: Pool,
  lost: readonly LostPartition[],
  readRecords: ReadRecords,
  rules: LatenessRules,
  allowance: Allowance,
): Promise<number> {
  let delivered = 0;
  for (const one of lost) {
    if (allowance.records <= 0 || !allowance.hasTime()) break;
    delivered += await redeliverPartition(pool, one, readRecords, rules, allowance);
  }
  return delivered;
}
