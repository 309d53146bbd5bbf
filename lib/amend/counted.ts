// The records that the ledger has counted, read again: from the topic, and from quarantine where they were replayed.
// Remembers what it has read, so that each call brings only what has been applied since.

import { difference, fromMultirange, holds, type OffsetRanges, size, union } from "../core/ranges.ts";
import type { Archive, ArchivedPartition } from "../kafka/archive.ts";
import type { Queryable } from "../postgres/judge.ts";
import { isReplaySource, replaySourceOf } from "../postgres/replay-source.ts";
import { AmendmentError } from "./apply.ts";
import { logKey } from "./entry.ts";
import { type Break, heldOffsets, type LedgerLog } from "./held.ts";
import type { Candidate, CountedRecord } from "./refold.ts";

interface Log extends LedgerLog {
  /** What it has itself applied and the log still holds. */
  readonly own: OffsetRanges;
}

/** Multiranges as PostgreSQL writes them. */
interface AsText {
  readonly applied: string;
  readonly inherited: string;
}

/**
 * Nothing can be amended by a topic of which nothing was counted: most likely another pipeline's name for it.
 * @throws AmendmentError that names the topics of which something was counted
 */
export async function refuseUncountedTopic(database: Queryable, topic: string): Promise<void> {
  const { rows } = await database.query<{ topic: string }>(
    "SELECT DISTINCT topic FROM ledger ORDER BY topic",
  );
  const counted = rows.map((row) => row.topic);
  if (counted.includes(topic)) return;
  const others =
    counted.length === 0 ? "nothing was counted yet" : `it has counted those of ${counted.join(", ")}`;
  throw new AmendmentError(
    `no event of the topic ${topic} was counted in this database; ${others}; see KAFKA_TOPIC_…`,
  );
}

const REPLAY_PAGE = 1_000;

export class CountedRecords {
  readonly #archive: Archive;
  readonly #topic: string;
  readonly #read = new Map<string, OffsetRanges>();
  readonly #readReplays = new Set<string>();

  constructor(archive: Archive, topic: string) {
    this.#archive = archive;
    this.#topic = topic;
  }

  /** The entries of the topic, but for those of replays, which no log holds. */
  async #logs(database: Queryable): Promise<Log[]> {
    const entries = await database.query<Omit<LedgerLog, "applied" | "inherited"> & AsText>(
      `SELECT source, partition, incarnation, applied::text, inherited::text FROM ledger WHERE topic = $1
       ORDER BY source, partition, incarnation`,
      [this.#topic],
    );
    const breaks = await database.query<Break>(
      `SELECT source, partition, incarnation, CASE kind WHEN 'renamed' THEN before END AS "renamedFrom"
       FROM log_break WHERE topic = $1 ORDER BY id`,
      [this.#topic],
    );
    const logs = entries.rows
      .filter(({ source }) => !isReplaySource(source))
      .map((row) => ({
        ...row,
        applied: fromMultirange(row.applied),
        inherited: fromMultirange(row.inherited),
      }));
    const held = heldOffsets(logs, breaks.rows);
    return logs.map((log) => ({ ...log, own: held.get(logKey(log)) ?? [] }));
  }

  /**
   * What has been applied and not been read by an earlier call.
   * @param sinceMs which records of the topic, by Kafka's time stamp; 0 for all that it still holds
   * @param onRead is told how many offsets have been read, of how many
   */
  async *unread(
    database: Queryable,
    sinceMs: number,
    onRead: (offsets: number, of: number) => void,
  ): AsyncGenerator<readonly CountedRecord[]> {
    yield* this.#unreadReplays(database);
    const logs = await this.#logs(database);
    const partitions = await this.#archive.partitions(this.#topic, sinceMs);
    const wanted = partitions.map((partition) => ({
      ...partition,
      logs: this.#unreadOf(partition, logs, sinceMs),
    }));
    const total = wanted.flatMap((p) => p.logs).reduce((sum, log) => sum + size(log.unread), 0);
    let done = 0;
    for (const { partition, logs: ofPartition } of wanted) {
      const ranges = ofPartition.map((log) => log.unread).reduce(union, []);
      for await (const records of this.#archive.read(this.#topic, partition, ranges)) {
        yield ofPartition.flatMap(({ source, incarnation, unread }) =>
          records.flatMap(({ offset, value }) =>
            value !== null && holds(unread, offset) ? { source, partition, incarnation, offset, value } : [],
          ),
        );
        done += records.length;
        onRead(done, total);
      }
      for (const log of ofPartition)
        this.#read.set(logKey(log), union(this.#read.get(logKey(log)) ?? [], log.unread));
    }
  }

  #unreadOf(
    { partition, first, firstAtTime, end }: ArchivedPartition,
    logs: readonly Log[],
    sinceMs: number,
  ) {
    const from = sinceMs > 0 ? firstAtTime : first;
    const present = from < end ? [{ from, to: end }] : [];
    return logs
      .filter((log) => log.partition === partition)
      .map((log) => {
        const there = difference(present, difference(present, log.own));
        return { ...log, unread: difference(there, this.#read.get(logKey(log)) ?? []) };
      });
  }

  async *#unreadReplays(database: Queryable): AsyncGenerator<readonly CountedRecord[]> {
    let after: unknown[] = ["", -1, -1, -1];
    for (;;) {
      const { rows } = await database.query<CountedRecord>(
        `SELECT source, partition, incarnation, "offset"::float8 AS "offset", coalesce(edited_value, value) AS value
         FROM quarantine WHERE topic = $1 AND resolution = 'replayed' AND outcome IN ('counted', 'applied_before')
           AND (source, partition, incarnation, "offset") > ($2, $3::integer, $4::integer, $5::bigint)
         ORDER BY source, partition, incarnation, quarantine."offset" LIMIT ${REPLAY_PAGE}`,
        [this.#topic, ...after],
      );
      const last = rows.at(-1);
      if (last === undefined) return;
      after = [last.source, last.partition, last.incarnation, last.offset];
      const unread = rows.filter((row) => !this.#readReplays.has(`${logKey(row)}\0${row.offset}`));
      for (const row of unread) this.#readReplays.add(`${logKey(row)}\0${row.offset}`);
      yield unread.map((row) => ({
        ...row,
        source: replaySourceOf(row.source, row.incarnation),
        incarnation: 0,
      }));
    }
  }

  /** Leaves out what was applied and not counted: quarantined, whatever it looks like by now, too late or in conflict. */
  async onlyCounted(database: Queryable, candidates: readonly Candidate[]): Promise<readonly Candidate[]> {
    if (candidates.length === 0) return candidates;
    const { rows } = await database.query<{ nth: number }>(
      `SELECT w.nth::integer AS nth
       FROM unnest($2::text[], $3::integer[], $4::integer[], $5::bigint[])
         WITH ORDINALITY AS w(source, partition, incarnation, "offset", nth)
       WHERE EXISTS (SELECT FROM quarantine AS q
           WHERE (q.source, q.topic, q.partition, q.incarnation, q."offset") = (w.source, $1, w.partition, w.incarnation, w."offset"))
         OR EXISTS (SELECT FROM too_late AS l
           WHERE (l.source, l.topic, l.partition, l.incarnation, l."offset") = (w.source, $1, w.partition, w.incarnation, w."offset"))
         OR EXISTS (SELECT FROM ledger AS l JOIN conflict AS c ON c.log_id = l.id AND c."offset" = w."offset"
           WHERE (l.source, l.topic, l.partition, l.incarnation) = (w.source, $1, w.partition, w.incarnation))`,
      [
        this.#topic,
        candidates.map((c) => c.source),
        candidates.map((c) => c.partition),
        candidates.map((c) => c.incarnation),
        candidates.map((c) => c.offset),
      ],
    );
    const uncounted = new Set(rows.map((row) => row.nth - 1));
    return candidates.filter((_, i) => !uncounted.has(i));
  }
}
