// A mapping under test: a function of the test's own that remembers its events, on a topic of its own.

import { randomUUID } from "node:crypto";
import type { MSKEvent } from "aws-lambda";
import { type FaultPlan, type Faults, injectFaults } from "../../localstack/event-source-mapping/faults.ts";
import { InvocationError, type Invoke } from "../../localstack/event-source-mapping/invoke.ts";
import {
  type MappingExtras,
  type RunningMapping,
  startMapping,
} from "../../localstack/event-source-mapping/mapping.ts";
import type { FailureHandling, MappingSettings } from "../../localstack/event-source-mapping/settings.ts";
import type { TestKafka } from "./topics.ts";

export const arn = "arn:aws:kafka:local:000000000000:cluster/test/1";

export function settingsFor(topic: string, changes: Partial<MappingSettings> = {}): MappingSettings {
  return {
    functionKey: "f",
    functionName: "f",
    eventSourceArn: arn,
    topic,
    groupId: `group-${randomUUID()}`,
    batchSize: 100,
    batchingWindowMs: 0,
    startingPosition: "TRIM_HORIZON",
    startingTimestampMs: null,
    ...changes,
  };
}

export const handling = (changes: Partial<FailureHandling>): FailureHandling => ({
  maximumRetryAttempts: -1,
  maximumRecordAgeMs: null,
  bisects: false,
  reportsItemFailures: false,
  destination: null,
  ...changes,
});

export interface Delivered {
  readonly partition: number;
  readonly offset: number;
  readonly value: string | null;
}

export function recordsOf(event: MSKEvent): Delivered[] {
  return Object.values(event.records).flatMap((records) =>
    records.map(({ partition, offset, value }) => ({
      partition,
      offset,
      value: value === undefined || value === null ? null : Buffer.from(value, "base64").toString(),
    })),
  );
}

export type Answering = (event: MSKEvent, invocation: number) => unknown;

export interface Trigger {
  readonly events: MSKEvent[];
  readonly records: Delivered[];
  readonly log: string[];
  readonly mapping: RunningMapping;
}

export const failing = (reason = "on purpose", statusCode = 200) =>
  new InvocationError("f", reason, statusCode, statusCode === 429 ? null : "Unhandled");

/** Starts a mapping; `answer` may throw to fail, and what it returns is the function's answer. */
export function trigger(
  brokers: string,
  settings: MappingSettings,
  answer: Answering = () => null,
  extras: MappingExtras = {},
): Trigger {
  const events: MSKEvent[] = [];
  const records: Delivered[] = [];
  const log: string[] = [];
  const invoke: Invoke = async (_, payload) => {
    const event: MSKEvent = JSON.parse(payload);
    events.push(event);
    const answered = await answer(event, events.length);
    records.push(...recordsOf(event));
    return JSON.stringify(answered ?? null);
  };
  const mapping = startMapping(settings, [brokers], invoke, (message) => log.push(message), extras);
  return { events, records, log, mapping };
}

export const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));

/** Sends values to a partition, in order. */
export async function sendTo(
  kafka: TestKafka,
  topic: string,
  partition: number,
  values: readonly (string | Buffer | null)[],
): Promise<void> {
  await kafka.producer.send({ topic, messages: values.map((value) => ({ partition, value })) });
}

/** The offsets of each delivery that touched a partition. */
export function deliveriesOf(events: readonly MSKEvent[], partition: number): number[][] {
  return events
    .map((event) => recordsOf(event).filter((one) => one.partition === partition))
    .filter((records) => records.length > 0)
    .map((records) => records.map((one) => one.offset));
}

/**
 * Faults that strike the same batches in each run. What is struck follows from seed and topic, and a test's topic has
 * another name each time: now and then one batch would fail nine times in a row, and nine failures wait for a minute.
 */
export function faultsOn(topic: string, plan: FaultPlan, log: (line: string) => void): Faults {
  const faults = injectFaults(plan, log);
  const ofAnyTopic = (subject: string) => subject.replaceAll(topic, "topic");
  return {
    ...faults,
    draw: (kind, subject) => faults.draw(kind, ofAnyTopic(subject)),
    strikes: (kind, subject) => faults.strikes(kind, ofAnyTopic(subject)),
  };
}
