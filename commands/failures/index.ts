// `npm run failures -- list|show|replay`: batches that were given up to a failure destination on this machine, and
// their second chance: the records are read again from the topic, and the function is invoked with them.

import { join, resolve } from "node:path";
import { program } from "commander";
import { countOf } from "../../lib/core/count.ts";
import { printable } from "../../lib/core/printable.ts";
import { messageOf } from "../../lib/log.ts";
import { parseDestination } from "../../localstack/event-source-mapping/destination-name.ts";
import { type Invoke, invokeThrough } from "../../localstack/event-source-mapping/invoke.ts";
import {
  deliverEvents,
  type ReplayRules,
  rangeText,
  rebuildEvents,
} from "../../localstack/event-source-mapping/replay-failure.ts";
import {
  listFailures,
  markReplayed,
  type StoredFailure,
} from "../../localstack/event-source-mapping/stored-failures.ts";
import {
  type Control,
  controlUrl,
  functionNameOf,
  type MappingConfiguration,
  openControl,
} from "../running-stack/control.ts";
import { FOLDER, findRunningStack } from "../running-stack/running-stack.ts";
import { printJson, tolerateClosedOutput } from "../terminal/output.ts";
import { fittingTable, terminalWidth } from "../terminal/table.ts";
import { endWith } from "../terminal/usage.ts";

const url = () => program.opts<{ url?: string }>().url;

/** Where the failure destinations are that are files: those of the running `npm start`, if nothing else is said. */
async function failuresFolder(): Promise<string> {
  const { stack } = await findRunningStack();
  const named = process.env.LOCALSTACK_FAILURES_DIR;
  const running = stack?.environment.LOCALSTACK_FAILURES_DIR;
  if (named && running && resolve(named) !== running)
    warn(
      "LOCALSTACK_FAILURES_DIR",
      `${named} here, ${running} in the running \`npm start\`; ${named} is used`,
    );
  return named || running || join(FOLDER, "failures");
}

interface Selection {
  readonly function?: string;
  readonly destination?: string;
}

interface ReplayOptions extends Selection {
  readonly all?: boolean;
  readonly dryRun?: boolean;
}

interface Stack {
  readonly control: Control;
  readonly brokers: readonly string[];
  readonly mappings: readonly MappingConfiguration[];
}

const warn = (where: string, reason: string) => console.error(`${where}: ${reason}`);

async function openStack(url: string | undefined): Promise<Stack> {
  const control = await openControl(url);
  const [{ bootstrapServers }, mappings] = await Promise.all([control.status(), control.list()]);
  return { control, brokers: bootstrapServers.split(","), mappings };
}

/** Files can be listed while nothing runs; the topics cannot. */
async function stackIfRunning(url: string | undefined): Promise<Stack | null> {
  try {
    return await openStack(url);
  } catch (error) {
    warn("files only, no failure topics", messageOf(error));
    return null;
  }
}

function failureTopics(mappings: readonly MappingConfiguration[]): string[] {
  const topics = mappings.flatMap(({ DestinationConfig }) => {
    const destination = parseDestination(DestinationConfig.OnFailure.Destination ?? "");
    return destination?.kind === "kafka" ? [destination.name] : [];
  });
  return [...new Set(topics)];
}

async function readAll(stack: Stack | null): Promise<StoredFailure[]> {
  const topics = stack === null ? [] : failureTopics(stack.mappings);
  return listFailures(await failuresFolder(), stack?.brokers ?? [], topics, warn);
}

const isSelected = (selection: Selection) => (failure: StoredFailure) =>
  (selection.function === undefined ||
    failure.functionName === selection.function ||
    failure.functionName.endsWith(`-${selection.function}`)) &&
  (selection.destination === undefined || failure.destination === selection.destination);

const rangesOf = ({ topic, ranges }: StoredFailure) =>
  ranges.map((range) => rangeText(topic, range)).join(", ");

function tableOfFailures(failures: readonly StoredFailure[]): string {
  const rows = failures.map((one) => [
    ...[one.id, one.at, one.functionName, one.condition, one.destination],
    ...[rangesOf(one), String(one.batchSize), String(one.invocations)],
    one.replayedAt ?? "",
  ]);
  const head = ["id", "when", "function", "condition", "destination", "offsets", "records", "invocations"];
  return fittingTable(
    [...head, "replayed"],
    rows.map((row) => row.map(printable)),
    terminalWidth(),
  );
}

/** @param id the beginning suffices where it names one only. @throws Error where it does not */
function pick(failures: readonly StoredFailure[], id: string): StoredFailure {
  const [failure, ...others] = failures.filter((one) => one.id.startsWith(id));
  if (failure === undefined) throw new Error(`no failure has the id ${id}: see \`npm run failures -- list\``);
  if (others.length > 0) throw new Error(`${others.length + 1} failures have an id that begins with ${id}`);
  return failure;
}

function rulesFor({ functionName, topic }: StoredFailure, mappings: Stack["mappings"]): ReplayRules {
  const mapping = mappings.find((one) => functionNameOf(one) === functionName && one.Topics[0] === topic);
  return {
    filterPatterns: mapping?.FilterCriteria?.Filters.map(({ Pattern }) => Pattern) ?? [],
    reportsItemFailures: mapping?.FunctionResponseTypes.includes("ReportBatchItemFailures") ?? false,
  };
}

/** @returns whether all of it has been delivered (on a dry run: could be) */
async function replayOne(
  failure: StoredFailure,
  stack: Stack,
  invoke: Invoke,
  isDry: boolean,
): Promise<boolean> {
  const what = `${failure.id} ${failure.functionName} ${rangesOf(failure)}`;
  try {
    const rules = rulesFor(failure, stack.mappings);
    const rebuilt = await rebuildEvents(failure, stack.brokers, rules);
    if (!isDry) await deliverEvents(failure, rebuilt, invoke, rules);
    const source = rebuilt.from === "topic" ? "the topic" : "the payload";
    console.log(
      `${what}: ${isDry ? "would replay" : "replayed"} ${countOf(rebuilt.records, "record")} from ${source}`,
    );
    for (const gone of rebuilt.gone) console.log(`  no longer in the topic: ${gone}`);
    if (rebuilt.gone.length > 0 && rebuilt.from === "topic") {
      console.error(`${what}: some of its records are gone, so it stays on the list`);
      return false;
    }
    if (!isDry) await markReplayed(await failuresFolder(), failure, Date.now());
    return true;
  } catch (error) {
    // It stays; the others may do.
    console.error(`${what}: not replayed: ${messageOf(error)}`);
    return false;
  }
}

async function replay(ids: readonly string[], options: ReplayOptions): Promise<void> {
  if (ids.length > 0 === (options.all ?? false))
    throw new Error("name the ids of failures or give --all, and not both");
  const stack = await openStack(url());
  const all = await readAll(stack);
  const chosen = options.all
    ? all.filter(isSelected(options)).filter(({ replayedAt }) => replayedAt === null)
    : [...new Set(ids.map((id) => pick(all, id)))];
  const done = chosen.find(({ replayedAt }) => replayedAt !== null);
  if (done !== undefined) throw new Error(`${done.id}: replayed already, ${done.replayedAt}`);
  const invoke = invokeThrough(stack.control.url);
  let count = 0;
  for (const failure of chosen) if (await replayOne(failure, stack, invoke, options.dryRun ?? false)) count++;
  console.log(`${count} of ${chosen.length} ${options.dryRun ? "could be " : ""}replayed`);
  if (count < chosen.length) process.exitCode = 1;
}

tolerateClosedOutput();

program
  .name("npm run failures --")
  .description(
    "Shows and replays batches that failed and went to a failure destination on this machine (LOCALSTACK_FAILURES_DIR).",
  )
  .addOption(controlUrl)
  .addHelpText("after", "\nExit codes: 0 done; 1 not done, or not all of it.")
  .showHelpAfterError();
program
  .command("list")
  .description("list failures that have not been replayed")
  .option("--function <name>", "only failures of this function")
  .option("--destination <kind/name>", "only failures at this destination, such as sqs/failed-readings")
  .option("--replayed", "also failures that have been replayed")
  .option("--json", "print a JSON array of failures, each with its record as AWS would have sent it", false)
  .action(async (options: Selection & { replayed?: boolean; json: boolean }) => {
    const all = (await readAll(await stackIfRunning(url()))).filter(isSelected(options));
    const shown = all.filter(({ replayedAt }) => options.replayed === true || replayedAt === null);
    if (options.json) printJson(shown);
    else console.log(shown.length === 0 ? "no failures" : tableOfFailures(shown));
  });
program
  .command("show <id>")
  .description("show a failure as AWS would have sent it")
  .option("--json", "print the record alone", false)
  .action(async (id: string, { json }: { json: boolean }) => {
    const { record, file, destination, replayedAt } = pick(await readAll(await stackIfRunning(url())), id);
    if (!json) console.log(`${file ?? destination}${replayedAt === null ? "" : ` (replayed ${replayedAt})`}`);
    printJson(record);
  });
program
  .command("replay [ids...]")
  .description("read the records from the topic again and invoke the function with them")
  .option("--all", "all failures that have not been replayed")
  .option("--function <name>", "with --all: only failures of this function")
  .option("--destination <kind/name>", "with --all: only failures at this destination")
  .option("--dry-run", "read the records, but invoke nothing")
  .action(replay);

try {
  await program.parseAsync();
} catch (error) {
  endWith(error);
}
