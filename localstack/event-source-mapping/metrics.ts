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
