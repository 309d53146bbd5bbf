// What a fault is, and what it gets to act on.

import type { RunningMapping } from "../../../localstack/event-source-mapping/mapping.ts";
import type { EventGenerator } from "../events.ts";
import type { ExecutionEnvironments, LaboratoryError } from "../execution-environments.ts";
import type { StreamName } from "../log.ts";
import type { Random } from "../random.ts";
import type { Broker, Database } from "../servers.ts";
import type { Upheavals } from "../upheavals.ts";

export interface World {
  readonly broker: Broker;
  readonly database: Database;
  readonly aggregators: readonly ExecutionEnvironments[];
  readonly sweeper: ExecutionEnvironments;
  readonly topics: Readonly<Record<StreamName, string>>;
  readonly events: EventGenerator;
  readonly upheavals: Upheavals;
  readonly progress: () => number;
  /** One more instance of the triggers of all streams, in the same groups. */
  readonly startTriggers: () => RunningMapping[];
  readonly sweep: () => Promise<void>;
  /** A fault that cannot be injected ends the run: its verdict would claim too much. */
  readonly onTrouble: (trouble: LaboratoryError) => void;
  /** Ends every wait when the run is over. */
  readonly signal: AbortSignal;
}

export interface Fault {
  /** Faults on the same thing exclude each other. */
  readonly on: "broker" | "database" | "functions" | "topics";
  /** Does it, and undoes it before it resolves. */
  inject(world: World, random: Random): Promise<void>;
}

/** Long enough to hurt, short enough for many of them. */
export function drawDurationMs(random: Random): number {
  return random.between(500, 5_000);
}
