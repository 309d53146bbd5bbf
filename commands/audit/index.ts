// `npm run audit [-- --json] [--repair [--another-cluster]] [--acknowledge]`: what became of every offset and every counted event. Exit code 0: clean;
// 1: something is lost, doubled or does not add up; 2: it could not be found out, or the command line is wrong.

import { type AuditReport, audit, isClean } from "../../lib/audit/audit.ts";
import { acknowledgeBreaks } from "../../lib/audit/books.ts";
import { acknowledge, repair } from "../../lib/audit/repair.ts";
import {
  groupVariable,
  readGroups,
  readKafkaSettings,
  readTopics,
  sourceOf,
} from "../../lib/config/kafka.ts";
import { readLatenessRules } from "../../lib/config/rules.ts";
import { countOf } from "../../lib/core/count.ts";
import { UsageError } from "../../lib/core/usage-error.ts";
import { openArchive } from "../../lib/kafka/archive.ts";
import { openGroupReader } from "../../lib/kafka/groups.ts";
import { openOffsetReader } from "../../lib/kafka/offsets.ts";
import { streamNames } from "../../lib/streams/stream.ts";
import { openReachedPool, pipelineEnvironment } from "../running-stack/running-pipeline.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { printJson, tolerateClosedOutput } from "../terminal/output.ts";
import { terminalWidth } from "../terminal/table.ts";
import { commandLine, endWith } from "../terminal/usage.ts";
import { reportText, verdictOf } from "./report.ts";

const STATEMENT_TIMEOUT_MS = 600_000;
/** 1 is taken by what the audit finds. */
const COULD_NOT_TELL = exitCodes.usage;

tolerateClosedOutput();

const options = commandLine("audit")
  .description("Compares broker, ledger and rows, and names what is lag, gone, hole, LOST or DOUBLED.")
  .option("--json", "one JSON document instead of the table", false)
  .option("--repair", "redeliver what is LOST from the broker, and audit again", false)
  .option(
    "--another-cluster",
    "with --repair: this is another cluster than those that the ledger knows under other names; count its records",
    false,
  )
  .option(
    "--acknowledge",
    "take note of all logs that were truncated or exchanged, and of what retention made LOST for good: they are trouble no more",
    false,
  )
  .addHelpText(
    "after",
    `\nEnvironment: ${streamNames.map(groupVariable).join(", ")} name the consumer groups of\n` +
      "the triggers where they are not those of `npm start` (deployed: smartgrid-STAGE-aggregate-STREAM-TOPIC).\n" +
      "\nExit codes: 0 clean; 1 lost, doubled or not adding up; 2 it could not be found out, or the command line is wrong.",
  )
  .parse()
  .opts<{ json: boolean; repair: boolean; anotherCluster: boolean; acknowledge: boolean }>();

function print(report: AuditReport): void {
  if (options.json) printJson({ ...report, clean: isClean(report), verdict: verdictOf(report) });
  else console.log(reportText(report, terminalWidth()).join("\n"));
}

try {
  if (options.anotherCluster && !options.repair)
    throw new UsageError("--another-cluster goes with --repair: say both, or leave it out");
  const env = await pipelineEnvironment();
  const kafka = readKafkaSettings(env);
  const topics = readTopics(env);
  const pool = await openReachedPool(env, STATEMENT_TIMEOUT_MS);
  const offsets = openOffsetReader(kafka);
  const groups = openGroupReader(kafka);
  const archive = openArchive(kafka);
  const dependencies = { pool, offsets, groups, archive };
  const audited = {
    source: sourceOf(kafka.clusterArn, kafka.brokers),
    topics,
    groups: readGroups(env, topics),
  };
  try {
    if (options.acknowledge) {
      const breaks = await acknowledgeBreaks(pool);
      if (!options.json) console.log(`${countOf(breaks, "broken log")} acknowledged`);
    }
    let report = await audit(audited, dependencies);
    if (options.repair && report.partitions.some(({ lost }) => lost.length > 0)) {
      if (!options.json) print(report);
      const redelivered = await repair(report, pool, archive, readLatenessRules(env), options.anotherCluster);
      if (!options.json)
        console.log(`\nredelivered ${countOf(redelivered, "record")}; the audit once more:\n`);
      report = await audit(audited, dependencies);
    }
    if (options.acknowledge && report.partitions.some(({ expired }) => expired.length > 0)) {
      const offsets = await acknowledge(report, pool);
      if (!options.json) console.log(`${countOf(offsets, "offset")} that are lost for good acknowledged`);
      report = await audit(audited, dependencies);
    }
    print(report);
    process.exitCode = isClean(report) ? 0 : 1;
  } finally {
    await Promise.all([offsets.close(), groups.close(), archive.close(), pool.end()]);
  }
} catch (error) {
  endWith(error, COULD_NOT_TELL);
}
