// What each ledger entry of a topic has applied itself and the present logs still hold. Pure.

import { difference, type OffsetRanges } from "../core/ranges.ts";
import { logKey } from "./entry.ts";

/** A ledger entry of the topic. */
export interface LedgerLog {
  readonly source: string;
  readonly partition: number;
  readonly incarnation: number;
  readonly applied: OffsetRanges;
  /** What it took over: from the entry before it, or from the cluster's other name. */
  readonly inherited: OffsetRanges;
}

/** A row of `log_break`: the entry goes on for a log that was cut or exchanged, or for a log that had another source. */
export interface Break {
  readonly source: string;
  readonly partition: number;
  readonly incarnation: number;
  /** The source until then, where the cluster has another name; null for all other breaks. */
  readonly renamedFrom: string | null;
}

const common = (a: OffsetRanges, b: OffsetRanges): OffsetRanges => difference(a, difference(a, b));

/** What happened to a partition's logs: an entry begins, or a source goes on with the log of another one. */
type Step = { readonly begins: LedgerLog } | { readonly source: string; readonly renamedFrom: string };

function stepsOf(entries: readonly LedgerLog[], breaks: readonly Break[]): Step[] {
  const byKey = new Map(entries.map((entry) => [logKey(entry), entry]));
  const steps: Step[] = [];
  for (const one of breaks) {
    const begun = byKey.get(logKey(one));
    if (one.renamedFrom !== null) steps.push({ source: one.source, renamedFrom: one.renamedFrom });
    else if (begun !== undefined && byKey.delete(logKey(one))) steps.push({ begins: begun });
  }
  // Without a break: the first entry of each source.
  const first = [...byKey.values()].sort((a, b) => a.incarnation - b.incarnation);
  return [...first.map((begins) => ({ begins })), ...steps];
}

/**
 * Offsets by `logKey`. A log that was cut kept what its next entry inherited, and all entries of the same log lose the rest:
 * those of its source, and those under names that its cluster had before.
 * @param entries of one topic
 * @param breaks of the same topic, in the order in which they were found
 */
export function heldOffsets(
  entries: readonly LedgerLog[],
  breaks: readonly Break[],
): ReadonlyMap<string, OffsetRanges> {
  const held = new Map<string, OffsetRanges>();
  for (const partition of new Set(entries.map((entry) => entry.partition))) {
    /** The entries of which each source's log holds records. */
    const logs = new Map<string, ReadonlySet<string>>();
    const logOf = (source: string) => logs.get(source) ?? new Set<string>();
    const isHere = (one: { readonly partition: number }) => one.partition === partition;
    for (const step of stepsOf(entries.filter(isHere), breaks.filter(isHere))) {
      if ("renamedFrom" in step) {
        logs.set(step.source, new Set([...logOf(step.source), ...logOf(step.renamedFrom)]));
        continue;
      }
      const { source, applied, inherited } = step.begins;
      for (const key of logOf(source)) held.set(key, common(held.get(key) ?? [], inherited));
      held.set(logKey(step.begins), difference(applied, inherited));
      logs.set(source, new Set([...logOf(source), logKey(step.begins)]));
    }
  }
  return held;
}
