// One line that says how the pipeline is doing and keeps itself up to date; plain lines where there is no terminal.

import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import { messageOf } from "../../lib/log.ts";
import { readKept } from "../../lib/postgres/kept.ts";
import { type StreamName, streamNames } from "../../lib/streams/stream.ts";
import { readTriggers } from "./functions.ts";
import { alertsOf, type Findings, type Status, statusText } from "./status-text.ts";
import type { Terminal } from "./terminal.ts";

const TERMINAL_MS = 2_000;
const PLAIN_MS = 15_000;
/** For how long the first line waits for the first sweep. */
const FIRST_SWEEP_MS = 8_000;

interface Counts extends Findings {
  readonly atMs: number;
  readonly records: number;
  readonly open: number;
  readonly final: number;
  readonly watermarks: Status["watermarks"];
}

const rowsSql = (stream: StreamName) =>
  `SELECT count(*) FILTER (WHERE state = 'open') AS open, count(*) FILTER (WHERE state = 'final') AS final
   FROM ${stream}_aggregates_realtime`;

async function readCounts(pool: Pool, startedMs: number): Promise<Counts> {
  const { rows } = await pool.query<{
    records: string;
    open: string;
    final: string;
    brokenLogs: string;
    lost: string;
    unchecked: string;
    holdsLess: boolean;
    redelivered: string;
    watermarks: Counts["watermarks"];
  }>(
    `SELECT (SELECT coalesce(sum(records), 0) FROM ledger) AS records, sum(open) AS open, sum(final) AS final,
       (SELECT count(*) FROM trouble('1 day', '1 day') WHERE kind = 'log_broken') AS "brokenLogs",
       (SELECT coalesce(sum(offsets_in(lost) + offsets_in(expired)), 0) FROM present_progress()) AS lost,
       (SELECT coalesce(sum(unchecked), 0) FROM present_progress()) AS unchecked,
       EXISTS (SELECT FROM present_progress() AS p WHERE holds_less(p)) AS "holdsLess",
       (SELECT coalesce(sum(records), 0) FROM redelivery WHERE delivered_at >= to_timestamp($1)) AS redelivered,
       (SELECT json_agg(json_build_object('stream', stream, 'atMs', floor(extract(epoch FROM watermark) * 1000))
          ORDER BY stream)
        FROM stream_state) AS watermarks
     FROM (${streamNames.map(rowsSql).join(" UNION ALL ")}) AS t`,
    [startedMs / 1000],
  );
  const row = rows[0];
  if (row === undefined) throw new Error("no counts");
  return {
    atMs: Date.now(),
    records: Number(row.records),
    open: Number(row.open),
    final: Number(row.final),
    brokenLogs: Number(row.brokenLogs),
    lost: Number(row.lost),
    unchecked: Number(row.unchecked),
    holdsLess: row.holdsLess,
    redelivered: Number(row.redelivered),
    kept: await readKept(pool, new Date(startedMs)),
    watermarks: row.watermarks,
  };
}

function rateOf(previous: Counts | null, counts: Counts): number {
  const seconds = previous === null ? 0 : (counts.atMs - previous.atMs) / 1000;
  return previous === null || seconds === 0 ? 0 : (counts.records - previous.records) / seconds;
}

async function wasSwept(pool: Pool, startedMs: number): Promise<boolean> {
  const { rows } = await pool.query<{ swept: boolean }>(
    "SELECT bool_and(coalesce(swept_at >= to_timestamp($1), false)) AS swept FROM stream_state",
    [startedMs / 1000],
  );
  return rows[0]?.swept ?? false;
}

/**
 * Begins with the first sweep, which finds what is lost; without one, all the same after some seconds.
 * @param startedMs since the epoch: what was delivered again since then is told
 * @returns stops it; resolves when the last line is out */
export function startStatusLine(
  pool: Pool,
  controlUrl: string,
  terminal: Terminal,
  startedMs: number,
): () => Promise<void> {
  const stopped = new AbortController();

  async function run(): Promise<void> {
    const pause = (ms: number) => sleep(ms, undefined, { signal: stopped.signal }).catch(() => undefined); // stopped
    for (const untilMs = Date.now() + FIRST_SWEEP_MS; Date.now() < untilMs && !stopped.signal.aborted; ) {
      if (await wasSwept(pool, startedMs).catch(() => false)) break; // PostgreSQL is away: the first line says it
      await pause(100);
    }
    let previous: Counts | null = null;
    while (!stopped.signal.aborted) {
      try {
        const counts = await readCounts(pool, startedMs);
        const { mappings } = await readTriggers(controlUrl);
        const status: Status = {
          ...counts,
          alerts: alertsOf(counts),
          eventsPerSecond: rateOf(previous, counts),
          lag: mappings.flatMap((mapping) => mapping.partitions).reduce((sum, p) => sum + p.lag, 0),
        };
        terminal.showStatus(statusText(status, terminal.width));
        previous = counts;
      } catch (error) {
        // PostgreSQL or the triggers do not answer: that is what there is to say, and the next line may be better.
        if (!stopped.signal.aborted) terminal.showStatus(`status: ${messageOf(error)}`);
      }
      await pause(terminal.isLive ? TERMINAL_MS : PLAIN_MS);
    }
  }

  const finished = run();
  return async () => {
    stopped.abort();
    await finished;
    terminal.endStatus();
  };
}
