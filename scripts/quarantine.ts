// `npm run quarantine -- list|show|replay|discard`: what was refused, and what becomes of it.
// Ends with 0 where everything selected was done, 1 where the command could not run, 2 where a record could not be
// replayed.

import { Command } from "commander";
import type { Pool } from "pg";
import { readTopics } from "../lib/config/kafka.ts";
import { readLatenessRules } from "../lib/config/rules.ts";
import {
  type Decision,
  type ReplayOptions,
  type Selection,
  withDecision,
  withSelection,
} from "../lib/quarantine/options.ts";
import { replaySelected } from "../lib/quarantine/replay-selected.ts";
import { discardRecords, MAX_ATTEMPTS } from "../lib/quarantine/resolve.ts";
import { noneText, requireChoice, selectRecords } from "../lib/quarantine/select.ts";
import { describeRecord, summaryOf } from "../lib/quarantine/show.ts";
import { streams } from "../lib/streams/streams.ts";
import { onDatabase } from "./running-pipeline.ts";

async function selected(pool: Pool, positions: readonly string[], options: Selection) {
  const records = await selectRecords(pool, positions, options);
  if (records.length === 0) console.log(noneText(options));
  return records;
}

const program = new Command()
  .name("npm run quarantine --")
  .description("Records that were refused: look at them, replay them, discard them (docs/quarantine.md).");

withSelection(program.command("list").description("one line for each record")).action(
  (positions: string[], options: Selection) =>
    onDatabase(async (pool) => {
      const records = await selected(pool, positions, options);
      for (const record of records) console.log(summaryOf(record));
      if (positions.length === 0 && records.length === options.limit)
        console.log(`… at most ${options.limit}: see more with --limit`);
    }),
);

withSelection(program.command("show").description("all that is known of records, with their bytes")).action(
  (positions: string[], options: Selection) =>
    onDatabase(async (pool) => {
      const records = await selected(pool, positions, options);
      if (records.length > 0) console.log(records.map(describeRecord).join("\n\n"));
    }),
);

withDecision(
  withSelection(program.command("replay").description("judge records again, as they came or edited")),
)
  .option("--edit <file>", "the whole value, for one record")
  .option(
    "--set <field=value>",
    "a field of the record's JSON; value is JSON or text; may be repeated",
    (text: string, before: string[]) => [...before, text],
    [],
  )
  .option("--force", `try again what was refused ${MAX_ATTEMPTS} times`, false)
  .option("--dry-run", "say what would happen to each record by itself, and change nothing", false)
  .action((positions: string[], options: Selection & ReplayOptions) =>
    onDatabase(async (pool) => {
      requireChoice(positions, options);
      const topics = readTopics(process.env);
      const streamOfTopic = new Map(Object.values(streams).map((stream) => [topics[stream.name], stream]));
      const records = await selected(pool, positions, options);
      const rules = readLatenessRules(process.env);
      if (!(await replaySelected(pool, records, streamOfTopic, options, rules, console.log)))
        process.exitCode = 2;
    }),
  );

withDecision(
  withSelection(program.command("discard").description("mark records as never to be replayed")),
).action((positions: string[], options: Selection & Decision) =>
  onDatabase(async (pool) => {
    requireChoice(positions, options);
    const records = await selected(pool, positions, options);
    if (records.length === 0) return;
    const discarded = await discardRecords(pool, records, options.by, options.note ?? null);
    console.log(
      `${discarded} of ${records.length} discarded${discarded < records.length ? "; the others were resolved before" : ""}`,
    );
  }),
);

await program.parseAsync();
