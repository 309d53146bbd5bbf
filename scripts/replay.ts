// `npm run replay -- FILE --format …`: real data through a running pipeline (that of `npm start`, or the one that the
// environment names), with a summary of what became of it.

import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { readDatabaseSettings } from "../lib/config/database.ts";
import type { Environment } from "../lib/config/environment.ts";
import { readKafkaSettings, readTopics } from "../lib/config/kafka.ts";
import { readLatenessRules } from "../lib/config/rules.ts";
import { openProducer } from "../lib/kafka/produce.ts";
import { messageOf } from "../lib/log.ts";
import { connectionOf } from "../lib/store/pool.ts";
import { parseReplayOptions, type ReplayOptions } from "../replay/options.ts";
import { readDataFile, shiftToNow } from "../replay/read-file.ts";
import type { Reading } from "../replay/reading.ts";
import { sendReadings } from "../replay/send.ts";
import { startProgress } from "./progress.ts";
import { pipelineEnvironment } from "./running-pipeline.ts";

interface Totals {
  readonly records: number;
  readonly counted: number;
  readonly quarantined: number;
  readonly tooLate: number;
  readonly duplicates: number;
}

async function readTotals(client: pg.Client, topics: readonly string[]): Promise<Totals> {
  const { rows } = await client.query<Record<keyof Totals, string>>(
    `SELECT coalesce(sum(records), 0) AS records, coalesce(sum(counted), 0) AS counted,
       coalesce(sum(quarantined), 0) AS quarantined, coalesce(sum(too_late), 0) AS "tooLate",
       coalesce(sum(duplicates), 0) AS duplicates
     FROM ledger WHERE topic = ANY ($1)`,
    [topics],
  );
  const value = (name: keyof Totals) => Number(rows[0]?.[name] ?? 0);
  return {
    records: value("records"),
    counted: value("counted"),
    quarantined: value("quarantined"),
    tooLate: value("tooLate"),
    duplicates: value("duplicates"),
  };
}

/** How many of the readings come after their windows can still be amended, and the watermark that says so. */
async function tooLateReadings(
  client: pg.Client,
  readings: readonly Reading[],
  shiftMs: number,
  env: Environment,
) {
  const { rows } = await client.query<{ stream: string; watermark: Date | null }>(
    "SELECT stream, watermark FROM stream_state",
  );
  const { amendmentHorizonUs } = readLatenessRules(env);
  const limits = new Map(
    rows.map((row) => [
      row.stream,
      row.watermark === null ? null : row.watermark.getTime() - amendmentHorizonUs / 1000,
    ]),
  );
  return readings.filter((reading) => {
    const limitMs = limits.get(reading.kind === "sensor" ? "sensor" : "consumption") ?? null;
    return limitMs !== null && reading.timeMs + shiftMs < limitMs;
  }).length;
}

/** Waits until the ledger holds as many more records, or nothing has come for half a minute. */
async function untilApplied(
  client: pg.Client,
  topics: readonly string[],
  target: number,
  show: (line: string) => void,
) {
  const GIVE_UP_MS = 30_000;
  let totals = await readTotals(client, topics);
  for (let changedMs = performance.now(); totals.records < target; await sleep(250)) {
    const next = await readTotals(client, topics);
    if (next.records !== totals.records) changedMs = performance.now();
    else if (performance.now() - changedMs > GIVE_UP_MS) return next;
    totals = next;
    show(`applied, ${target - totals.records} records to come`);
  }
  return totals;
}

async function replay(options: ReplayOptions, env: Environment): Promise<void> {
  const startedMs = performance.now();
  const seconds = () => ((performance.now() - startedMs) / 1000).toFixed(1);
  const progress = startProgress();
  const contents = await readDataFile(options.file, options.format, options.selection);
  progress.done(`read ${contents.rows} rows: ${contents.readings.length} events`);
  for (const [reason, { count, lines }] of contents.skipped)
    console.log(
      `skipped ${count} rows: ${reason} (line ${lines.join(", ")}${count > lines.length ? ", …" : ""})`,
    );
  const first = contents.readings[0];
  if (first === undefined) throw new Error("nothing to send");
  const shiftMs = options.shift === "now" ? shiftToNow(contents.readings, Date.now()) : 0;

  const client = new pg.Client(connectionOf(readDatabaseSettings(env)));
  await client.connect();
  const producer = openProducer(readKafkaSettings(env));
  const stopped = new AbortController();
  process.once("SIGINT", () => stopped.abort());
  try {
    const late = await tooLateReadings(client, contents.readings, shiftMs, env);
    if (late > 0 && !options.force)
      throw new Error(
        `${late} of the events lie more than the amendment horizon before their stream's watermark and would be ` +
          "recorded as too late. Start anew with `npm start -- --fresh --no-demo`, set AMENDMENT_HORIZON_DAYS, or send them all the same with --force",
      );
    const { sensor, consumption } = readTopics(env);
    const topics = [sensor, consumption];
    const before = await readTotals(client, topics);
    const sinceRow = (await client.query<{ now: string }>("SELECT now()::text AS now")).rows[0];
    const total = contents.readings.length;
    const sent = await sendReadings(producer, contents.readings, {
      topics: { sensor, consumption },
      shiftMs,
      speed: options.speed,
      signal: stopped.signal,
      onSent: (n) =>
        progress.show(`sent ${n} of ${total} (${Math.floor((100 * n) / total)} %), ${seconds()} s`),
    });
    progress.done(
      `sent ${sent} events from ${new Date(first.timeMs + shiftMs).toISOString()} on, ${seconds()} s`,
    );
    const after = await untilApplied(client, topics, before.records + sent, progress.show);
    const { rows } = await client.query<{ rows: string }>(
      `SELECT (SELECT count(*) FROM sensor_aggregates_realtime WHERE updated_at >= $1::timestamptz)
         + (SELECT count(*) FROM consumption_aggregates_realtime WHERE updated_at >= $1::timestamptz) AS rows`,
      [sinceRow?.now],
    );
    progress.done(
      `counted ${after.counted - before.counted} · quarantined ${after.quarantined - before.quarantined} · ` +
        `too late ${after.tooLate - before.tooLate} · duplicates ${after.duplicates - before.duplicates} · ` +
        `rows ${rows[0]?.rows} · ${seconds()} s (all producers of both topics)`,
    );
    if (after.records < before.records + sent)
      throw new Error("not everything has been applied yet; is a function failing? See .local/functions.log");
  } finally {
    await Promise.all([producer.close(), client.end()]);
  }
}

try {
  await replay(parseReplayOptions(process.argv), await pipelineEnvironment());
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
