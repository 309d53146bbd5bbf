// Puts the event that was counted beside the one that was not: what the commit did not have at hand is read from the
// topic while the broker still holds it.

import type { Pool } from "pg";
import { union } from "../core/ranges.ts";
import { isRefusal } from "../streams/refusal.ts";
import { type Event, inZone, type Stream, type StreamZones } from "../streams/stream.ts";
import type { SweptTopic } from "../windows/sweep.ts";
import type { TopicLog } from "../windows/watch-log.ts";

/** The topic as the broker has it. */
type ConflictLog = Pick<TopicLog, "offsets" | "read">;

/** What is left over is the next sweep's. Near ones are fetched together; 2,000 far apart cost as many fetches of 1 MB. */
const MOST_PER_SWEEP = 2_000;

interface Bounds {
  readonly partition: number;
  /** First offset that retention has left, and the log's end. */
  readonly first: number;
  readonly end: number;
}

interface IncompleteConflict {
  readonly id: string;
  readonly partition: number;
  readonly offset: number;
  /** The value of the event that was not counted. */
  readonly other: Buffer;
}

/** Whether two values are one identity with different contents: a log that was cut may hold another record there. */
function areInConflict(stream: Stream<Event>, value: Buffer, other: Buffer): boolean {
  const [event, another] = [stream.decode(value), stream.decode(other)];
  if (isRefusal(event) || isRefusal(another)) return false;
  return event.identity === another.identity && stream.contentOf(event) !== stream.contentOf(another);
}

/** @param found values of first events by conflict; null where it is gone */
async function enter(pool: Pool, found: readonly (readonly [id: string, value: Buffer | null])[]) {
  if (found.length === 0) return;
  await pool.query("SELECT complete_conflicts($1, $2)", [
    found.map(([id]) => id),
    found.map(([, value]) => value),
  ]);
}

/**
 * Completes conflicts whose first events stand in one partition.
 * @returns whether it came to the end in time; what is gone by retention, by compaction or with its topic is entered as gone
 */
async function completePartition(
  pool: Pool,
  log: ConflictLog,
  stream: Stream<Event>,
  conflicts: readonly IncompleteConflict[],
  { partition, first, end }: Bounds,
  hasTime: () => boolean,
): Promise<boolean> {
  const left = new Map(conflicts.map((conflict) => [conflict.id, conflict]));
  const atOffset = Map.groupBy(conflicts, ({ offset }) => offset);
  const wanted = [...atOffset.keys()].filter((offset) => offset >= first && offset < end);
  const ranges = union(
    wanted.map((offset) => ({ from: offset, to: offset + 1 })),
    [],
  );
  for await (const records of log.read(partition, ranges)) {
    const found = records.flatMap(({ offset, value }) =>
      (atOffset.get(offset) ?? []).map(({ id, other }): [string, Buffer | null] => {
        left.delete(id);
        return [id, value !== null && areInConflict(stream, value, other) ? value : null];
      }),
    );
    await enter(pool, found);
    if (!hasTime()) return false;
  }
  await enter(
    pool,
    [...left.keys()].map((id) => [id, null]),
  );
  return true;
}

/**
 * Completes conflicts of a topic, a bounded number of them, from each partition in turn.
 * @param zones with which the events were counted
 * @param hasTime whether another fetch may begin
 * @throws Error where broker or database are away; a later sweep goes on
 */
export async function completeConflicts(
  pool: Pool,
  { source, topic, stream: name }: SweptTopic,
  log: ConflictLog,
  zones: StreamZones | undefined,
  hasTime: () => boolean,
): Promise<void> {
  await pool.query("SELECT complete_conflicts_of_replays()");
  const { rows } = await pool.query<IncompleteConflict>(
    `SELECT id, partition, "offset"::float8 AS "offset", other
     FROM incomplete_conflicts($1, $2, $3)`,
    [source, topic, MOST_PER_SWEEP],
  );
  if (rows.length === 0) return;
  // Loaded only here: a sweep rarely needs all streams' decoders.
  const { streams } = await import("../streams/streams.ts");
  const stream = inZone(streams[name], zones);
  const bounds = await log.offsets();
  for (const [partition, conflicts] of Map.groupBy(rows, (row) => row.partition)) {
    const known = bounds.find((one) => one.partition === partition) ?? { partition, first: 0, end: 0 };
    if (!(await completePartition(pool, log, stream, conflicts, known, hasTime))) return;
  }
}
