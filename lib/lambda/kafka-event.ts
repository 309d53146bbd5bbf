// What AWS's Kafka trigger hands over, as log records in offset order.

import type { MSKEvent, SelfManagedKafkaEvent } from "aws-lambda";
import { sourceOf } from "../config/kafka.ts";
import type { LogRecord } from "../core/log-record.ts";
import type { PartitionAddress } from "../windows/commit.ts";

export type KafkaEvent = MSKEvent | SelfManagedKafkaEvent;

export interface DeliveredPartition {
  readonly address: PartitionAddress;
  readonly records: readonly LogRecord[];
}

/** A missing or null value, in whatever spelling, is a tombstone; an empty text is a value of no bytes. */
function decodeValue(value: string | null | undefined): Buffer | null {
  return value === null || value === undefined ? null : Buffer.from(value, "base64");
}

/**
 * Reads an event. Partitions come in the event's order, records by offset.
 * @param clusterArn of the environment: the cluster's name where a self-managed event does not say it
 * @throws Error where the event is none of Kafka's: that is a wrong trigger, not bad data
 */
export function readKafkaEvent(event: KafkaEvent, clusterArn: string | null = null): DeliveredPartition[] {
  if (typeof event.records !== "object" || event.records === null)
    throw new Error("not a Kafka event: it has no records; is the function's trigger an msk or kafka event?");
  const arn = "eventSourceArn" in event ? event.eventSourceArn : clusterArn;
  const source = sourceOf(arn, event.bootstrapServers.split(","));
  return Object.values(event.records).flatMap((delivered) => {
    const first = delivered[0];
    if (first === undefined) return [];
    const records = delivered.map((record) => ({
      offset: record.offset,
      recordTimeMs: record.timestamp,
      value: decodeValue(record.value),
    }));
    return {
      address: { source, topic: first.topic, partition: first.partition },
      records: records.sort((a, b) => a.offset - b.offset),
    };
  });
}
