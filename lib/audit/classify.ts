// What became of a partition's offsets. Pure. Law: each offset in [0, end) has exactly one name, and the name LOST is
// given to nothing that may still come and kept from nothing that a record was found for.

import { countOf } from "../core/count.ts";
import { clip, difference, type OffsetRange, type OffsetRanges, size } from "../core/ranges.ts";

export interface PartitionFacts {
  /** First offset that retention has left. */
  readonly first: number;
  /** Offset that the next record will get. */
  readonly end: number;
  /** Where the trigger's group goes on; null where it has committed nothing (or the broker has forgotten it). */
  readonly committed: number | null;
  /** By the ledger, in the newest incarnation. */
  readonly applied: OffsetRanges;
  /** Lost for good, of which an operator has taken note. */
  readonly acknowledged: OffsetRanges;
}

export interface Classified {
  readonly applied: OffsetRanges;
  /** Not delivered yet. */
  readonly lag: OffsetRanges;
  /** Removed by retention before they were applied, and nobody has missed them: older than the ledger, or noted. */
  readonly gone: OffsetRanges;
  /** Lost for good: removed by retention between what was applied and what the group has passed. */
  readonly expired: OffsetRanges;
  /** Passed by the group, on the broker, not applied: to be looked at. */
  readonly suspect: OffsetRanges;
}

export function classifyOffsets(facts: PartitionFacts): Classified {
  const { first, end, committed, applied, acknowledged } = facts;
  const missing = difference(end > 0 ? [{ from: 0, to: end }] : [], applied);
  // Without a committed offset the highest applied one stands in: better a wrong alarm than a loss called lag.
  const passed = committed ?? applied.at(-1)?.to ?? 0;
  const removed = clip(missing, 0, first);
  const expired = difference(clip(removed, applied[0]?.from ?? end, passed), acknowledged);
  return {
    applied: clip(applied, 0, end),
    gone: difference(removed, expired),
    expired,
    suspect: clip(missing, first, passed),
    lag: clip(missing, Math.max(first, passed), end),
  };
}

export interface LostRange extends OffsetRange {
  readonly records: number;
}

export interface Explained {
  readonly lost: readonly LostRange[];
  /** Transaction markers, aborted or compacted records: nothing that could be counted. */
  readonly holes: OffsetRanges;
}

/** @param records the offsets in the suspect ranges at which the broker has a record */
export function explainSuspects(suspect: OffsetRanges, records: OffsetRanges): Explained {
  const lost = suspect.flatMap(({ from, to }): LostRange[] => {
    const found = clip(records, from, to);
    const [firstFound, lastFound] = [found.at(0), found.at(-1)];
    if (firstFound === undefined || lastFound === undefined) return [];
    // Holes between two lost records belong to the range, as a delivery settles them.
    return [{ from: firstFound.from, to: lastFound.to, records: size(found) }];
  });
  return { lost, holes: difference(suspect, lost) };
}

export interface LedgerCounts {
  readonly records: number;
  readonly counted: number;
  readonly quarantined: number;
  readonly tooLate: number;
  readonly duplicates: number;
  readonly conflicts: number;
  /** Offsets in the ledger's ranges. */
  readonly offsets: number;
  /** Rows of the tables quarantine, too_late and conflict, with those that retention has forgotten. */
  readonly quarantineRows: number;
  readonly tooLateRows: number;
  readonly conflictRows: number;
}

/** What of a ledger row does not add up, in words; empty where all does. */
export function checkLedger(counts: LedgerCounts): string[] {
  const { records, counted, quarantined, tooLate, duplicates, conflicts } = counts;
  const { offsets, quarantineRows, tooLateRows, conflictRows } = counts;
  const parts = counted + quarantined + tooLate + duplicates + conflicts;
  return [
    ...(parts === records
      ? []
      : [
          `counted + quarantined + too late + duplicates + conflicts = ${parts}, but ${countOf(records, "record")}`,
        ]),
    ...(records <= offsets ? [] : [`${countOf(records, "record")}, but only ${countOf(offsets, "offset")}`]),
    ...(quarantineRows === quarantined
      ? []
      : [`${quarantined} quarantined, but ${countOf(quarantineRows, "row")} of quarantine`]),
    ...(tooLateRows === tooLate
      ? []
      : [`${tooLate} too late, but ${countOf(tooLateRows, "row")} of too_late`]),
    ...(conflictRows === conflicts
      ? []
      : [`${countOf(conflicts, "conflict")}, but ${countOf(conflictRows, "row")} of conflict`]),
  ];
}

export interface StreamTotals {
  /** By all rows of the ledger. */
  readonly counted: number;
  /** By all rows of the aggregates. */
  readonly inRows: number;
  /** Of months that retention has dropped. */
  readonly inDroppedMonths: number;
  /** Events that amendments have added to the rows (or, negative, removed) beside the ledger. */
  readonly amended: number;
}

/** `DOUBLED by 3`, `LOST by 2`, or null where the rows hold exactly what the ledger counted. */
export function judgeTotals({ counted, inRows, inDroppedMonths, amended }: StreamTotals): string | null {
  const difference = inRows + inDroppedMonths - amended - counted;
  if (difference === 0) return null;
  return difference > 0 ? `DOUBLED by ${difference}` : `LOST by ${-difference}`;
}
