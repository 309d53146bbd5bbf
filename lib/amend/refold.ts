// Folds the events of a span twice: as they count at present, and as they would count. Law: the first fold is what the
// rows hold, so the difference of the two is exactly what an amendment changes.

import { windowStartUs } from "../core/window.ts";
import { isRefusal } from "../streams/refusal.ts";
import type { Rows } from "../streams/rows.ts";
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

export interface Refold {
  /** The entries that hold at present, and those that shall hold, in the order in which they were made. */
  readonly before: readonly Entry[];
  readonly after: readonly Entry[];
  /** Whole windows: from the start of the first to the end of the last, µs. */
  readonly firstUs: number;
  readonly endUs: number;
  /** Whether the row of an event can change; each event of such a row is folded. */
  concerns(event: Event): boolean;
}

/** The windows that a span touches, µs. */
export function windowsOf(
  { fromUs, toUs }: Pick<Entry, "fromUs" | "toUs">,
  windowUs: number,
): { firstUs: number; endUs: number } {
  return { firstUs: windowStartUs(fromUs, windowUs), endUs: windowStartUs(toUs - 1, windowUs) + windowUs };
}

/**
 * The event as it counts under the entries, or null where it does not. An entry may have moved it to another row: the next
 * one meets it there.
 * @throws Error where a correction makes it none
 */
export function underEntries(
  { stream, selects, valueField }: AmendableStream<Event>,
  entries: readonly Entry[],
  candidate: Candidate,
): Candidate | null {
  let current = candidate;
  for (const entry of entries) {
    const { event } = current;
    const row = rowKey(windowStartUs(event.timeUs, stream.windowUs), stream.groupOf(event));
    const isMeant =
      event.timeUs >= entry.fromUs &&
      event.timeUs < entry.toUs &&
      selects(entry.selector, event) &&
      reaches(entry, candidate, row);
    if (!isMeant) continue;
    if (entry.correction === null) return null;
    const value = correctValue(current.value, entry.correction, valueField);
    const corrected = stream.decode(value);
    if (isRefusal(corrected))
      throw new Error(
        `the event at partition ${candidate.partition}, offset ${candidate.offset} cannot be corrected in this way: ` +
          `${corrected.refused}${corrected.field === null ? "" : ` (${corrected.field})`}; nothing has changed`,
      );
    current = { ...candidate, value, event: corrected };
  }
  return current;
}

export class Refolding {
  readonly #amendable: AmendableStream<Event>;
  readonly #refold: Refold;
  /** Entries that may move an event to a row that is concerned, from one that is not. */
  readonly #movers: readonly Entry[];
  /** The rows that were concerned, changing or not: in both the same ones in the same order. */
  readonly before: Rows;
  readonly after: Rows;
  readonly #counted = new Set<string>();

  constructor(amendable: AmendableStream<Event>, zones: StreamZones, refold: Refold) {
    this.#amendable = { ...amendable, stream: inZone(amendable.stream, zones) };
    this.before = this.#amendable.stream.rows();
    this.after = this.#amendable.stream.rows();
    this.#refold = refold;
    this.#movers = [...refold.before, ...refold.after].filter(
      ({ correction }) => correction !== null && "record" in correction,
    );
  }

  #isConcerned(event: Event): boolean {
    const { firstUs, endUs } = this.#refold;
    return event.timeUs >= firstUs && event.timeUs < endUs && this.#refold.concerns(event);
  }

  /** The record with its event, or null where it is none that could be folded. */
  candidate(record: CountedRecord): Candidate | null {
    const event = this.#amendable.stream.decode(record.value);
    if (isRefusal(event)) return null;
    const isMoved = this.#movers.some(({ selector }) => this.#amendable.selects(selector, event));
    return isMoved || this.#isConcerned(event) ? { ...record, event } : null;
  }

  /** Reads the event again and begins its row where it is not there yet. @returns the row's window */
  #beginRow({ value, event }: Candidate): number {
    const { stream } = this.#amendable;
    const startUs = windowStartUs(event.timeUs, stream.windowUs);
    const refusal = stream.reader.read(value, stream.zone);
    if (refusal !== null) throw new Error(`an event is refused when it is read again: ${refusal.refused}`);
    this.before.rowOf(startUs, stream.reader);
    this.after.rowOf(startUs, stream.reader);
    return startUs;
  }

  #add(rows: Rows, candidate: Candidate): void {
    const startUs = this.#beginRow(candidate);
    rows.add(startUs, this.#amendable.stream.reader);
  }

  /** The candidate's event as it counts at present, where that is concerned. */
  present(candidate: Candidate): Event | null {
    return this.#concerned(this.#refold.before, candidate)?.event ?? null;
  }

  #concerned(entries: readonly Entry[], candidate: Candidate): Candidate | null {
    const counted = underEntries(this.#amendable, entries, candidate);
    return counted !== null && this.#isConcerned(counted.event) ? counted : null;
  }

  /** Folds a record that was counted, or is another of the same event. */
  fold(candidate: Candidate): void {
    const { event } = candidate;
    if (event.identity !== null) {
      if (this.#counted.has(event.identity)) return;
      this.#counted.add(event.identity);
    }
    if (this.#isConcerned(event)) this.#beginRow(candidate); // to be answer even where nothing of it counts
    const before = this.#concerned(this.#refold.before, candidate);
    const after = this.#concerned(this.#refold.after, candidate);
    if (before !== null) this.#add(this.before, before);
    if (after !== null) this.#add(this.after, after);
  }
}
