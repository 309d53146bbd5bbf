// Commits of what is done, one after the other, so that an older one never overtakes a newer (9).

import { reasonOf } from "./kafka-errors.ts";
import type { Counters } from "./metrics.ts";
import type { PartitionQueue } from "./partition-queue.ts";
import type { MappingSettings } from "./settings.ts";

export interface CommitsOptions {
  readonly settings: MappingSettings;
  readonly counters: Counters;
  readonly log: (message: string) => void;
  /** Commits next offsets. */
  readonly commit: (offsets: ReadonlyMap<number, number>) => Promise<void>;
}

export class Commits {
  readonly #options: CommitsOptions;
  #last: Promise<void> = Promise.resolve();

  constructor(options: CommitsOptions) {
    this.#options = options;
  }

  /** Resolves when all commits so far have been answered. */
  get settled(): Promise<void> {
    return this.#last;
  }

  /** Commits the queues that have moved on since their last commit. */
  commit(queues: readonly PartitionQueue[]): void {
    const { settings, commit, log, counters } = this.#options;
    const ahead = queues.filter((queue) => queue.settledOffset > queue.committedOffset);
    const offsets = new Map(ahead.map((queue) => [queue.partition, queue.settledOffset]));
    if (offsets.size === 0) return;
    const records = ahead.reduce((sum, queue) => sum + queue.settledOffset - queue.committedOffset, 0);
    for (const queue of ahead) queue.committedOffset = queue.settledOffset;
    this.#last = this.#last.then(async () => {
      try {
        await commit(offsets);
        counters.CommittedEventCount += records;
      } catch (error) {
        // Delivery is at least once: what was not committed comes again, perhaps to another member of the group.
        const positions = [...offsets].map(
          ([partition, offset]) => `${settings.topic}-${partition} ${offset}`,
        );
        log(`not committed: ${positions.join(", ")}: ${reasonOf(error)}`);
      }
    });
  }
}
