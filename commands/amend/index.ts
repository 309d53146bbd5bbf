// `npm run amend -- remove|correct|replace|revert|list|show`: takes a device's or customer's events out of the aggregates or
// makes them right, by an entry of its own. Ends with 0 where that was done (or there was nothing to do), 1 where not, 2 where
// the command line is wrong.

import { Option } from "commander";
import { amend, emptyWindows, revert } from "../../lib/amend/amend.ts";
import type { Amended, SignedReason } from "../../lib/amend/apply.ts";
import type { AmendmentTools } from "../../lib/amend/from-topic.ts";
import { refuseUnknownSelector } from "../../lib/amend/known.ts";
import {
  amendedRowJson,
  amendedRowText,
  amendmentJson,
  amendmentText,
  changeText,
  readAmendedRows,
  readAmendments,
} from "../../lib/amend/list.ts";
import { presentReading, type Replaced, replaceByConflict, replaceReading } from "../../lib/amend/replace.ts";
import { readKafkaSettings, readTopics } from "../../lib/config/kafka.ts";
import { readTimeZones } from "../../lib/config/time-zones.ts";
import { countOf } from "../../lib/core/count.ts";
import { UsageError } from "../../lib/core/usage-error.ts";
import { openArchive } from "../../lib/kafka/archive.ts";
import { onDatabase } from "../running-stack/running-pipeline.ts";
import { wholeNumber } from "../terminal/options.ts";
import { printJson, tolerateClosedOutput } from "../terminal/output.ts";
import { startProgress } from "../terminal/progress.ts";
import { commandLine, endWith } from "../terminal/usage.ts";
import {
  amendmentOf,
  type CorrectionOptions,
  factor,
  type ReplacementOptions,
  replacementOf,
  type SelectionOptions,
  withReason,
  withReplacement,
  withSelection,
} from "./options.ts";

const NEEDS_TOPIC = { kafka: true, database: true };

/** The same with the topic at hand. */
function onTopic(
  work: (tools: AmendmentTools) => Promise<Amended | Replaced>,
  { dryRun }: SignedReason,
): Promise<void> {
  return onDatabase(async (pool, environment) => {
    const archive = openArchive(readKafkaSettings(environment));
    const progress = startProgress();
    try {
      const onRead = (offsets: number, of: number) => progress.show(`read ${offsets} of ${of} offsets`);
      const amended = await work({
        pool,
        archive,
        topics: readTopics(environment),
        zones: readTimeZones(environment),
        onRead,
      });
      progress.done(resultText(amended, dryRun));
    } finally {
      await archive.close();
    }
  }, NEEDS_TOPIC);
}

async function amendSelected(
  tools: AmendmentTools,
  options: SelectionOptions & CorrectionOptions & SignedReason,
  corrects: boolean,
): Promise<Amended> {
  const amendment = await amendmentOf(options, corrects, (reading) => presentReading(tools, reading));
  await refuseUnknownSelector(tools.pool, amendment.selector);
  return amend(tools, amendment, options);
}

function resultText(amended: Amended | Replaced, dryRun: boolean): string {
  const { id, rows, changes = [] } = amended;
  if (id === null)
    return "no row changes: no counted event of the span matches, or it has this value already; check names and span";
  const change = changeText(amended);
  const whole = "from" in amended ? `${amended.from} → ${amended.to}; ${change}` : change;
  if (!dryRun) return `amendment ${id}: ${whole}`;
  const more =
    rows > changes.length ? [`  … and ${countOf(rows - changes.length, "more row", "more rows")}`] : [];
  return [`dry run, nothing has changed: ${whole}`, ...changes.map(amendedRowText), ...more].join("\n");
}

tolerateClosedOutput();

const program = commandLine("amend")
  .description(
    "Removes or corrects events that have been counted. Each amendment is kept and can be reverted (docs/amendments.md).",
  )
  .addHelpText(
    "after",
    "\nExit codes: 0 done, or nothing to do; 1 refused, and nothing has changed; 2 the command line is wrong.",
  );

withReason(withSelection(program.command("remove").description("stop counting events")))
  .option("--whole-windows", "empty the windows of the span, without reading the events again", false)
  .action((options: SelectionOptions & SignedReason & { wholeWindows: boolean }) =>
    options.wholeWindows
      ? onDatabase(async (pool, environment) => {
          const tools = { pool, topics: readTopics(environment) };
          const amendment = await amendmentOf(options, false, () => {
            throw new UsageError(
              "whole windows hold more than one event: give --from and --to, and no --event-id",
            );
          });
          await refuseUnknownSelector(pool, amendment.selector);
          console.log(resultText(await emptyWindows(tools, amendment, options), options.dryRun));
        })
      : onTopic((tools) => amendSelected(tools, options, false), options),
  );

withReason(withSelection(program.command("correct").description("count events with another value")))
  .option("--multiply <factor>", "multiply each value by this decimal number, such as 0.001", factor)
  .addOption(new Option("--unit <unit>", "the unit that was meant").choices(["kWh", "Wh", "MWh"]))
  .action((options: SelectionOptions & CorrectionOptions & SignedReason) =>
    onTopic((tools) => amendSelected(tools, options, true), options),
  );

withReason(
  withReplacement(
    program
      .command("replace")
      .description("count another value for one reading: an actual one for an estimate"),
  ),
).action((options: ReplacementOptions & SignedReason) => {
  const wanted = replacementOf(options);
  return onTopic(
    (tools) =>
      wanted.conflict !== undefined
        ? replaceByConflict(tools, wanted.conflict, options)
        : replaceReading(tools, wanted.reading, wanted.value, wanted.unit, options),
    options,
  );
});

withReason(program.command("revert").description("take an amendment back by another one"))
  .argument("<id>", "", wholeNumber)
  .action((id: number, options: SignedReason) => onTopic((tools) => revert(tools, id, options), options));

/** How many of the newest are shown to people who do not say. */
const USUAL_LIMIT = 50;

program
  .command("list")
  .description("list amendments, newest first")
  .option("--limit <number>", `at most this many (default: ${USUAL_LIMIT}, all with --json)`, wholeNumber)
  .option("--json", "one JSON array", false)
  .action(({ limit, json }: { limit?: number; json: boolean }) =>
    onDatabase(async (pool) => {
      if (json) return printJson((await readAmendments(pool, null, limit ?? null)).map(amendmentJson));
      const most = limit ?? USUAL_LIMIT;
      const amendments = await readAmendments(pool, null, most + 1);
      if (amendments.length > most) console.error(`only the newest ${most} are shown; --limit shows more`);
      console.log(amendments.slice(0, most).map(amendmentText).join("\n") || "no amendments");
    }),
  );

program
  .command("show")
  .description("show an amendment and each row that it changed")
  .argument("<id>", "", wholeNumber)
  .option("--json", "one JSON object", false)
  .action((id: number, { json }: { json: boolean }) =>
    onDatabase(async (pool) => {
      const [amendment] = await readAmendments(pool, id, 1);
      if (amendment === undefined)
        throw new Error(`there is no amendment ${id}: npm run amend -- list shows which there are`);
      const rows = await readAmendedRows(pool, id, null);
      if (json) printJson({ ...amendmentJson(amendment), changed_rows: rows.map(amendedRowJson) });
      else console.log([amendmentText(amendment), ...rows.map(amendedRowText)].join("\n"));
    }),
  );

await program.parseAsync().catch((error) => endWith(error));
