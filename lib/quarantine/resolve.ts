// Replays and discards. Law: a replay is a log of its own beside the topic, which the ledger judges as any other, so
// that a record is counted once whoever replays it, how often, and wherever that ends; its row is marked in the same
// transaction and never deleted.

import type { Pool, PoolClient } from "pg";
import { postgresJudge } from "../postgres/judge.ts";
import { replaySourceOf } from "../postgres/replay-source.ts";
import { inTransaction } from "../postgres/transaction.ts";
import type { Refusal } from "../streams/refusal.ts";
import { type Event, inZone, type Stream } from "../streams/stream.ts";
import { type CommitOutcome, commitRecords, type LatenessRules } from "../windows/commit.ts";
import { foldRecords } from "../windows/fold.ts";
import { formatPosition } from "./position.ts";
import { type QuarantinedRecord, type RecordKey, recordColumns } from "./records.ts";

/** A record that was refused so often is replayed no more unless that is asked for: a loop would try it for ever. */
export const MAX_ATTEMPTS = 5;

/** What became of the event. A conflict is settled as well: it is listed as one, beside the event that was counted. */
export type ReplayOutcome = "counted" | "duplicate" | "conflict" | "too_late" | "applied_before";

/** How a replay ends. Only a settled one has changed anything but the attempts on record. */
export type ReplayResult =
  | {
      readonly kind: "settled";
      readonly outcome: ReplayOutcome;
      readonly windowStartUs: number;
      /** Whether the window was final, and is amended. */
      readonly late: boolean;
    }
  | { readonly kind: "refused again"; readonly refusal: Refusal; readonly attempts: number }
  | { readonly kind: "too many attempts"; readonly attempts: number }
  | { readonly kind: "replayed before"; readonly by: string; readonly at: Date };

export interface Replay {
  /** What is replayed in place of the value as it came, or null for that. */
  readonly editedValue: Buffer | null;
  readonly by: string;
  readonly note: string | null;
  readonly force: boolean;
  /** Find out what would happen, and change nothing. */
  readonly dryRun: boolean;
}

const whereKey = `WHERE source = $1 AND topic = $2 AND partition = $3 AND incarnation = $4 AND "offset" = $5`;

function keyOf({ source, topic, partition, incarnation, offset }: RecordKey): unknown[] {
  return [source, topic, partition, incarnation, offset];
}

async function lockRecord(
  client: PoolClient,
  key: RecordKey,
): Promise<QuarantinedRecord & { readonly nowUs: number }> {
  const { rows } = await client.query<QuarantinedRecord & { readonly nowUs: number }>(
    `SELECT ${recordColumns}, epoch_us(now())::float8 AS "nowUs" FROM quarantine ${whereKey} FOR UPDATE`,
    keyOf(key),
  );
  const record = rows[0];
  if (record === undefined)
    throw new Error(`${formatPosition(key)} is no longer in quarantine: its retention has passed`);
  return record;
}

async function noteAttempt(
  client: PoolClient,
  key: RecordKey,
  refusal: Refusal,
  by: string,
): Promise<number> {
  const { rows } = await client.query<{ attempts: number }>(
    `UPDATE quarantine SET attempts = attempts + 1, attempted_at = now(), attempted_by = $6, last_reason = $7,
       last_field = $8 ${whereKey} RETURNING attempts`,
    [...keyOf(key), by, refusal.refused, refusal.field],
  );
  return rows[0]?.attempts ?? 0;
}

function outcomeOf(committed: CommitOutcome): ReplayOutcome {
  if (committed.replayed > 0) return "applied_before";
  if (committed.tooLate > 0) return "too_late";
  if (committed.conflicts > 0) return "conflict";
  return committed.duplicates > 0 ? "duplicate" : "counted";
}

async function replayLocked<E extends Event>(
  client: PoolClient,
  stream: Stream<E>,
  key: RecordKey,
  replay: Replay,
  rules: LatenessRules,
): Promise<ReplayResult> {
  const record = await lockRecord(client, key);
  const { resolvedAt, resolvedBy, attempts } = record;
  if (record.resolution === "replayed" && resolvedAt !== null && resolvedBy !== null)
    return { kind: "replayed before", by: resolvedBy, at: resolvedAt };
  if (attempts >= MAX_ATTEMPTS && !replay.force) return { kind: "too many attempts", attempts };

  const again = { offset: key.offset, recordTimeMs: -1, value: replay.editedValue ?? record.value };
  const { refused, rows } = foldRecords(inZone(stream, rules.zones), [again], {
    applied: [],
    futureAfterUs: record.nowUs + rules.futureSkewUs,
    tooLateUpToUs: Number.NEGATIVE_INFINITY,
    seen: new Map(),
  });
  const refusal = refused[0];
  if (refusal !== undefined)
    return { kind: "refused again", refusal, attempts: await noteAttempt(client, key, refusal, replay.by) };

  const { topic, partition } = key;
  const address = { source: replaySourceOf(key.source, key.incarnation), topic, partition };
  const committed = await commitRecords(postgresJudge(client), stream, address, [again], rules);
  const outcome = outcomeOf(committed);
  await client.query(
    `UPDATE quarantine SET resolution = 'replayed', outcome = $6, resolved_at = now(), resolved_by = $7, note = $8,
       edited_value = $9 ${whereKey}`,
    [...keyOf(key), outcome, replay.by, replay.note, replay.editedValue],
  );
  return {
    kind: "settled",
    outcome,
    windowStartUs: rows.windowStartsUs[0] ?? Number.NaN,
    late: committed.late > 0,
  };
}

/**
 * Replays one record: as it came, for code that understands it by now, or edited.
 * @throws Error where it is no longer in quarantine; DatabaseError or a connection error where PostgreSQL is in
 *   trouble: then nothing has happened, or all of it, and replaying again is right in both cases
 */
export function replayRecord<E extends Event>(
  pool: Pool,
  stream: Stream<E>,
  key: RecordKey,
  replay: Replay,
  rules: LatenessRules,
): Promise<ReplayResult> {
  return inTransaction(
    pool,
    (client) => replayLocked(client, stream, key, replay, rules),
    replay.dryRun ? "ROLLBACK" : "COMMIT",
  );
}

/**
 * Marks records as never to be replayed; they stay on record until their retention has passed.
 * @returns how many were unresolved and are discarded now
 */
export async function discardRecords(
  pool: Pool,
  keys: readonly RecordKey[],
  by: string,
  note: string | null,
): Promise<number> {
  const { rowCount } = await pool.query(
    `UPDATE quarantine AS q SET resolution = 'discarded', resolved_at = now(), resolved_by = $6, note = $7
     FROM unnest($1::text[], $2::text[], $3::integer[], $4::integer[], $5::bigint[])
       AS k(source, topic, partition, incarnation, "offset")
     WHERE (q.source, q.topic, q.partition, q.incarnation, q."offset")
       = (k.source, k.topic, k.partition, k.incarnation, k."offset") AND q.resolution IS NULL`,
    [
      keys.map((key) => key.source),
      keys.map((key) => key.topic),
      keys.map((key) => key.partition),
      keys.map((key) => key.incarnation),
      keys.map((key) => key.offset),
      by,
      note,
    ],
  );
  return rowCount ?? 0;
}
