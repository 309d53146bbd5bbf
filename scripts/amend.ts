// `npm run amend -- remove|correct|revert|list|show`: takes a device's or customer's events out of the aggregates or
// makes them right, by an entry of its own. Ends with 0 where that was done (or there was nothing to do), 1 where not.

import { Command } from "commander";
import { amend, emptyWindows, revert } from "../lib/amend/amend.ts";
import type { AmendmentTools } from "../lib/amend/from-topic.ts";
import type { Amended, Decision } from "../lib/amend/judge.ts";
import {
  amendedRowJson,
  amendedRowText,
  amendmentJson,
  amendmentText,
  readAmendedRows,
  readAmendments,
} from "../lib/amend/list.ts";
import {
  amendmentOf,
  type CorrectionOptions,
  factor,
  type SelectionOptions,
  withDecision,
  withSelection,
} from "../lib/amend/options.ts";
import { readKafkaSettings, readTopics } from "../lib/config/kafka.ts";
import { readTimeZones } from "../lib/config/time-zones.ts";
import { openArchive } from "../lib/kafka/archive.ts";
import { wholeNumber } from "../lib/terminal/options.ts";
import { printJson, tolerateClosedOutput } from "../lib/terminal/output.ts";
import { startProgress } from "./progress.ts";
import { onDatabase } from "./running-pipeline.ts";

const NEEDS_TOPIC = { kafka: true, database: true };

/** The same with the topic at hand. */
function onTopic(work: (tools: AmendmentTools) => Promise<Amended>, { dryRun }: Decision): Promise<void> {
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

function resultText({ id, rows, countBefore, countAfter }: Amended, dryRun: boolean): string {
  if (id === null) return "no row changes: no counted event in this span is selected, or it is right already";
  const change = `${rows} rows, ${countBefore} events counted before and ${countAfter} after`;
  return dryRun ? `dry run, nothing has changed: ${change}` : `amendment ${id}: ${change}`;
}

tolerateClosedOutput();

const program = new Command()
  .name("npm run amend --")
  .description("Amends aggregates by entries that can be reverted (docs/amendments.md).")
  .addHelpText(
    "after",
    "\nExit codes: 0 it is done, or there was nothing to do; 1 it was refused, and nothing has changed.",
  );

withDecision(withSelection(program.command("remove").description("make events count no more")))
  .option("--whole-windows", "all that the windows of the span hold, without reading events", false)
  .action((options: SelectionOptions & Decision & { wholeWindows: boolean }) =>
    options.wholeWindows
      ? onDatabase(async (pool, environment) => {
          const tools = { pool, topics: readTopics(environment) };
          console.log(
            resultText(await emptyWindows(tools, amendmentOf(options, false), options), options.dryRun),
          );
        })
      : onTopic((tools) => amend(tools, amendmentOf(options, false), options), options),
  );

withDecision(withSelection(program.command("correct").description("make wrong values right")))
  .option("--multiply <factor>", "an exact decimal number", factor)
  .option("--unit <unit>", "the unit that was meant: kWh, Wh or MWh")
  .action((options: SelectionOptions & CorrectionOptions & Decision) =>
    onTopic((tools) => amend(tools, amendmentOf(options, true), options), options),
  );

withDecision(program.command("revert").description("take an amendment back by another one"))
  .argument("<id>", "", wholeNumber)
  .action((id: number, options: Decision) => onTopic((tools) => revert(tools, id, options), options));

/** How many of the newest are shown to people who do not say. */
const USUAL_LIMIT = 50;

program
  .command("list")
  .description("the amendments, newest first")
  .option("--limit <number>", `at most so many (default: ${USUAL_LIMIT}, with --json all)`, wholeNumber)
  .option("--json", "one JSON array", false)
  .action(({ limit, json }: { limit?: number; json: boolean }) =>
    onDatabase(async (pool) => {
      if (json) return printJson((await readAmendments(pool, null, limit ?? null)).map(amendmentJson));
      const most = limit ?? USUAL_LIMIT;
      const amendments = await readAmendments(pool, null, most + 1);
      if (amendments.length > most)
        console.error(`these are the newest ${most}; there are more: see --limit`);
      console.log(amendments.slice(0, most).map(amendmentText).join("\n") || "no amendments");
    }),
  );

program
  .command("show")
  .description("an amendment with each row that it changed")
  .argument("<id>", "", wholeNumber)
  .option("--json", "one JSON object", false)
  .action((id: number, { json }: { json: boolean }) =>
    onDatabase(async (pool) => {
      const [amendment] = await readAmendments(pool, id, 1);
      if (amendment === undefined) throw new Error(`there is no amendment ${id}`);
      const rows = await readAmendedRows(pool, id);
      if (json) printJson({ ...amendmentJson(amendment), changed_rows: rows.map(amendedRowJson) });
      else console.log([amendmentText(amendment), ...rows.map(amendedRowText)].join("\n"));
    }),
  );

await program.parseAsync();
