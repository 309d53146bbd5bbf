// Folds the records of one partition into what the commit changes: partials, refusals and the offsets settled.
// Pure. Law: each record that is new by the facts ends as exactly one of counted, refused, too late, duplicate, conflict.

import { hash } from "node:crypto";
import type { LogRecord } from "../core/log-record.ts";
import { difference, holds, type OffsetRanges } from "../core/ranges.ts";
import { uuidOf } from "../core/uuid.ts";
import { windowStartUs } from "../core/window.ts";
import type { Doubt } from "../streams/doubt.ts";
import type { Refusal } from "../streams/refusal.ts";
import type { Rows } from "../streams/rows.ts";
import type { Event, StationReading, Stream } from "../streams/stream.ts";
import { Lateness, type LatenessCount } from "./lateness.ts";

/** The event that was counted under an identity. */
export interface SeenIdentity {
  readonly content: number;
  /** Its position: the ledger's number of the log, null for the log of the batch itself; and its offset there. */
  readonly log: number | null;
  readonly offset: number;
}

/** What the database knows and a fold depends on. Where it no longer holds, the commit is refused and folded again. */
export interface Facts {
  /** Offsets of this partition that have been applied before. */
  readonly applied: OffsetRanges;
  /** Events later than this are refused, µs. */
  readonly futureAfterUs: number;
  /** Events of windows that end at or before this are too late, µs. */
  readonly tooLateUpToUs: number;
  /** Identities that were counted before, by their key. */
  readonly seen: ReadonlyMap<string, SeenIdentity>;
}

export interface RefusedRecord extends Refusal {
  readonly offset: number;
  readonly value: Buffer | null;
}

export interface TooLateRecord {
  readonly offset: number;
  readonly timeUs: number;
  readonly value: Buffer;
}

/** An event whose identity another event was counted under, with other content. */
export interface ConflictingRecord {
  readonly eventKey: string;
  readonly offset: number;
  readonly timeUs: number;
  readonly value: Buffer;
  readonly first: Omit<SeenIdentity, "content"> & {
    /** Null where it is not in this batch. */
    readonly value: Buffer | null;
  };
}

/** A value of an event that is counted and likely to be another unit. */
export interface DoubtfulValue extends Doubt {
  readonly offset: number;
  readonly timeUs: number;
}

/** What a station measured in an event that is counted. */
export interface CountedStationReading extends StationReading {
  readonly offset: number;
  readonly timeUs: number;
}

export interface CountedIdentity {
  readonly eventKey: string;
  readonly timeUs: number;
  readonly content: number;
  readonly offset: number;
}

/** What one partition's batch adds. */
export interface FoldedBatch {
  /** The new offsets, holes between them included. */
  readonly offsets: OffsetRanges;
  readonly records: number;
  readonly counted: number;
  readonly duplicates: number;
  /** What the counted events add. */
  readonly rows: Rows;
  readonly refused: readonly RefusedRecord[];
  readonly tooLate: readonly TooLateRecord[];
  readonly conflicts: readonly ConflictingRecord[];
  /** Of the counted events. */
  readonly doubtful: readonly DoubtfulValue[];
  /** Of the counted events, where the stream has stations. */
  readonly stationReadings: readonly CountedStationReading[];
  readonly identities: readonly CountedIdentity[];
  /** Of the events that are counted or too late, and whose records have a time. */
  readonly lateness: readonly LatenessCount[];
  /** Of the events that are not too late: a device without a clock says nothing of how far a stream has come. */
  readonly maxEventTimeUs: number | null;
  /** Of the events that are counted or in conflict. */
  readonly firstWindowEndUs: number | null;
}

/** 1 January 2000: an earlier event time is that of a device without a clock, and never makes a window. */
export const EARLIEST_WINDOW_END_US = 946_684_800_000_000;

/** Before the database has said anything: nothing applied, nothing in the future, nothing seen. */
export const noFacts: Facts = {
  applied: [],
  futureAfterUs: Number.POSITIVE_INFINITY,
  tooLateUpToUs: EARLIEST_WINDOW_END_US,
  seen: new Map(),
};

/** The key under which an event's identity is remembered: 128 bits of SHA-256 as a UUID. */
export function eventKeyOf(identity: string): string {
  return uuidOf(hash("sha256", identity));
}

/** What an event's content is compared by: 52 bits of SHA-256, which a double and PostgreSQL's bigint both hold. */
export function contentHashOf(content: string): number {
  return Number.parseInt(hash("sha256", content).slice(0, 13), 16);
}

/**
 * Folds records that stand in offset order and belong to one partition.
 * The batch settles every offset from its first to its last: what is missing between them are transaction markers
 * or compacted records.
 */
export function foldRecords<E extends Event>(
  stream: Stream<E>,
  records: readonly LogRecord[],
  facts: Facts,
): FoldedBatch {
  const { reader, windowUs, zone } = stream;
  const rows = stream.rows();
  const refused: RefusedRecord[] = [];
  const tooLate: TooLateRecord[] = [];
  const identities: CountedIdentity[] = [];
  const conflicts: ConflictingRecord[] = [];
  const doubtful: DoubtfulValue[] = [];
  const stationReadings: CountedStationReading[] = [];
  const lateness = new Lateness();
  const own = new Map<string, SeenIdentity & { readonly value: Buffer | null }>();
  let startUs = Number.NaN;
  let fresh = 0;
  let counted = 0;
  let firstStartUs = Number.POSITIVE_INFINITY;
  let maxEventTimeUs = Number.NEGATIVE_INFINITY;

  for (const { offset, recordTimeMs, value } of records) {
    if (facts.applied.length > 0 && holds(facts.applied, offset)) continue;
    fresh++;
    if (value === null) {
      refused.push({ offset, value, refused: "null_value", field: null });
      continue;
    }
    const refusal = reader.read(value, zone);
    if (refusal !== null) {
      refused.push({ offset, value, refused: refusal.refused, field: refusal.field });
      continue;
    }
    const { timeUs } = reader;
    if (timeUs > facts.futureAfterUs) {
      refused.push({ offset, value, refused: "in_future", field: "timestamp" });
      continue;
    }
    // Most events lie in the window of the event before, and a remainder of doubles is slow.
    if (!(timeUs >= startUs && timeUs < startUs + windowUs)) startUs = windowStartUs(timeUs, windowUs);
    if (startUs + windowUs <= facts.tooLateUpToUs) {
      tooLate.push({ offset, timeUs, value });
      lateness.add(recordTimeMs, timeUs);
      continue;
    }
    if (timeUs > maxEventTimeUs) maxEventTimeUs = timeUs;
    const identity = reader.identity();
    if (identity !== null) {
      const eventKey = eventKeyOf(identity);
      const content = contentHashOf(stream.contentOf(stream.eventOf()));
      const inBatch = own.get(eventKey);
      const first = facts.seen.get(eventKey) ?? inBatch;
      if (first !== undefined) {
        if (first.content === content) continue; // a retry
        const { log, offset: firstOffset } = first;
        const firstValue = first === inBatch ? inBatch.value : null;
        conflicts.push({
          ...{ eventKey, offset, timeUs, value },
          first: { log, offset: firstOffset, value: firstValue },
        });
        if (startUs < firstStartUs) firstStartUs = startUs;
        continue;
      }
      own.set(eventKey, { content, log: null, offset, value });
      identities.push({ eventKey, timeUs, content, offset });
    }
    counted++;
    lateness.add(recordTimeMs, timeUs);
    for (const doubt of stream.doubtsOf()) doubtful.push({ offset, timeUs, ...doubt });
    const measured = stream.stationReadingOf?.(stream.eventOf());
    if (measured !== undefined) stationReadings.push({ offset, timeUs, ...measured });
    if (startUs < firstStartUs) firstStartUs = startUs;
    rows.add(startUs, reader);
  }

  const first = records.at(0);
  const last = records.at(-1);
  const delivered = first && last ? [{ from: first.offset, to: last.offset + 1 }] : [];
  return {
    offsets: difference(delivered, facts.applied),
    records: fresh,
    counted,
    duplicates: fresh - counted - refused.length - tooLate.length - conflicts.length,
    rows,
    refused,
    tooLate,
    conflicts,
    doubtful,
    stationReadings,
    identities,
    lateness: lateness.counts(),
    maxEventTimeUs: maxEventTimeUs === Number.NEGATIVE_INFINITY ? null : maxEventTimeUs,
    firstWindowEndUs: firstStartUs < Number.POSITIVE_INFINITY ? firstStartUs + windowUs : null,
  };
}
