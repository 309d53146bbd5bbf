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
import { exitCodes } from "../replay/exit-codes.ts";
import { findLayout } from "../replay/find-layout.ts";
import { parseReplayOptions, type ReplayOptions } from "../replay/options.ts";
import { type FileReadings, readFileReadings } from "../replay/read.ts";
import { sendReadings } from "../replay/send.ts";
import { shiftToNow } from "../replay/shift.ts";
import { doubtLine, dryRunLines, layoutLine, readLines } from "../replay/show.ts";
import { DAY_US } from "../replay/times.ts";
import { type Progress, startProgress } from "./progress.ts";
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
async function tooLateReadings(client: pg.Client, file: FileReadings, shiftUs: number, env: Environment) {
  const { rows } = await client.query<{ stream: string; watermark: Date | null }>(
    "SELECT stream, watermark FROM stream_state",
  );
  const { amendmentHorizonUs } = readLatenessRules(env);
  const limits = new Map(
    rows.map(({ stream, watermark }) => [
      stream,
      watermark === null
        ? Number.NEGATIVE_INFINITY
        : watermark.getTime() * 1000 - amendmentHorizonUs - shiftUs,
    ]),
  );
  let count = 0;
  for await (const { series, timeUs } of file.readings())
    if (timeUs < (limits.get(series.kind === "sensor" ? "sensor" : "consumption") ?? 0)) count++;
  return count;
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

async function replay(options: ReplayOptions): Promise<number> {
  const startedMs = performance.now();
  const seconds = () => ((performance.now() - startedMs) / 1000).toFixed(1);
  const progress = startProgress();
  const stopped = new AbortController();
  process.once("SIGINT", () => stopped.abort());
  const layout = options.layout ?? (await findLayout(options.file, options.encoding));
  progress.done(layoutLine(layout));
  const file = await readFileReadings(options.file, {
    ...options,
    layout,
    onProgress: (values) => progress.show(`read ${values} values, ${seconds()} s`),
  });
  try {
    progress.done(readLines(file.survey).join("\n"));
    const { first, last, count } = file.survey;
    const doubts = file.survey.doubts();
    for (const doubt of doubts) console.log(doubtLine(doubt, options.accept.has(doubt.name)));
    const shiftUs =
      options.shift === "now" ? shiftToNow(last?.timeUs ?? 0, Date.now() * 1000) : options.shift * DAY_US;
    if (options.dryRun) console.log(dryRunLines(file.survey, shiftUs).join("\n"));
    if (doubts.some(({ name }) => !options.accept.has(name))) {
      console.error("nothing was sent: answer the doubts above");
      return exitCodes.doubted;
    }
    if (first === null) throw new Error("nothing to send");
    if (options.dryRun) return exitCodes.complete;
    return await sendFile(file, shiftUs, count, options, { progress, seconds, signal: stopped.signal });
  } finally {
    file.close();
  }
}

interface Course {
  readonly progress: Progress;
  readonly seconds: () => string;
  readonly signal: AbortSignal;
}

async function sendFile(
  file: FileReadings,
  shiftUs: number,
  total: number,
  options: ReplayOptions,
  { progress, seconds, signal }: Course,
): Promise<number> {
  const env = await pipelineEnvironment();
  const client = new pg.Client(connectionOf(readDatabaseSettings(env)));
  await client.connect();
  const producer = openProducer(readKafkaSettings(env));
  try {
    const late = options.force ? 0 : await tooLateReadings(client, file, shiftUs, env);
    if (late > 0)
      throw new Error(
        `${late} of the events lie more than the amendment horizon before their stream's watermark and would be ` +
          "recorded as too late. Start anew with `npm start -- --fresh --no-demo`, set AMENDMENT_HORIZON_DAYS, or send them all the same with --force",
      );
    const { sensor, consumption } = readTopics(env);
    const topics = [sensor, consumption];
    const before = await readTotals(client, topics);
    const sent = await sendReadings(producer, file.readings(), {
      topics: { sensor, consumption },
      shiftUs,
      speed: options.speed,
      signal,
      onSent: (n) =>
        progress.show(`sent ${n} of ${total} (${Math.floor((100 * n) / total)} %), ${seconds()} s`),
    });
    progress.done(`sent ${sent} events, ${seconds()} s`);
    const after = await untilApplied(client, topics, before.records + sent, progress.show);
    progress.done(
      `counted ${after.counted - before.counted} · quarantined ${after.quarantined - before.quarantined} · ` +
        `too late ${after.tooLate - before.tooLate} · duplicates ${after.duplicates - before.duplicates} · ` +
        `${seconds()} s (all producers of both topics)`,
    );
    if (after.records < before.records + sent)
      throw new Error("not everything has been applied yet; is a function failing? See .local/functions.log");
    return exitCodes.complete;
  } finally {
    await Promise.all([producer.close(), client.end()]);
  }
}

try {
  process.exitCode = await replay(parseReplayOptions(process.argv));
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = exitCodes.failed;
}
