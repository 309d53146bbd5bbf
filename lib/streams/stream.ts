// What a stream does: it reads events, and adds them up by window and group. Made from its declaration (stream-of.ts).

import { streamSettings } from "./declared.ts";
import type { Doubt } from "./doubt.ts";
import type { EventReader } from "./event-reader.ts";
import type { Refusal } from "./refusal.ts";
import type { Rows } from "./rows.ts";

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

export interface Stream<E extends Event> {
  readonly name: StreamName;
  readonly windowUs: number;
  /** In which a time stamp without a zone is written: an IANA name or a fixed offset. */
  readonly zone: string;
  /** The stream as its producers write it in another zone. */
  inZone(zone: string): Stream<E>;
  /** Reads events one after another, without making an object of each. */
  readonly reader: EventReader;
  /** Reads the value of a record. Never throws for bad data. */
  decode(value: Buffer): E | Refusal;
  /** The event that the reader holds. */
  eventOf(): E;
  /**
   * What of an event with an identity is counted, as one text: where a second event of the identity has another, it is
   * no retry but a conflict.
   */
  contentOf(event: E): string;
  /** What is likely to be another unit in the event that the reader holds. By the event alone, so in any order the same. */
  doubtsOf(): readonly Doubt[];
  /** What its station measured, for a stream that has stations. */
  stationReadingOf?(event: E): StationReading;
  /** The key of an event's row as one text. */
  groupOf(event: E): string;
  /** No rows yet, for what a batch adds. Adding is commutative and associative: tests/unit/streams. */
  rows(): Rows;
}

/** In which zone each stream's time stamps without a zone are written: IANA names or fixed offsets. */
export type StreamZones = Readonly<Record<StreamName, string>>;

/** The stream as its producers write it. @param zones UTC where absent */
export function inZone<E extends Event>(stream: Stream<E>, zones: StreamZones | undefined): Stream<E> {
  const zone = zones?.[stream.name];
  return zone === undefined ? stream : stream.inZone(zone);
}
