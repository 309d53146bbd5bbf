// One line that says how the pipeline is doing and keeps itself up to date; plain lines where there is no terminal.

import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "pg";
import { messageOf } from "../../lib/log.ts";
import { readTriggers } from "./functions.ts";

const TERMINAL_MS = 2_000;
const PLAIN_MS = 15_000;

interface Counts {
  readonly atMs: number;
  readonly records: number;
  readonly open: number;
  readonly final: number;
  readonly watermarks: readonly { readonly stream: string; readonly at: string | null }[];
}

async function readCounts(pool: Pool): Promise<Counts> {
  const { rows } = await pool.query<{
    records: string;
    open: string;
    final: string;
    watermarks: Counts["watermarks"];
  }>(
    `SELECT (SELECT coalesce(sum(records), 0) FROM ledger) AS records, sum(open) AS open, sum(final) AS final,
       (SELECT json_agg(json_build_object('stream', stream, 'at', to_char(watermark, 'DD.MM. HH24:MI:SS')) ORDER BY stream)
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

function lineOf(previous: Counts | null, counts: Counts, lag: number): string {
  const seconds = previous === null ? 0 : (counts.atMs - previous.atMs) / 1000;
  const rate = previous === null || seconds === 0 ? 0 : (counts.records - previous.records) / seconds;
  const marks = counts.watermarks.map(({ stream, at }) => `${stream} ${at ?? "–"}`).join(" · ");
  return `${rate.toFixed(0)} events/s · lag ${lag} · watermarks (UTC) ${marks} · windows ${counts.open} open ${counts.final} final`;
}

/** @returns stops it; resolves when the last line is out */
export function startStatusLine(pool: Pool, controlUrl: string): () => Promise<void> {
  const stopped = new AbortController();
  const { isTTY } = process.stdout;

  function write(line: string): void {
    if (!isTTY) console.log(line);
    else process.stdout.write(`\r\x1b[K${line.slice(0, (process.stdout.columns ?? 80) - 1)}`);
  }

  async function run(): Promise<void> {
    let previous: Counts | null = null;
    while (!stopped.signal.aborted) {
      try {
        const counts = await readCounts(pool);
        const { mappings } = await readTriggers(controlUrl);
        const lag = mappings.flatMap((mapping) => mapping.partitions).reduce((sum, p) => sum + p.lag, 0);
        write(lineOf(previous, counts, lag));
        previous = counts;
      } catch (error) {
        // PostgreSQL or the triggers do not answer: that is what there is to say, and the next line may be better.
        if (!stopped.signal.aborted) write(`status: ${messageOf(error)}`);
      }
      await sleep(isTTY ? TERMINAL_MS : PLAIN_MS, undefined, { signal: stopped.signal }).catch(
        () => undefined,
      ); // stopped
    }
  }

  const finished = run();
  return async () => {
    stopped.abort();
    await finished;
    if (isTTY) process.stdout.write("\n");
  };
}
