// Puts the event that was counted beside the one that was not: what the commit did not have at hand is read from the
// topic while the broker still holds it.

import type { Pool } from "pg";
import { isRefusal } from "../streams/refusal.ts";
import { type Event, inZone, type Stream, type StreamZones } from "../streams/stream.ts";
import type { SweptTopic } from "./sweep.ts";
import type { TopicLog } from "./watch-log.ts";

/** The topic as the broker has it. */
type ConflictLog = Pick<TopicLog, "offsets" | "read">;

/** Each may cost a fetch of up to 1 MB; what is left over is the next sweep's. */
const MOST_PER_SWEEP = 100;

interface IncompleteConflict {
  readonly id: string;
  readonly partition: number;
  readonly offset: number;
  /** The value of the event that was not counted. */
  readonly other: Buffer;
}

/** Whether two values are one identity with different contents: a log that was cut may hold another record there. */
function areInConflict(stream: Stream<Event, unknown>, value: Buffer, other: Buffer): boolean {
  const [event, another] = [stream.decode(value), stream.decode(other)];
  if (isRefusal(event) || isRefusal(another)) return false;
  return event.identity === another.identity && stream.contentOf(event) !== stream.contentOf(another);
}

/** The first event's value, or null where it is gone: by retention, by compaction, with its topic. */
async function readFirst(
  log: ConflictLog,
  stream: Stream<Event, unknown>,
  { partition, offset, other }: IncompleteConflict,
  bounds: ReadonlyMap<number, readonly [first: number, end: number]>,
): Promise<Buffer | null> {
  const [first, end] = bounds.get(partition) ?? [0, 0];
  if (offset < first || offset >= end) return null;
  for await (const records of log.read(partition, [{ from: offset, to: offset + 1 }]))
    for (const { value } of records) if (value !== null && areInConflict(stream, value, other)) return value;
  return null;
}

/**
 * Completes conflicts of a topic, a bounded number of them.
 * @param zones with which the events were counted
 * @throws Error where broker or database are away; a later sweep goes on
 */
export async function completeConflicts(
  pool: Pool,
  { source, topic, stream: name }: SweptTopic,
  log: ConflictLog,
  zones: StreamZones | undefined,
): Promise<void> {
  await pool.query("SELECT complete_conflicts_of_replays()");
  const { rows } = await pool.query<IncompleteConflict>(
    `SELECT id, partition, "offset"::float8 AS "offset", other
     FROM incomplete_conflicts($1, $2, $3)`,
    [source, topic, MOST_PER_SWEEP],
  );
  if (rows.length === 0) return;
  // Loaded only here: it needs all streams' decoders, and a sweep rarely needs it.
  const { streams } = await import("../streams/streams.ts");
  const stream = inZone(streams[name], zones);
  const partitions = await log.offsets();
  const bounds = new Map(partitions.map((p) => [p.partition, [p.first, p.end] as const]));
  for (const conflict of rows)
    await pool.query("SELECT complete_conflict($1, $2)", [
      conflict.id,
      await readFirst(log, stream, conflict, bounds),
    ]);
}
