// After the last fault: everything has to be applied and final by itself, soon.

import { setTimeout as sleep } from "node:timers/promises";
import type { ClientBase } from "pg";
import type { LoggedRecord, StreamName } from "./log.ts";
import { positionOf } from "./oracle.ts";
import type { Database } from "./servers.ts";
import { readUnapplied } from "./tables.ts";
import type { Breach } from "./verdict.ts";

type Topics = Readonly<Record<StreamName, string>>;

/** Reads again until nothing is left to wait for, or nothing has gone on for so long. @returns what was left then */
async function untilNone<T>(read: () => Promise<readonly T[]>, standstillMs: number): Promise<readonly T[]> {
  let fewest = Number.POSITIVE_INFINITY;
  for (let sinceMs = performance.now(); ; await sleep(250)) {
    const left = await read();
    if (left.length < fewest) {
      fewest = left.length;
      sinceMs = performance.now();
    }
    if (left.length === 0 || performance.now() - sinceMs > standstillMs) return left;
  }
}

async function readUnfinished(client: ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ what: string }>(
    `SELECT format('%s windows of %s are open', count(*), stream) AS what FROM (
       SELECT 'sensor' AS stream FROM sensor_aggregates_realtime WHERE state = 'open'
       UNION ALL SELECT 'consumption' FROM consumption_aggregates_realtime WHERE state = 'open'
       UNION ALL SELECT 'weather' FROM weather_aggregates_realtime WHERE state = 'open') AS o GROUP BY stream
     UNION ALL SELECT format('%s-%s has a lag of %s', topic, partition, lag) FROM partition_progress WHERE lag > 0`,
  );
  return rows.map((row) => row.what);
}

/** Every amendment of a final row is on record: revision n has n − 1 earlier ones. */
async function readGaps(client: ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ what: string }>(
    `SELECT format('%s: revision %s with %s earlier ones', key, revision, earlier) AS what FROM (
       SELECT t.window_start || ' ' || t.sensor_type || ' ' || t.sensor_id AS key, t.revision,
         (SELECT count(*) FROM sensor_aggregates_history AS h WHERE h.revision < t.revision AND
           (h.window_start, h.sensor_type, h.sensor_id) = (t.window_start, t.sensor_type, t.sensor_id)) AS earlier
       FROM sensor_aggregates_realtime AS t
       UNION ALL SELECT t.window_start || ' ' || t.customer_id, t.revision,
         (SELECT count(*) FROM consumption_aggregates_history AS h WHERE h.revision < t.revision AND
           (h.window_start, h.customer_id) = (t.window_start, t.customer_id))
       FROM consumption_aggregates_realtime AS t
       UNION ALL SELECT t.window_start::text, t.revision,
         (SELECT count(*) FROM weather_aggregates_history AS h WHERE h.revision < t.revision AND
           h.window_start = t.window_start)
       FROM weather_aggregates_realtime AS t) AS rows WHERE earlier <> greatest(revision - 1, 0)`,
  );
  return rows.map((row) => row.what);
}

export interface SettlingOptions {
  readonly database: Database;
  readonly topics: Topics;
  readonly log: readonly LoggedRecord[];
  /** How far the triggers say that they have come, by `stream-partition`: what no ledger covers before that is lost. */
  readonly readCommitted: () => Promise<ReadonlyMap<string, number>>;
  /** For how long nothing may be applied although something waits. */
  readonly applyingStandstillMs: number;
  /** For how long nothing may become final, or lag less, although something is open. */
  readonly finalisingStandstillMs: number;
}

/** Waits until all is applied and final. */
export function settle(options: SettlingOptions): Promise<Breach[]> {
  const { database, topics, log } = options;
  return database.use(async (client) => {
    const unapplied = await untilNone(() => readUnapplied(client, topics, log), options.applyingStandstillMs);
    const committed = await options.readCommitted();
    const ofRecords = unapplied.map((record): Breach => {
      const reached = committed.get(`${record.stream}-${record.partition}`) ?? 0;
      const isLost = record.offset < reached;
      return { promise: isLost ? "LOST" : "STUCK", what: `${positionOf(record)} was never applied` };
    });
    const unfinished = await untilNone(() => readUnfinished(client), options.finalisingStandstillMs);
    const gaps = await readGaps(client);
    return [
      ...ofRecords,
      ...unfinished.map((what): Breach => ({ promise: "STUCK", what })),
      ...gaps.map((what): Breach => ({ promise: "LOST", what })),
    ];
  });
}
