// What a stream does: it reads events, and adds them up by window and group. Made from its declaration (stream-of.ts).

import { streamSettings } from "./declared.ts";
import type { Doubt } from "./doubt.ts";
import type { Refusal } from "./refusal.ts";

export type StreamName = keyof typeof streamSettings;

const isName = (name: string): name is StreamName => Object.hasOwn(streamSettings, name);

/** In the order in which they are declared. */
export const streamNames: readonly StreamName[] = Object.keys(streamSettings).filter(isName);

/** One value for each stream, by its name. */
export function byStream<T>(of: (name: StreamName) => T): Record<StreamName, T>;
export function byStream<T>(of: (name: StreamName) => T): Record<string, T> {
  return Object.fromEntries(streamNames.map((name) => [name, of(name)]));
}

/** A temperature and where it was measured: what the database doubts by the station's history. */
export interface StationReading {
  /** Degrees. */
  readonly latitude: number;
  readonly longitude: number;
  readonly celsius: number;
}

/** What every decoded event has. */
export interface Event {
  /** Event time, whole µs since the epoch. */
  readonly timeUs: number;
  /** Under which a producer's retry is counted once, one text within the stream; null where the event has none. */
  readonly identity: string | null;
}

export interface Stream<E extends Event, P> {
  readonly name: StreamName;
  readonly windowUs: number;
  /**
   * Reads the value of a record. Never throws for bad data.
   * @param zone in which a time stamp without a zone is written: an IANA name or a fixed offset; UTC where absent
   */
  decode(value: Buffer, zone?: string): E | Refusal;
  /**
   * What of an event with an identity is counted, as one text: where a second event of the identity has another, it is
   * no retry but a conflict.
   */
  contentOf(event: E): string;
  /** What is likely to be another unit in an event that is valid. By the event alone, so in any order the same. */
  doubtsOf(event: E): readonly Doubt[];
  /** What its station measured, for a stream that has stations. */
  stationReadingOf?(event: E): StationReading;
  /** The group of an event within its window; equal events in this sense share a row. */
  groupOf(event: E): string;
  /** The partial of no event at all, for the group of this event. */
  emptyPartial(event: E): P;
  /** Adds an event to its partial. Commutative and associative: tests/unit/streams. */
  fold(partial: P, event: E): void;
  /** The partial's values as parameters of the stream's commit statement, in its order. */
  parameters(partials: readonly P[]): (string | number)[][];
}

/** In which zone each stream's time stamps without a zone are written: IANA names or fixed offsets. */
export type StreamZones = Readonly<Record<StreamName, string>>;

/** The stream as its producers write it. @param zones UTC where absent */
export function inZone<E extends Event, P>(
  stream: Stream<E, P>,
  zones: StreamZones | undefined,
): Stream<E, P> {
  const zone = zones?.[stream.name];
  return zone === undefined ? stream : { ...stream, decode: (value) => stream.decode(value, zone) };
}

/** The partial of one group in one window. */
export interface WindowPartial<P> {
  readonly windowStartUs: number;
  readonly partial: P;
}
