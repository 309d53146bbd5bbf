// What follows an invocation (13–16): what of the batch is done, given up, or tried again. Pure: no clock, no I/O.

import { countOf, halve } from "./bisect.ts";
import { remainderOf, type Slice } from "./partial-response.ts";
import type { FailureHandling } from "./settings.ts";

export type Condition = "RetryAttemptsExhausted" | "MaximumRecordAgeExceeded" | "PayloadTooLarge";

type Timed = { readonly offset: number; readonly timestampMs: number };

/** A batch or a part of one on its way. */
export interface Work<R extends Timed> {
  readonly batch: readonly Slice<R>[];
  /** Failed tries of just these records that counted. */
  readonly tries: number;
  /** Throttled tries in a row: they slow down and never count. */
  readonly throttles: number;
  /** All invocations of these records, also as part of a larger batch. */
  readonly invocations: number;
}

export type Outcome =
  | { readonly kind: "success" }
  | { readonly kind: "partial"; readonly failedFrom: ReadonlyMap<number, number> }
  | { readonly kind: "failure"; readonly reason: string }
  | { readonly kind: "throttled"; readonly reason: string };

export interface AfterAttempt<R extends Timed> {
  /** What is still to be done, in order. */
  readonly left: readonly Work<R>[];
  readonly givenUp: Condition | null;
  readonly waits: boolean;
}

/** Without settings a batch is tried again for ever. */
export const TRY_FOR_EVER: FailureHandling = {
  maximumRetryAttempts: -1,
  maximumRecordAgeMs: null,
  bisects: false,
  reportsItemFailures: false,
  destination: null,
};

/**
 * Decides what follows an invocation. A split does not use up a try (15), nor does throttling (13); a partial answer
 * that got at least one record done starts the count anew for the rest, one that got nothing done is a failure (16).
 */
export function decide<R extends Timed>(
  work: Work<R>,
  outcome: Outcome,
  handling: FailureHandling,
): AfterAttempt<R> {
  const invocations = work.invocations + 1;
  if (outcome.kind === "success") return { left: [], givenUp: null, waits: false };
  if (outcome.kind === "throttled")
    return { left: [{ ...work, throttles: work.throttles + 1 }], givenUp: null, waits: true };
  if (outcome.kind === "partial") {
    const batch = remainderOf(work.batch, outcome.failedFrom);
    if (countOf(batch) < countOf(work.batch))
      return { left: [{ batch, tries: 0, throttles: 0, invocations }], givenUp: null, waits: true };
  }
  if (handling.bisects && countOf(work.batch) > 1) {
    const parts = halve(work.batch).map((batch) => ({ ...work, batch, throttles: 0, invocations }));
    return { left: parts, givenUp: null, waits: false };
  }
  const tries = work.tries + 1;
  if (handling.maximumRetryAttempts >= 0 && tries > handling.maximumRetryAttempts)
    return { left: [], givenUp: "RetryAttemptsExhausted", waits: false };
  return { left: [{ batch: work.batch, tries, throttles: 0, invocations }], givenUp: null, waits: true };
}

/** Splits off the records that are too old to be delivered; those without a time stamp never are. */
export function splitExpired<R extends Timed>(
  batch: readonly Slice<R>[],
  maximumAgeMs: number | null,
  nowMs: number,
): { readonly fresh: readonly Slice<R>[]; readonly expired: readonly Slice<R>[] } {
  if (maximumAgeMs === null) return { fresh: batch, expired: [] };
  const isExpired = (record: R) => record.timestampMs >= 0 && nowMs - record.timestampMs > maximumAgeMs;
  if (!batch.some((slice) => slice.records.some(isExpired))) return { fresh: batch, expired: [] };
  const part = (wanted: boolean) =>
    batch.flatMap(({ partition, records }) => {
      const kept = records.filter((record) => isExpired(record) === wanted);
      return kept.length === 0 ? [] : [{ partition, records: kept }];
    });
  return { fresh: part(false), expired: part(true) };
}
