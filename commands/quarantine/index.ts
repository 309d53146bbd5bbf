// `npm run quarantine -- list|show|doubtful|replay|discard|conflicts|dismiss-conflicts`: what was refused, and what becomes of it.
// Exit codes: 0, all that was selected is done; 1, the command could not run; 2, the command line is wrong; 4, a record could
// not be replayed.

import type { Pool } from "pg";
import type { Environment } from "../../lib/config/environment.ts";
import { readTopics } from "../../lib/config/kafka.ts";
import { readLatenessRules } from "../../lib/config/rules.ts";
import { UsageError } from "../../lib/core/usage-error.ts";
import {
  countConflicts,
  dismissConflicts,
  eachConflict,
  refuseUnknownConflicts,
} from "../../lib/quarantine/conflicts.ts";
import { doubtfulKinds, doubtfulValues } from "../../lib/quarantine/doubtful.ts";
import { refuseUnknown } from "../../lib/quarantine/known.ts";
import type { QuarantinedRecord } from "../../lib/quarantine/records.ts";
import { discardRecords, MAX_ATTEMPTS } from "../../lib/quarantine/resolve.ts";
import { streams } from "../../lib/streams/streams.ts";
import { onDatabase } from "../running-stack/running-pipeline.ts";
import { csvOf, jsonOf } from "../terminal/columns.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { wholeNumber } from "../terminal/options.ts";
import { printAll, tolerateClosedOutput } from "../terminal/output.ts";
import { terminalWidth, wrapped } from "../terminal/table.ts";
import { commandLine, endWith } from "../terminal/usage.ts";
import { conflictColumns, conflictCountsText, conflictText } from "./conflict-text.ts";
import { doubtfulColumns, doubtfulText } from "./doubtful-text.ts";
import {
  type ConflictOptions,
  type DismissOptions,
  type DoubtfulOptions,
  type Form,
  type ReplayOptions,
  type Selection,
  type SignedNote,
  USUAL_LIMIT,
  withConflicts,
  withDismissal,
  withDoubtful,
  withForm,
  withNote,
  withSelection,
} from "./options.ts";
import { quarantineColumns } from "./record-columns.ts";
import { replaySelected } from "./replay-selected.ts";
import { eachSelected, noneText, requireChoice, selectRecords } from "./select.ts";
import { describeRecord, summaryOf } from "./show.ts";

async function selected(
  pool: Pool,
  positions: readonly string[],
  options: Selection,
  environment: Environment,
) {
  await refuseUnknown(pool, options, readTopics(environment));
  const { records, cutAt } = await selectRecords(pool, positions, options);
  if (records.length === 0) console.log(noneText(options));
  if (cutAt !== null)
    console.error(`only the first ${cutAt} records that match are taken; --limit takes more`);
  return records;
}

/** Shows records to people or, where that is asked for, to programs. */
function showing(textOf: (records: readonly QuarantinedRecord[]) => string) {
  return (positions: string[], options: Selection & Form) =>
    onDatabase(async (pool, environment) => {
      if (options.json || options.csv) {
        await refuseUnknown(pool, options, readTopics(environment));
        const formOf = options.json ? jsonOf : csvOf;
        await printAll(formOf(quarantineColumns, eachSelected(pool, positions, options)));
        return;
      }
      const records = await selected(pool, positions, options, environment);
      if (records.length > 0) console.log(textOf(records));
    });
}

function wholeNumbers(text: string, before: readonly number[]): number[] {
  return [...before, wholeNumber(text)];
}

tolerateClosedOutput();
const program = commandLine("quarantine")
  .description("Shows records that were refused, and replays or discards them (docs/quarantine.md).")
  .addHelpText(
    "after",
    "\nExit codes: 0 done; 1 the command could not run; 2 the command line is wrong; 4 a record could not be replayed.",
  );

withForm(withSelection(program.command("list").description("list records, one on each line"))).action(
  showing((records) => records.map((record) => wrapped(summaryOf(record), terminalWidth())).join("\n")),
);

withForm(
  withSelection(program.command("show").description("show everything known about records, with their bytes")),
).action(showing((records) => records.map(describeRecord).join("\n\n")));

withForm(
  withDoubtful(
    program
      .command("doubtful")
      .description("values that were counted and are likely to be another unit: how many, and which"),
  ),
).action((options: DoubtfulOptions & Form) =>
  onDatabase(async (pool, environment) => {
    await refuseUnknown(pool, options, readTopics(environment));
    const isForPrograms = options.json || options.csv;
    const values = await doubtfulValues(pool, options, options.limit ?? (isForPrograms ? null : USUAL_LIMIT));
    if (isForPrograms) await printAll((options.json ? jsonOf : csvOf)(doubtfulColumns, values));
    else
      console.log(
        doubtfulText(await doubtfulKinds(pool, options), values).join("\n") || "no doubtful values",
      );
  }),
);

withNote(
  withSelection(program.command("replay").description("process records again, as they came or edited")),
)
  .option("--edit <file>", "replace the value by the content of this file; for one record")
  .option(
    "--set <field=value>",
    "set a field of the record's JSON to JSON, to text, or to a value of the record itself: number(field), number(field, ','), text(field), time(field, s|ms|us|ns), copy(field); may be repeated",
    (text: string, before: string[]) => [...before, text],
    [],
  )
  .option("--set-all", "allow --set to write the same value into several records", false)
  .option("--force", `also try records that have been refused ${MAX_ATTEMPTS} times`, false)
  .option("--dry-run", "show what would happen to each record on its own, and change nothing", false)
  .action((positions: string[], options: Selection & ReplayOptions) =>
    onDatabase(async (pool, environment) => {
      requireChoice(positions, options);
      const topics = readTopics(environment);
      const streamOfTopic = new Map(Object.values(streams).map((stream) => [topics[stream.name], stream]));
      const records = await selected(pool, positions, options, environment);
      const rules = readLatenessRules(environment);
      if (!(await replaySelected(pool, records, streamOfTopic, options, rules, console.log)))
        process.exitCode = exitCodes.incomplete;
    }),
  );

withNote(
  withSelection(program.command("discard").description("mark records that will not be replayed")),
).action((positions: string[], options: Selection & SignedNote) =>
  onDatabase(async (pool, environment) => {
    requireChoice(positions, options);
    const records = await selected(pool, positions, options, environment);
    if (records.length === 0) return;
    const discarded = await discardRecords(pool, records, options.by, options.note ?? null);
    console.log(
      `${discarded} of ${records.length} discarded${discarded < records.length ? "; the others were resolved before" : ""}`,
    );
  }),
);

withForm(
  withConflicts(
    program
      .command("conflicts")
      .description("events whose identity had been counted with other content: both, with their positions")
      .argument("[id...]", "some of them", wholeNumbers, []),
  ),
).action((ids: number[], { open, limit, json, csv }: ConflictOptions & Form) =>
  onDatabase(async (pool) => {
    await refuseUnknownConflicts(pool, ids);
    if (json || csv) {
      const conflicts = eachConflict(pool, ids, open, limit ?? Number.POSITIVE_INFINITY);
      return printAll((json ? jsonOf : csvOf)(conflictColumns, conflicts));
    }
    for await (const conflict of eachConflict(pool, ids, open, limit ?? USUAL_LIMIT))
      console.log(`${conflictText(conflict)}\n`);
    const counts = await countConflicts(pool);
    console.log(counts.all === 0 ? "no conflicts" : conflictCountsText(counts));
  }),
);

withNote(
  withDismissal(
    program
      .command("dismiss-conflicts")
      .description("note that conflicts were looked at and that what is counted stays")
      .argument(
        "[id...]",
        "as `conflicts` lists them; without one, the filters below choose them",
        wholeNumbers,
        [],
      ),
  ),
).action((named: number[], { stream, since, until, all, by, note }: DismissOptions & SignedNote) =>
  onDatabase(async (pool) => {
    const ids = [...new Set(named)];
    if (ids.length === 0 && !all && stream === undefined && since === undefined && until === undefined)
      throw new UsageError("which conflicts? Name their numbers, a filter such as --until, or --all");
    await refuseUnknownConflicts(pool, ids);
    const dismissed = await dismissConflicts(pool, { ids, stream, since, until, by, note: note ?? null });
    const others = ids.length > dismissed ? "; the rest was dismissed or replaced before" : "";
    console.log(`${dismissed}${ids.length > 0 ? ` of ${ids.length}` : ""} dismissed${others}`);
  }),
);

await program.parseAsync().catch((error) => endWith(error));
