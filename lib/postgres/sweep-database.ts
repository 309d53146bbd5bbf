// PostgreSQL as the sweeper's database.

import type { Pool } from "pg";
import type { SweepDatabase } from "../windows/sweep-all.ts";
import { findLost, recordLost, settleHolesAhead } from "./lost.ts";
import { postgresSweepStore } from "./sweep-store.ts";

export function postgresSweepDatabase(pool: Pool): SweepDatabase {
  return {
    ...postgresSweepStore(pool),
    findLost: (...asked) => findLost(pool, ...asked),
    recordLost: (...found) => recordLost(pool, ...found),
    settleHolesAhead: (...asked) => settleHolesAhead(pool, ...asked),
    // Loaded when they are needed: they need all streams' decoders, and a sweep's start does not.
    redeliver: async (...lost) => (await import("./redeliver.ts")).redeliverLost(pool, ...lost),
    completeConflicts: async (...asked) =>
      (await import("./complete-conflicts.ts")).completeConflicts(pool, ...asked),
  };
}
