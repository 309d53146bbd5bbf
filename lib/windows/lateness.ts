// How late events reach the log: what a watermark's delay has to cover. By the record alone, so in any order the same
// (docs/decisions/0027).

/** The events of one day whose lateness lies in one bucket. */
export interface LatenessCount {
  /** UTC day of the record times, days since 1 January 1970. */
  readonly day: number;
  /** The bucket: lateness at or above half of this, and below it, s. 0: below zero; 1: from 0 on; 2 ** 32: without an end. */
  readonly belowS: number;
  readonly events: number;
}

const DAY_MS = 86_400_000;
/** 31 December 9999. Kafka takes any number as a record's time, PostgreSQL no day beyond 5874897. */
const LAST_DAY = 2_932_896;
/** One for a lateness below zero, and one for each length of a whole number of 32 bits. */
const BUCKETS = 34;
const MAX_SECONDS = 2 ** 32 - 1;

const bucketOf = (latenessMs: number) =>
  latenessMs < 0 ? 0 : 33 - Math.clz32(Math.min(Math.floor(latenessMs / 1_000), MAX_SECONDS));

/** A histogram by day. Records without a time (−1), or with one that is none, are left out. */
export class Lateness {
  readonly #days = new Map<number, number[]>();
  #day = -1;
  #counts: number[] = [];

  /** @param timeUs event time, µs since the epoch */
  add(recordTimeMs: number, timeUs: number): void {
    const day = Math.floor(recordTimeMs / DAY_MS);
    if (!(day >= 0 && day <= LAST_DAY)) return;
    if (day !== this.#day) {
      this.#day = day;
      this.#counts = this.#days.get(day) ?? new Array<number>(BUCKETS).fill(0);
      this.#days.set(day, this.#counts);
    }
    const bucket = bucketOf(recordTimeMs - timeUs / 1_000);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
  }

  counts(): LatenessCount[] {
    return [...this.#days].flatMap(([day, counts]) =>
      counts.flatMap((events, bucket) =>
        events === 0 ? [] : { day, belowS: bucket === 0 ? 0 : 2 ** (bucket - 1), events },
      ),
    );
  }
}
