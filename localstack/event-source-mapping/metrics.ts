// Counters under CloudWatch's names for event source mappings (24).

export interface Counters {
  PolledEventCount: number;
  FilteredOutEventCount: number;
  InvokedEventCount: number;
  FailedInvokeEventCount: number;
  DroppedEventCount: number;
  OnFailureDestinationDeliveredEventCount: number;
  CommittedEventCount: number;
  /** Ours: times that offsets were out of range and delivery went on elsewhere (10). */
  OffsetGapCount: number;
}

/** How often the counters are written down, ms. */
const METRICS_EVERY_MS = 60_000;

/** Writes one line of JSON for each mapping each minute. @returns stops it */
export function logMetrics(
  read: () => readonly Readonly<Record<string, unknown>>[],
  write: (line: string) => void,
  everyMs = METRICS_EVERY_MS,
): () => void {
  const timer = setInterval(() => {
    for (const metrics of read()) write(JSON.stringify(metrics));
  }, everyMs).unref();
  return () => clearInterval(timer);
}

export function noCounts(): Counters {
  return {
    PolledEventCount: 0,
    FilteredOutEventCount: 0,
    InvokedEventCount: 0,
    FailedInvokeEventCount: 0,
    DroppedEventCount: 0,
    OnFailureDestinationDeliveredEventCount: 0,
    CommittedEventCount: 0,
    OffsetGapCount: 0,
  };
}
