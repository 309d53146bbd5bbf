// All mappings of a service with their states (12): started, changed, stopped and deleted while the service runs.

import { createHash } from "node:crypto";
import type { FailureSink } from "./destination.ts";
import type { Faults } from "./faults.ts";
import type { Invoke } from "./invoke.ts";
import { type MappingStatus, type RunningMapping, startMapping } from "./mapping.ts";
import { type Counters, noCounts } from "./metrics.ts";
import type { MappingSettings, Properties } from "./settings.ts";

export type MappingState =
  | "Creating"
  | "Enabling"
  | "Enabled"
  | "Updating"
  | "Disabling"
  | "Disabled"
  | "Deleting";

export interface RegistryOptions {
  readonly brokers: readonly string[];
  readonly invoke: Invoke;
  readonly log: (message: string) => void;
  readonly sink?: FailureSink;
  readonly faults?: Faults;
}

/** A change is under way already: AWS answers ResourceInUse or ResourceConflict. */
export class MappingBusyError extends Error {
  override readonly name = "MappingBusyError";
}

/** Stable between runs, as the mapping is: from its function and its group. */
export function mappingId(settings: MappingSettings): string {
  const hex = createHash("sha256").update(`${settings.functionName}|${settings.groupId}`).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export class ManagedMapping {
  readonly id: string;
  readonly counters: Counters = noCounts();
  readonly #options: RegistryOptions;
  #settings: MappingSettings;
  #properties: Properties;
  #running: RunningMapping | null = null;
  #change: "Updating" | "Disabling" | "Enabling" | "Deleting" | null = null;
  /** What is said until it reads its topic. */
  #startingState: MappingState = "Creating";
  #lastModifiedMs = Date.now();
  #lastResult = "No records processed";

  constructor(settings: MappingSettings, properties: Properties, options: RegistryOptions) {
    this.id = mappingId(settings);
    this.#settings = settings;
    this.#properties = properties;
    this.#options = options;
    if (settings.isEnabled !== false) this.#start();
  }

  get settings(): MappingSettings {
    return this.#settings;
  }

  /** As given, in AWS's names. */
  get properties(): Properties {
    return this.#properties;
  }

  get lastModifiedMs(): number {
    return this.#lastModifiedMs;
  }

  get state(): MappingState {
    if (this.#change !== null) return this.#change;
    const state = this.#running?.status.state ?? "Disabled";
    return state === "Creating" ? this.#startingState : state;
  }

  get status(): Omit<MappingStatus, "state"> & { readonly uuid: string; readonly state: MappingState } {
    const { functionName, topic, groupId } = this.#settings;
    const status = this.#running?.status ?? {
      functionName,
      topic,
      groupId,
      lastProcessingResult: this.#lastResult,
      partitions: [],
    };
    return { uuid: this.id, ...status, state: this.state };
  }

  /**
   * Replaces the settings; a running invocation ends first, with the old ones.
   * @throws MappingBusyError while another change is under way
   */
  change(settings: MappingSettings, properties: Properties): Promise<void> {
    if (this.#change !== null) throw new MappingBusyError(`the mapping is ${this.#change}`);
    const [was, will] = [this.#settings.isEnabled !== false, settings.isEnabled !== false];
    this.#change = was === will ? "Updating" : will ? "Enabling" : "Disabling";
    return this.#apply(async () => {
      this.#settings = settings;
      this.#properties = properties;
      this.#startingState = was ? "Updating" : "Enabling";
      if (will) this.#start();
    });
  }

  /** Stops it for good. */
  delete(): Promise<void> {
    if (this.#change !== null) throw new MappingBusyError(`the mapping is ${this.#change}`);
    this.#change = "Deleting";
    return this.#stop();
  }

  /** Stops it because the service stops. */
  async close(): Promise<void> {
    await this.#stop();
  }

  async #apply(afterStop: () => Promise<void>): Promise<void> {
    try {
      await this.#stop();
      await afterStop();
    } finally {
      this.#lastModifiedMs = Date.now();
      this.#change = null;
    }
  }

  #start(): void {
    const { brokers, invoke, log, sink, faults } = this.#options;
    this.#running = startMapping(this.#settings, brokers, invoke, log, {
      id: this.id,
      counters: this.counters,
      ...(sink === undefined ? {} : { sink }),
      ...(faults === undefined ? {} : { faults }),
    });
  }

  async #stop(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    this.#lastResult = running.status.lastProcessingResult;
    await running.stop();
    this.#running = null;
  }
}

export class MappingRegistry {
  readonly #options: RegistryOptions;
  readonly #mappings = new Map<string, ManagedMapping>();

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  get all(): readonly ManagedMapping[] {
    return [...this.#mappings.values()];
  }

  get brokers(): readonly string[] {
    return this.#options.brokers;
  }

  find(id: string): ManagedMapping | undefined {
    return this.#mappings.get(id);
  }

  /** @returns undefined where the group id belongs to another mapping: it must be unique (8) */
  create(settings: MappingSettings, properties: Properties): ManagedMapping | undefined {
    if (this.all.some((one) => one.settings.groupId === settings.groupId)) return undefined;
    const mapping = new ManagedMapping(settings, properties, this.#options);
    this.#mappings.set(mapping.id, mapping);
    return mapping;
  }

  async delete(mapping: ManagedMapping): Promise<void> {
    await mapping.delete();
    this.#mappings.delete(mapping.id);
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((mapping) => mapping.close()));
  }

  /** Rule 24, one entry for each mapping. */
  metrics(): readonly Readonly<Record<string, unknown>>[] {
    return this.all.map((mapping) => ({
      EventSourceMappingUUID: mapping.id,
      FunctionName: mapping.settings.functionName,
      Topic: mapping.settings.topic,
      ...mapping.counters,
      OffsetLag: Object.fromEntries(mapping.status.partitions.map(({ partition, lag }) => [partition, lag])),
      ...(mapping.settings.pollers === undefined
        ? {}
        : { ProvisionedPollers: mapping.settings.pollers.minimum }),
    }));
  }
}
