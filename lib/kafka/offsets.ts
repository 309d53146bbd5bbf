// Asking the broker how far its partitions reach.

import type { KafkaSettings } from "../config.ts";
import type { PartitionOffsets } from "../core/watermark.ts";
import { keepConnection } from "./connection.ts";

export interface OffsetReader {
  /** First and next offset of each partition. @throws Error where the broker is away or has no such topic */
  read(topic: string): Promise<readonly PartitionOffsets[]>;
  close(): Promise<void>;
}

export function openOffsetReader(settings: KafkaSettings): OffsetReader {
  const connection = keepConnection(settings, (kafka) => kafka.admin());
  return {
    close: connection.drop,
    async read(topic) {
      try {
        const offsets = await (await connection.get()).fetchTopicOffsets(topic);
        return offsets
          .map((o) => ({ partition: o.partition, first: Number(o.low), end: Number(o.high) }))
          .sort((a, b) => a.partition - b.partition);
      } catch (error) {
        // The connection may be what is broken: the next call makes a new one.
        void connection.drop();
        throw error;
      }
    },
  };
}
