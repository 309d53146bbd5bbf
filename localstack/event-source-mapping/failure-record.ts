// The record that AWS sends to a failure destination (18).

import { randomUUID } from "node:crypto";
import { countOf } from "./bisect.ts";
import type { Batch, EventSource } from "./event.ts";
import type { Condition } from "./failure-policy.ts";
import type { InvocationError } from "./invoke.ts";

export interface GivenUp {
  readonly batch: Batch;
  readonly payload: string;
  readonly condition: Condition;
  readonly invocations: number;
  /** null where it was never invoked. */
  readonly lastError: InvocationError | null;
}

/** A record's time stamp as the failure record has it; one without any is 1970. */
export function instant(timestampMs: number): string {
  return new Date(Math.max(0, timestampMs)).toISOString();
}

/** `payload` is for S3 only: SQS, SNS and Kafka are told the offsets, not the records. */
export function failureRecord(
  functionName: string,
  source: EventSource,
  given: GivenUp,
  nowMs: number,
  hasPayload: boolean,
) {
  const recordsInfo = Object.fromEntries(
    given.batch.flatMap(({ partition, records }) => {
      const [first, last] = [records.at(0), records.at(-1)];
      if (first === undefined || last === undefined) return [];
      const info = {
        firstRecordOffset: String(first.offset),
        lastRecordOffset: String(last.offset),
        firstRecordTimestamp: instant(first.timestampMs),
        lastRecordTimestamp: instant(last.timestampMs),
      };
      return [[`${source.topic}-${partition}`, info]];
    }),
  );
  return {
    requestContext: {
      requestId: randomUUID(),
      functionArn: functionArn(functionName),
      condition: given.condition,
      approximateInvokeCount: given.invocations,
    },
    responseContext:
      given.lastError === null
        ? null
        : {
            statusCode: given.lastError.statusCode ?? 0,
            executedVersion: "$LATEST",
            functionError: given.lastError.functionError ?? "Unhandled",
          },
    version: "1.0",
    timestamp: instant(nowMs),
    KafkaBatchInfo: {
      batchSize: countOf(given.batch),
      eventSourceArn: source.eventSourceArn,
      bootstrapServers: source.bootstrapServers,
      payloadSize: Buffer.byteLength(given.payload),
      recordsInfo,
    },
    ...(hasPayload ? { payload: given.payload } : {}),
  };
}

export type FailureRecord = ReturnType<typeof failureRecord>;

export function functionArn(functionName: string): string {
  return `arn:aws:lambda:local:000000000000:function:${functionName}`;
}
