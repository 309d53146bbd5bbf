// Asking the broker how far its partitions reach.

import type { KafkaSettings } from "../config/kafka.ts";
import type { PartitionOffsets } from "../core/watermark.ts";
import { keepAdmin } from "./admin.ts";

export interface OffsetReader {
  /** First and next offset of each partition. @throws Error where the broker is away or has no such topic */
  read(topic: string): Promise<readonly PartitionOffsets[]>;
  close(): Promise<void>;
}

export function openOffsetReader(settings: KafkaSettings): OffsetReader {
  const admin = keepAdmin(settings);
  return {
    close: admin.close,
    async read(topic) {
      const offsets = await admin.ask((client) => client.fetchTopicOffsets(topic));
      return offsets
        .map((o) => ({ partition: o.partition, first: Number(o.low), end: Number(o.high) }))
        .sort((a, b) => a.partition - b.partition);
    },
  };
}
