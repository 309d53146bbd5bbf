// What happened to the servers' own memory in a run: without it, what is seen afterwards cannot be judged.

import type { LoggedRecord } from "./log.ts";

export interface Upheavals {
  /** Power cuts of the broker so far, and databases that were set back to an older copy. */
  cuts: number;
  restores: number;
  /** `stream-partition` of each log that was cut. */
  readonly cutLogs: Set<string>;
  /** Committed records that the log held and holds no more. */
  readonly gone: LoggedRecord[];
}

/** When something was seen: between which upheavals. */
export type Era = Readonly<Pick<Upheavals, "cuts" | "restores">>;
