// Logs trouble once when it begins and once when it ends, however many sweeps see it.

import type { Pool } from "pg";
import { log, messageOf } from "../log.ts";
import { noteTrouble, type TroubleRules } from "./trouble.ts";

/** Never throws: what cannot be told must not keep windows from becoming final. */
export async function logTrouble(pool: Pool, rules: TroubleRules): Promise<void> {
  try {
    const { begun, ended } = await noteTrouble(pool, rules);
    for (const trouble of begun) log("warn", "trouble", { ...trouble });
    for (const trouble of ended) log("warn", "trouble ended", { ...trouble });
  } catch (error) {
    // PostgreSQL is away, and the sweep will say so as well; or the migrations are behind the code.
    log("error", "trouble not judged", { error: messageOf(error) });
  }
}
