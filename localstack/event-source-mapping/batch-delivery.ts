// One batch's way to its function, through tries, halves and partial answers, until every record of it is done or
// given up (13–19). The decisions are made in failure-policy.ts; here they are carried out.

import { countOf } from "./bisect.ts";
import { messageOf } from "./error-message.ts";
import {
  type Batch,
  type CutBatch,
  cutBatch,
  type EventSource,
  PAYLOAD_LIMIT_BYTES,
  type SourceRecord,
} from "./event.ts";
import {
  type Condition,
  decide,
  type Outcome,
  splitExpired,
  TRY_FOR_EVER,
  type Work,
} from "./failure-policy.ts";
import type { GivenUp } from "./failure-record.ts";
import type { FaultKind, Faults } from "./faults.ts";
import { InvocationError, type Invoke } from "./invoke.ts";
import type { Counters } from "./metrics.ts";
import { readAnswer } from "./partial-response.ts";
import { retryDelayMs } from "./retry.ts";
import type { MappingSettings } from "./settings.ts";
import { pause } from "./waiting.ts";

export interface DeliveryContext {
  readonly settings: MappingSettings;
  readonly source: EventSource;
  readonly invoke: Invoke;
  readonly faults: Faults;
  readonly counters: Counters;
  readonly log: (message: string) => void;
  /** Hands what is given up to the failure destination. Absent: it is dropped. */
  readonly handOver?: (given: GivenUp) => Promise<void>;
  readonly onError: (message: string | null) => void;
}

type RecordWork = Work<SourceRecord>;
/** With what the failure destination is told of it. */
type Tried = Outcome & { readonly error?: InvocationError };
type OnLeft = (left: readonly Batch[]) => void;

/** `topic-0 5–9, topic-1 3–3` */
export function positionsOf(topic: string, batch: Batch): string {
  return batch
    .map(
      ({ partition, records }) => `${topic}-${partition} ${records.at(0)?.offset}–${records.at(-1)?.offset}`,
    )
    .join(", ");
}

/** The first failure is, then the second, the fourth, the eighth … */
const isWorthALine = (failures: number) => Math.log2(failures) % 1 === 0;

export class BatchDelivery {
  readonly #context: DeliveryContext;
  readonly #signal: AbortSignal;

  constructor(context: DeliveryContext, signal: AbortSignal) {
    this.#context = context;
    this.#signal = signal;
  }

  /**
   * Delivers it. `onProgress` is told what is left each time that some of it is done.
   * @returns false where it was stopped before all was done
   */
  deliver(cut: CutBatch, onProgress: OnLeft): Promise<boolean> {
    return this.#run([{ batch: cut.batch, tries: 0, throttles: 0, invocations: 0 }], cut, null, onProgress);
  }

  async #run(
    all: readonly RecordWork[],
    cut: CutBatch | null,
    earlierError: InvocationError | null,
    onLeft: OnLeft,
  ): Promise<boolean> {
    const handling = this.#context.settings.failureHandling ?? TRY_FOR_EVER;
    let works = all;
    let built = cut;
    let lastError = earlierError;
    const goOnWith = (left: readonly RecordWork[]) => {
      works = left;
      onLeft(left.map((one) => one.batch));
    };
    for (let [work, ...rest] = works; work !== undefined; [work, ...rest] = works) {
      if (this.#signal.aborted) return false;
      const { fresh, expired } = splitExpired(work.batch, handling.maximumRecordAgeMs, Date.now());
      if (expired.length > 0) {
        if (!(await this.#giveUp({ ...work, batch: expired }, "MaximumRecordAgeExceeded", lastError)))
          return false;
        goOnWith(fresh.length > 0 ? [{ ...work, batch: fresh }, ...rest] : rest);
        continue;
      }
      if (built?.batch !== work.batch) built = this.#rebuild(work.batch);
      if (built.bytes > PAYLOAD_LIMIT_BYTES) {
        if (!(await this.#giveUp(work, "PayloadTooLarge", lastError))) return false;
        goOnWith(rest);
        continue;
      }
      const outcome = await this.#try(work, built.payload);
      lastError = outcome.error ?? lastError;
      const { left, givenUp, waits } = decide(work, outcome, handling);
      const tried = { ...work, invocations: work.invocations + 1 };
      if (givenUp !== null && !(await this.#giveUp(tried, givenUp, lastError))) return false;
      if (left.length > 1 && this.#strikes("halvesAtOnce", work)) {
        const tell: OnLeft = (batches) => onLeft([...batches, ...rest.map((one) => one.batch)]);
        if (!(await this.#runAtOnce(left, lastError, tell))) return false;
        goOnWith(rest);
        continue;
      }
      const isTurned = left.length > 1 && this.#strikes("secondHalfFirst", work);
      goOnWith([...(isTurned ? [...left].reverse() : left), ...rest]);
      if (waits) await this.#backOff(left[0] ?? work, outcome);
    }
    return true;
  }

  async #runAtOnce(
    parts: readonly RecordWork[],
    lastError: InvocationError | null,
    onLeft: OnLeft,
  ): Promise<boolean> {
    const lefts: (readonly Batch[])[] = parts.map((part) => [part.batch]);
    const ends = parts.map((part, i) =>
      this.#run([part], null, lastError, (left) => {
        lefts[i] = left;
        onLeft(lefts.flat());
      }),
    );
    return (await Promise.all(ends)).every((isDone) => isDone);
  }

  #rebuild(batch: Batch): CutBatch {
    const { batch: _, ...built } = cutBatch(
      this.#context.source,
      batch,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    );
    return { ...built, batch };
  }

  #strikes(kind: FaultKind, work: RecordWork): boolean {
    const { faults, settings } = this.#context;
    return faults.strikes(kind, positionsOf(settings.topic, work.batch));
  }

  async #try(work: RecordWork, payload: string): Promise<Tried> {
    const { settings, counters, faults, log, onError } = this.#context;
    const where = positionsOf(settings.topic, work.batch);
    const subject = `${where} try ${work.invocations + work.throttles}`;
    if (faults.strikes("throttle", subject))
      return { kind: "throttled", reason: "throttled by fault injection" };
    if (faults.strikes("delay", subject)) await pause(faults.delayMs, this.#signal);
    const outcome = await this.#invoke(work, payload, subject);
    if (outcome.kind === "success" || outcome.kind === "partial") {
      counters.InvokedEventCount += countOf(work.batch);
      if (work.tries + work.throttles > 0)
        log(`${where}: delivered to ${settings.functionName} after ${work.tries} failures`);
      onError(null);
      return outcome;
    }
    if (outcome.kind === "failure") counters.FailedInvokeEventCount += countOf(work.batch);
    onError(outcome.reason);
    const failures = work.tries + work.throttles + 1;
    if (isWorthALine(failures)) log(`${where}: ${outcome.reason} (failure ${failures})`);
    return outcome;
  }

  async #invoke(work: RecordWork, payload: string, subject: string): Promise<Tried> {
    const { settings, invoke, faults, source } = this.#context;
    const call = () => invoke(settings.functionName, payload);
    try {
      if (faults.strikes("lostEnvironment", subject))
        throw new InvocationError(settings.functionName, "environment lost (fault)");
      const running = call();
      // The other poller's answer is nobody's.
      if (faults.strikes("overlap", subject)) void call().catch(() => undefined);
      if (faults.strikes("timeOut", subject)) {
        running.catch(() => undefined); // its answer comes too late to be heard
        await pause(faults.delayMs, this.#signal);
        throw new InvocationError(settings.functionName, "timed out (fault), still running");
      }
      const answer = await running;
      // Once more: whatever it answers, the batch was done already.
      if (faults.strikes("duplicate", subject)) await call().catch(() => undefined);
      if (faults.strikes("lostAcknowledgement", subject))
        throw new InvocationError(settings.functionName, "acknowledgement lost (fault)");
      if (settings.failureHandling?.reportsItemFailures !== true) return { kind: "success" };
      const read = readAnswer(typeof answer === "string" ? answer : "", source.topic, work.batch);
      if (read.kind !== "failure") return read;
      return { ...read, error: new InvocationError(settings.functionName, read.reason, 200, "Unhandled") };
    } catch (error) {
      // Whatever the function or its endpoint failed with, the batch stays.
      const reason = messageOf(error);
      const known =
        error instanceof InvocationError ? error : new InvocationError(settings.functionName, reason);
      return { kind: known.isThrottled ? "throttled" : "failure", reason, error: known };
    }
  }

  /** @returns false where it was stopped before the destination took it */
  async #giveUp(work: RecordWork, condition: Condition, lastError: InvocationError | null): Promise<boolean> {
    const { settings, counters, log, handOver, onError } = this.#context;
    const records = countOf(work.batch);
    const where = positionsOf(settings.topic, work.batch);
    for (let failures = 0; handOver !== undefined && !this.#signal.aborted; ) {
      try {
        const { payload } = this.#rebuild(work.batch);
        await handOver({
          batch: work.batch,
          payload,
          condition,
          invocations: work.invocations,
          lastError,
        });
        counters.OnFailureDestinationDeliveredEventCount += records;
        log(`${where}: ${condition}, handed over to ${settings.failureHandling?.destination?.text}`);
        return true;
      } catch (error) {
        // The batch stays until the destination takes it (19).
        failures++;
        const reason = `failure destination: ${messageOf(error)}`;
        onError(reason);
        if (isWorthALine(failures)) log(`${where}: ${reason}`);
        await pause(retryDelayMs(failures, Math.random()), this.#signal);
      }
    }
    if (handOver !== undefined) return false;
    counters.DroppedEventCount += records;
    log(`${where}: ${condition}, dropped (no failure destination)`);
    return true;
  }

  async #backOff(work: RecordWork, outcome: Outcome): Promise<void> {
    const failures = outcome.kind === "throttled" ? work.throttles : Math.max(1, work.tries);
    await pause(retryDelayMs(failures, Math.random()), this.#signal);
  }
}
