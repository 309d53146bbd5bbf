// `npm run replay -- FILE`: real data through a running pipeline (that of `npm start`, or the one that the environment
// names), with a word on what the file is before, and on what became of it after.

import { readDatabaseSettings } from "../../lib/config/database.ts";
import { readKafkaSettings, readTopics } from "../../lib/config/kafka.ts";
import { readLatenessRules } from "../../lib/config/rules.ts";
import { countOf } from "../../lib/core/count.ts";
import { openProducer } from "../../lib/kafka/produce.ts";
import { messageOf } from "../../lib/log.ts";
import { connect } from "../../lib/postgres/connect.ts";
import { fateOf, readInstant, untilApplied } from "../replay/fate.ts";
import { findLayout } from "../replay/find-layout.ts";
import { parseReplayOptions, type ReplayOptions } from "../replay/options.ts";
import { type Plan, planFor, refusalOf } from "../replay/plan.ts";
import { Positions } from "../replay/positions.ts";
import { type FileReadings, readFileReadings } from "../replay/read.ts";
import { countSeen } from "../replay/seen.ts";
import { sendReadings } from "../replay/send.ts";
import { chooseShift, keepShift } from "../replay/shift.ts";
import {
  doubtLine,
  dryRunLines,
  fateLines,
  layoutLine,
  readLines,
  seenLines,
  shiftLine,
  verdict,
} from "../replay/show.ts";
import { DAY_US } from "../replay/times.ts";
import { pipelineEnvironment } from "../running-stack/running-pipeline.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { tolerateClosedOutput } from "../terminal/output.ts";
import { type Progress, startProgress } from "../terminal/progress.ts";
import { endWith } from "../terminal/usage.ts";

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
  progress.done(layoutLine(layout, options.layoutOptions.zone));
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
    const isDoubted = doubts.some(({ name }) => !options.accept.has(name));
    if (!isDoubted && survey.count === 0)
      throw new Error(`nothing to send: ${options.file} gives no reading; the lines above say why`);
    if (!isDoubted && !options.dryRun) return await send(file, run);
    if (options.dryRun) await foresee(file, options);
    if (isDoubted) {
      console.error("nothing was sent: answer the doubts above");
      return exitCodes.doubted;
    }
    if (survey.skipped.count === 0 || options.allowSkipped) return exitCodes.complete;
    console.error(`${countOf(survey.skipped.count, "value")} would be skipped, see above`);
    return exitCodes.incomplete;
  } finally {
    file.close();
  }
}

/** Shows what would be sent, and what the pipeline says to it where one can be asked. @throws UsageError as `send` does */
async function foresee(file: FileReadings, options: ReplayOptions): Promise<void> {
  const { survey } = file;
  const unasked = chooseShift(options.shift, survey.last?.timeUs ?? 0, Date.now() * 1000, []);
  const opened = await pipelineEnvironment({ kafka: false, database: true })
    .then(async (env) => ({ env, client: await connect(readDatabaseSettings(env)) }))
    .catch(messageOf); // a file can be looked at without a pipeline
  if (typeof opened === "string") {
    console.log(dryRunLines(survey, unasked).join("\n"));
    console.log(
      `the pipeline could not be asked whether it counts these times, nor whether these meters were sent before: ${opened}`,
    );
    return;
  }
  const { client, env } = opened;
  try {
    const plan = await planFor(client, file, options.shift, readLatenessRules(env));
    console.log(dryRunLines(survey, plan.shift).join("\n"));
    console.log(seenLines(await countSeen(client, file.readings())).join("\n"));
    refuseAsPlanned(plan, file, options);
  } finally {
    await client.end();
  }
}

/** @throws Error where not all of the file would count, and nobody has said that it is to be sent all the same */
function refuseAsPlanned(plan: Plan, { survey }: FileReadings, { force }: ReplayOptions): void {
  const times = { firstUs: survey.first?.timeUs ?? 0, lastUs: survey.last?.timeUs ?? 0 };
  const refusal = force ? null : refusalOf(plan, times, Date.now() * 1000);
  if (refusal !== null) throw refusal;
}

async function send(file: FileReadings, run: Run): Promise<number> {
  const { options, progress, signal, seconds } = run;
  const { survey } = file;
  const env = await pipelineEnvironment();
  const topics = readTopics(env);
  const client = await connect(readDatabaseSettings(env));
  const producer = openProducer(readKafkaSettings(env));
  const positions = new Positions();
  try {
    const plan = await planFor(client, file, options.shift, readLatenessRules(env));
    const { shift } = plan;
    const shiftUs = shift.days * DAY_US;
    progress.done(shiftLine(survey, shift));
    refuseAsPlanned(plan, file, options);
    const series = [...survey.bySeries.keys()];
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
    progress.done(`sent ${countOf(positions.records, "event")}, ${seconds()} s`);
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
          : `sent, the sweeper has to look at ${countOf(unseen, "partition")}`,
      ),
    );
    const fate = await fateOf(client, sending);
    progress.done([...fateLines(fate), `${seconds()} s`].join("\n"));
    if (signal.aborted)
      throw new Error(`ended by Ctrl-C: sent ${positions.records} of ${countOf(survey.count, "event")}`);
    const wrong = verdict(fate, survey.skipped.count);
    if (wrong === null || (options.allowSkipped && fate.applied === fate.sent && fate.unclear === 0))
      return exitCodes.complete;
    console.error(wrong);
    return exitCodes.incomplete;
  } finally {
    await Promise.all([producer.close(), client.end()]);
  }
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
  endWith(error, stopped.signal.aborted ? exitCodes.interrupted : exitCodes.failed);
}
// A client that cannot reach its broker goes on trying behind our back, and would keep the process alive.
process.exit();
