// The watermark of a stream: the event time up to which it is believed complete.
// Laws: it never goes back; a lagging partition holds it, an idle one does not; when all partitions are idle it
// follows the clock; no time stamp, however absurd, moves it past the clock.

/** What the broker says of a partition. */
export interface PartitionOffsets {
  readonly partition: number;
  /** First offset that retention has left. */
  readonly first: number;
  /** Offset that the next record will get. */
  readonly end: number;
}

/** What is known of one partition when the stream is swept. */
export interface PartitionProgress {
  readonly partition: number;
  /** Records on the broker that the ledger does not cover yet. */
  readonly lag: number;
  /** Largest event time applied from this partition, µs since the epoch; null before the first one. */
  readonly maxEventTimeUs: number | null;
  /** For how long its largest event time has not grown while someone was watching, µs. */
  readonly silentForUs: number;
}

export interface WatermarkRules {
  /** The database's clock before the broker was asked for its offsets, µs since the epoch. */
  readonly nowUs: number;
  /** How long after its event time an event may come without being late, µs. */
  readonly delayUs: number;
  /** Silence after which a partition that is caught up no longer holds the watermark, µs. */
  readonly idleUs: number;
}

export interface Watermark {
  /** µs since the epoch; null while the stream has never had an event. */
  readonly atUs: number | null;
  /** The partition that keeps it from going on, or null where the clock or nothing does. */
  readonly heldBy: number | null;
}

/** Caught up and silent for the idle time. A lagging partition is never idle. */
export function isIdle(progress: PartitionProgress, idleUs: number): boolean {
  return progress.lag === 0 && progress.silentForUs >= idleUs;
}

/**
 * The next watermark of a stream: the smallest of its active partitions' largest event times less the delay,
 * at most the clock less the delay, and never below the previous one.
 */
export function advanceWatermark(
  previousUs: number | null,
  partitions: readonly PartitionProgress[],
  rules: WatermarkRules,
): Watermark {
  const everHadEvents = previousUs !== null || partitions.some((p) => p.maxEventTimeUs !== null);
  if (!everHadEvents) return { atUs: null, heldBy: null };

  let candidateUs = rules.nowUs - rules.delayUs;
  let heldBy: number | null = null;
  for (const progress of partitions) {
    if (isIdle(progress, rules.idleUs)) continue;
    if (progress.maxEventTimeUs === null) return { atUs: previousUs, heldBy: progress.partition };
    const reachedUs = progress.maxEventTimeUs - rules.delayUs;
    if (reachedUs < candidateUs) {
      candidateUs = reachedUs;
      heldBy = progress.partition;
    }
  }
  if (previousUs !== null && candidateUs <= previousUs) return { atUs: previousUs, heldBy };
  return { atUs: candidateUs, heldBy };
}
