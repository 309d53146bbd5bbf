// One line that says how the pipeline is doing and keeps itself up to date; plain lines where there is no terminal.

import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import { messageOf } from "../../lib/log.ts";
import { readTriggers } from "./functions.ts";
import { type Status, statusText } from "./status-text.ts";
import type { Terminal } from "./terminal.ts";

const TERMINAL_MS = 2_000;
const PLAIN_MS = 15_000;

interface Counts {
  readonly atMs: number;
  readonly records: number;
  readonly open: number;
  readonly final: number;
  readonly watermarks: Status["watermarks"];
}

async function readCounts(pool: Pool): Promise<Counts> {
  const { rows } = await pool.query<{
    records: string;
    open: string;
    final: string;
    watermarks: Counts["watermarks"];
  }>(
    `SELECT (SELECT coalesce(sum(records), 0) FROM ledger) AS records, sum(open) AS open, sum(final) AS final,
       (SELECT json_agg(json_build_object('stream', stream, 'atMs', floor(extract(epoch FROM watermark) * 1000))
          ORDER BY stream)
        FROM stream_state) AS watermarks
     FROM (SELECT count(*) FILTER (WHERE state = 'open') AS open, count(*) FILTER (WHERE state = 'final') AS final
             FROM sensor_aggregates_realtime
           UNION ALL SELECT count(*) FILTER (WHERE state = 'open'), count(*) FILTER (WHERE state = 'final')
             FROM consumption_aggregates_realtime
           UNION ALL SELECT count(*) FILTER (WHERE state = 'open'), count(*) FILTER (WHERE state = 'final')
             FROM weather_aggregates_realtime) AS t`,
  );
  const row = rows[0];
  if (row === undefined) throw new Error("no counts");
  return {
    atMs: Date.now(),
    records: Number(row.records),
    open: Number(row.open),
    final: Number(row.final),
    watermarks: row.watermarks,
  };
}

function rateOf(previous: Counts | null, counts: Counts): number {
  const seconds = previous === null ? 0 : (counts.atMs - previous.atMs) / 1000;
  return previous === null || seconds === 0 ? 0 : (counts.records - previous.records) / seconds;
}

/** @returns stops it; resolves when the last line is out */
export function startStatusLine(pool: Pool, controlUrl: string, terminal: Terminal): () => Promise<void> {
  const stopped = new AbortController();

  async function run(): Promise<void> {
    let previous: Counts | null = null;
    while (!stopped.signal.aborted) {
      try {
        const counts = await readCounts(pool);
        const { mappings } = await readTriggers(controlUrl);
        const status: Status = {
          ...counts,
          alerts: [],
          eventsPerSecond: rateOf(previous, counts),
          lag: mappings.flatMap((mapping) => mapping.partitions).reduce((sum, p) => sum + p.lag, 0),
        };
        terminal.showStatus(statusText(status, terminal.width));
        previous = counts;
      } catch (error) {
        // PostgreSQL or the triggers do not answer: that is what there is to say, and the next line may be better.
        if (!stopped.signal.aborted) terminal.showStatus(`status: ${messageOf(error)}`);
      }
      const pauseMs = terminal.isLive ? TERMINAL_MS : PLAIN_MS;
      await sleep(pauseMs, undefined, { signal: stopped.signal }).catch(() => undefined); // stopped
    }
  }

  const finished = run();
  return async () => {
    stopped.abort();
    await finished;
    terminal.endStatus();
  };
}
