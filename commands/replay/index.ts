// `npm run replay -- FILE`: real data through a running pipeline (that of `npm start`, or the one that the environment
// names), with a word on what the file is before, and on what became of it after.

import pg from "pg";
import { readDatabaseSettings } from "../../lib/config/database.ts";
import { readKafkaSettings, readTopics } from "../../lib/config/kafka.ts";
import { readLatenessRules } from "../../lib/config/rules.ts";
import { openProducer } from "../../lib/kafka/produce.ts";
import { messageOf } from "../../lib/log.ts";
import { connectionOf } from "../../lib/postgres/pool.ts";
import { pipelineEnvironment } from "../running-stack/running-pipeline.ts";
import { tolerateClosedOutput } from "../terminal/output.ts";
import { type Progress, startProgress } from "../terminal/progress.ts";
import { exitCodes } from "./exit-codes.ts";
import { fateOf, readInstant, untilApplied } from "./fate.ts";
import { findLayout } from "./find-layout.ts";
import { outOfTime } from "./limits.ts";
import { parseReplayOptions, type ReplayOptions } from "./options.ts";
import { Positions } from "./positions.ts";
import { type FileReadings, readFileReadings } from "./read.ts";
import { sendReadings } from "./send.ts";
import { chooseShift, keepShift, readKeptShifts } from "./shift.ts";
import { doubtLine, dryRunLines, fateLines, layoutLine, readLines, shiftLine, verdict } from "./show.ts";
import { DAY_US } from "./times.ts";

tolerateClosedOutput();

interface Run {
  readonly options: ReplayOptions;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly seconds: () => string;
}

/** Everything that is known before something is sent. @returns the exit code */
async function replay(run: Run): Promise<number> {
  const { options, progress, signal, seconds } = run;
  const layout = options.layout ?? (await findLayout(options.file, options.encoding));
  progress.done(layoutLine(layout));
  const file = await readFileReadings(options.file, {
    ...options,
    layout,
    signal,
    onProgress: (values) => progress.show(`read ${values} values, ${seconds()} s`),
  });
  try {
    const { survey } = file;
    progress.done(readLines(survey).join("\n"));
    const doubts = survey.doubts();
    for (const doubt of doubts) console.log(doubtLine(doubt, options.accept.has(doubt.name)));
    const first = chooseShift(options.shift, survey.last?.timeUs ?? 0, Date.now() * 1000, []);
    if (options.dryRun) console.log(dryRunLines(survey, first).join("\n"));
    if (doubts.some(({ name }) => !options.accept.has(name))) {
      console.error("nothing was sent: answer the doubts above");
      return exitCodes.doubted;
    }
    if (survey.count === 0) throw new Error("nothing to send");
    if (!options.dryRun) return await send(file, run);
    if (survey.skipped.count === 0 || options.allowSkipped) return exitCodes.complete;
    console.error(`${survey.skipped.count} values would be skipped, see above`);
    return exitCodes.incomplete;
  } finally {
    file.close();
  }
}

async function send(file: FileReadings, run: Run): Promise<number> {
  const { options, progress, signal, seconds } = run;
  const { survey } = file;
  const env = await pipelineEnvironment();
  const topics = readTopics(env);
  const client = new pg.Client(connectionOf(readDatabaseSettings(env)));
  await client.connect();
  const producer = openProducer(readKafkaSettings(env));
  const positions = new Positions();
  try {
    const series = [...survey.bySeries.keys()];
    const kept = await readKeptShifts(client, series);
    const shift = chooseShift(options.shift, survey.last?.timeUs ?? 0, Date.now() * 1000, kept);
    const shiftUs = shift.days * DAY_US;
    progress.done(shiftLine(survey, shift));
    if (!options.force) await refuseOutOfTime(client, file, shiftUs, readLatenessRules(env));
    await keepShift(client, series, shift.days, options.file); // not before it is certain that something is sent
    const before = await readInstant(client);
    await sendReadings(producer, file.readings(), positions, {
      topics,
      shiftUs,
      speed: options.speed,
      signal,
      onSent: (n) =>
        progress.show(
          `sent ${n} of ${survey.count} (${Math.floor((100 * n) / survey.count)} %), ${seconds()} s`,
        ),
    });
    progress.done(`sent ${positions.records} events, ${seconds()} s`);
    const sending = {
      partitions: positions.partitions,
      before,
      after: await readInstant(client),
      firstUs: (survey.first?.timeUs ?? 0) + shiftUs,
      lastUs: (survey.last?.timeUs ?? 0) + shiftUs,
      once: { stream: "consumption" as const, topic: topics.consumption },
    };
    await untilApplied(client, sending, signal, (toCome, unseen) =>
      progress.show(
        toCome > 0
          ? `sent, ${toCome} to be counted`
          : `sent, the sweeper has to look at ${unseen} partitions`,
      ),
    );
    const fate = await fateOf(client, sending);
    progress.done([...fateLines(fate), `${seconds()} s`].join("\n"));
    if (signal.aborted)
      throw new Error(`ended by Ctrl-C: sent ${positions.records} of ${survey.count} events`);
    const wrong = verdict(fate, survey.skipped.count);
    if (wrong === null || (options.allowSkipped && fate.applied === fate.sent && fate.unclear === 0))
      return exitCodes.complete;
    console.error(wrong);
    return exitCodes.incomplete;
  } finally {
    await Promise.all([producer.close(), client.end()]);
  }
}

async function refuseOutOfTime(
  client: pg.Client,
  file: FileReadings,
  shiftUs: number,
  rules: ReturnType<typeof readLatenessRules>,
): Promise<void> {
  const { late, future } = await outOfTime(client, file.readings(), shiftUs, rules);
  if (late > 0)
    throw new Error(
      `${late} of the events lie more than the amendment horizon before their stream's watermark and would be ` +
        "recorded as too late. Start anew with `npm start -- --fresh --no-demo`, set AMENDMENT_HORIZON_DAYS, or send them all the same with --force",
    );
  if (future > 0)
    throw new Error(
      `${future} of the events would lie in the future and be quarantined: send them later, choose --shift, or send them all the same with --force`,
    );
}

const startedMs = performance.now();
const stopped = new AbortController();
process.once("SIGINT", () => stopped.abort()); // a second Ctrl-C ends it at once
try {
  process.exitCode = await replay({
    options: parseReplayOptions(process.argv),
    progress: startProgress(),
    signal: stopped.signal,
    seconds: () => ((performance.now() - startedMs) / 1000).toFixed(1),
  });
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = stopped.signal.aborted ? exitCodes.interrupted : exitCodes.failed;
}
// A client that cannot reach its broker goes on trying behind our back, and would keep the process alive.
process.exit();
