// Folds the events of a span twice: as they count at present, and as they would count. Law: the first fold is what the
// rows hold, so the difference of the two is exactly what an amendment changes.

import { windowStartUs } from "../core/window.ts";
import { isRefusal } from "../streams/refusal.ts";
import { type Event, inZone, type StreamZones } from "../streams/stream.ts";
import type { AmendableStream } from "./amendable.ts";
import { correctValue, type Entry, type LogPosition, reaches, rowKey } from "./entry.ts";

export interface CountedRecord extends LogPosition {
  readonly value: Buffer;
}

/** An event among the ones that are folded. */
export interface Candidate extends CountedRecord {
  readonly event: Event;
}

export interface RefoldedRow<P> {
  readonly windowStartUs: number;
  readonly before: P;
  readonly after: P;
}

export interface Refold {
  /** The entries that hold at present, and those that shall hold, in the order in which they were made. */
  readonly before: readonly Entry[];
  readonly after: readonly Entry[];
  /** Whole windows: from the start of the first to the end of the last, µs. */
  readonly firstUs: number;
  readonly endUs: number;
  /** Whether an event's row can change; each event of such a row is folded. */
  concerns(event: Event): boolean;
}

/** The windows that a span touches, µs. */
export function windowsOf(
  { fromUs, toUs }: Pick<Entry, "fromUs" | "toUs">,
  windowUs: number,
): { firstUs: number; endUs: number } {
  return { firstUs: windowStartUs(fromUs, windowUs), endUs: windowStartUs(toUs - 1, windowUs) + windowUs };
}

export class Refolding<P> {
  readonly #amendable: AmendableStream<Event, P>;
  readonly #refold: Refold;
  readonly #rows = new Map<string, RefoldedRow<P>>();
  readonly #counted = new Set<string>();

  constructor(amendable: AmendableStream<Event, P>, zones: StreamZones, refold: Refold) {
    this.#amendable = { ...amendable, stream: inZone(amendable.stream, zones) };
    this.#refold = refold;
  }

  /** The record with its event, or null where it is none that could be folded. */
  candidate(record: CountedRecord): Candidate | null {
    const event = this.#amendable.stream.decode(record.value);
    if (isRefusal(event)) return null;
    const { firstUs, endUs } = this.#refold;
    return event.timeUs >= firstUs && event.timeUs < endUs && this.#refold.concerns(event)
      ? { ...record, event }
      : null;
  }

  /** Folds a record that was counted, or is another of the same event. */
  fold(candidate: Candidate): void {
    const { event } = candidate;
    if (event.identity !== null) {
      if (this.#counted.has(event.identity)) return;
      this.#counted.add(event.identity);
    }
    const { stream } = this.#amendable;
    const startUs = windowStartUs(event.timeUs, stream.windowUs);
    const key = rowKey(startUs, stream.groupOf(event));
    let row = this.#rows.get(key);
    if (row === undefined) {
      const [before, after] = [stream.emptyPartial(event), stream.emptyPartial(event)];
      row = { windowStartUs: startUs, before, after };
      this.#rows.set(key, row);
    }
    const before = this.#under(this.#refold.before, candidate, key);
    const after = this.#under(this.#refold.after, candidate, key);
    if (before !== null) stream.fold(row.before, before.event);
    if (after !== null) stream.fold(row.after, after.event);
  }

  /** The event as it counts under the entries, or null where it does not. */
  #under(entries: readonly Entry[], candidate: Candidate, row: string): Candidate | null {
    let current = candidate;
    for (const entry of entries) {
      const { timeUs } = current.event;
      const isMeant =
        timeUs >= entry.fromUs &&
        timeUs < entry.toUs &&
        this.#amendable.selects(entry.selector, current.event) &&
        reaches(entry, candidate, row);
      if (!isMeant) continue;
      if (entry.correction === null) return null;
      const value = correctValue(current.value, entry.correction, this.#amendable.valueField);
      const event = this.#amendable.stream.decode(value);
      if (isRefusal(event))
        throw new Error(
          `the event at partition ${candidate.partition}, offset ${candidate.offset} cannot be corrected in this way: ` +
            `${event.refused}${event.field === null ? "" : ` (${event.field})`}; nothing has changed`,
        );
      current = { ...candidate, value, event };
    }
    return current;
  }

  /** The rows that were concerned, changing or not. */
  rows(): RefoldedRow<P>[] {
    return [...this.#rows.values()];
  }
}
