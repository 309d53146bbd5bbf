// The lanes of a mapping: which partition is in which, made and dropped as partitions come and go (7).

import type { FetchedPartition } from "./kafka-source.ts";
import { Lane, type LaneOptions } from "./lane.ts";
import type { PartitionStatus } from "./lane-member.ts";
import type { MappingSettings } from "./settings.ts";

/** D: one provisioned poller has up to five invocations at once. */
const INVOCATIONS_PER_POLLER = 5;

/** Invocations at once: at most one for each partition, and five for each provisioned poller (7). */
export function lanesFor(settings: MappingSettings, partitionCount: number): number {
  const { pollers, concurrency = partitionCount } = settings;
  const allowed = pollers === undefined ? partitionCount : INVOCATIONS_PER_POLLER * pollers.maximum;
  return Math.max(1, Math.min(partitionCount, allowed, concurrency));
}

export class Lanes {
  readonly #lanes = new Map<number, Lane>();
  readonly #byPartition = new Map<number, Lane>();
  /** Partition → why its records cannot be read. */
  readonly #unreadable = new Map<number, string>();
  #laneCount = 0;

  get statuses(): PartitionStatus[] {
    return [...this.#lanes.values()]
      .flatMap((lane) => lane.statuses)
      .map((one) => ({ ...one, lastError: this.#unreadable.get(one.partition) ?? one.lastError }))
      .sort((a, b) => a.partition - b.partition);
  }

  /** Offsets to read on from, of the partitions that have room and can be read. */
  get wantedOffsets(): Map<number, number> {
    const wanted = new Map([...this.#lanes.values()].flatMap((lane) => [...lane.wantedOffsets]));
    for (const partition of this.#unreadable.keys()) wanted.delete(partition);
    return wanted;
  }

  /** Keeps what stays, lets go what was lost. @returns the partitions that are new, to be added */
  async keepOnly(partitions: readonly number[], laneCount: number): Promise<number[]> {
    // Another number of lanes shares the partitions out anew.
    if (laneCount !== this.#laneCount) await this.drop();
    this.#laneCount = laneCount;
    const lost = [...this.#byPartition].filter(([partition]) => !partitions.includes(partition));
    await Promise.all(lost.map(([partition, lane]) => lane.remove(partition)));
    for (const [partition] of lost) this.#byPartition.delete(partition);
    return partitions.filter((partition) => !this.#byPartition.has(partition));
  }

  add(partition: number, startOffset: number, options: () => LaneOptions): void {
    const index = partition % this.#laneCount;
    const lane = this.#lanes.get(index) ?? new Lane(options());
    this.#lanes.set(index, lane);
    lane.add(partition, startOffset);
    this.#byPartition.set(partition, lane);
  }

  take(all: readonly FetchedPartition[], wanted: ReadonlyMap<number, number>): void {
    for (const fetched of all)
      this.#byPartition.get(fetched.partition)?.take(fetched, wanted.get(fetched.partition) ?? -1);
  }

  markUnreadable(partition: number, reason: string): void {
    this.#unreadable.set(partition, reason);
  }

  /** Nothing is invoked until `resume`; resolves when the running invocations have ended and are committed. */
  async pause(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map((lane) => lane.pause()));
  }

  resume(): void {
    for (const lane of this.#lanes.values()) lane.resume();
  }

  /** Lets everything go; resolves when the running invocations have ended and are committed. */
  async drop(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map((lane) => lane.stop()));
    this.#lanes.clear();
    this.#byPartition.clear();
    this.#unreadable.clear();
  }
}
