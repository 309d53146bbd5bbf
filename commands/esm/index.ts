// `npm run esm -- list|show|enable|disable|set`: the event source mappings of what runs here, for people.

import { setTimeout as sleep } from "node:timers/promises";
import { InvalidArgumentError, program } from "commander";
import { messageOf } from "../../lib/log.ts";
import {
  type Control,
  controlUrl,
  functionNameOf,
  type MappingConfiguration,
  openControl,
  pickMapping,
} from "../running-stack/control.ts";
import { printJson, tolerateClosedOutput } from "../terminal/output.ts";
import { fittingTable, tableOf, terminalWidth } from "../terminal/table.ts";

const POLL_MS = 100;
/** AWS's changes take up to 90 s (12). */
const CHANGE_LIMIT_MS = 90_000;

interface Form {
  readonly json: boolean;
}

/** For programs: the mapping under AWS's names, and how far its partitions are. */
const withPartitions = (
  mapping: MappingConfiguration,
  { mappings }: Awaited<ReturnType<Control["status"]>>,
) => ({
  ...mapping,
  partitions: mappings.find(({ uuid }) => uuid === mapping.UUID)?.partitions ?? [],
});

async function list(control: Control, { json }: Form): Promise<void> {
  const [mappings, status] = await Promise.all([control.list(), control.status()]);
  if (json) {
    printJson(mappings.map((mapping) => withPartitions(mapping, status)));
    return;
  }
  const rows = mappings.map((mapping) => {
    const partitions = status.mappings.find(({ uuid }) => uuid === mapping.UUID)?.partitions ?? [];
    const lag = partitions.reduce((sum, partition) => sum + partition.lag, 0);
    const { UUID, Topics, State, LastProcessingResult } = mapping;
    return [functionNameOf(mapping), Topics[0], State, String(lag), UUID, LastProcessingResult];
  });
  const head = ["function", "topic", "state", "lag", "uuid", "last result"];
  console.log(fittingTable(head, rows, terminalWidth()));
}

async function show(control: Control, wanted: string, { json }: Form): Promise<void> {
  const mapping = pickMapping(await control.list(), wanted);
  const status = await control.status();
  if (json) {
    printJson(withPartitions(mapping, status));
    return;
  }
  const settings = Object.entries(mapping).map(([name, value]) => [
    name,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  console.log(tableOf(settings));
  const partitions = status.mappings.find(({ uuid }) => uuid === mapping.UUID)?.partitions ?? [];
  const rows = partitions.map((one) => [
    ...[one.partition, one.nextOffset, one.endOffset, one.lag, one.inFlight, one.failures].map(String),
    one.lastError ?? "",
  ]);
  const head = ["partition", "next offset", "end", "lag", "in flight", "failures", "last error"];
  console.log(
    rows.length === 0 ? "\nno partition is assigned" : `\n${fittingTable(head, rows, terminalWidth())}`,
  );
}

async function change(
  control: Control,
  wanted: string,
  changes: Readonly<Record<string, unknown>>,
): Promise<void> {
  const mapping = pickMapping(await control.list(), wanted);
  const isEnabled = changes.Enabled ?? !/^Disabl/.test(mapping.State);
  const target = isEnabled === true ? "Enabled" : "Disabled";
  let now = await control.update(mapping.UUID, changes);
  for (const startMs = performance.now(); now.State !== target; now = await control.get(mapping.UUID)) {
    if (performance.now() - startMs > CHANGE_LIMIT_MS)
      throw new Error(
        `${functionNameOf(mapping)}: still ${now.State} after ${CHANGE_LIMIT_MS / 1000} s: ${now.LastProcessingResult}`,
      );
    await sleep(POLL_MS);
  }
  console.log(`${functionNameOf(now)}: ${describeChanges(now, changes)}`);
}

function describeChanges(now: MappingConfiguration, changes: Readonly<Record<string, unknown>>): string {
  const settings = Object.keys(changes)
    .filter((name) => name !== "Enabled")
    .map((name) => `${name} ${JSON.stringify(now[name])}`);
  return [now.State, ...settings].join(", ");
}

/** Whatever number it is: it is AWS's to refuse. */
function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value)) throw new InvalidArgumentError("Expected a number.");
  return value;
}

function pollers(text: string): Readonly<Record<string, number>> {
  if (text === "none") return {};
  const [, minimum, maximum] = /^(\d+)-(\d+)$/.exec(text) ?? [];
  if (minimum === undefined || maximum === undefined)
    throw new InvalidArgumentError("Expected none, or minimum-maximum such as 1-5.");
  return { MinimumPollers: Number(minimum), MaximumPollers: Number(maximum) };
}

const destination = (text: string) => ({ OnFailure: text === "none" ? {} : { Destination: text } });

interface SetOptions {
  readonly batchSize?: number;
  readonly window?: number;
  readonly retries?: number;
  readonly maxAge?: number;
  readonly bisect?: boolean;
  readonly itemFailures?: boolean;
  readonly destination?: ReturnType<typeof destination>;
  readonly pollers?: ReturnType<typeof pollers>;
}

/** Under AWS's names. @throws Error where there is nothing to change */
function changesOf(options: SetOptions): Record<string, unknown> {
  const { itemFailures } = options;
  const all = {
    BatchSize: options.batchSize,
    MaximumBatchingWindowInSeconds: options.window,
    MaximumRetryAttempts: options.retries,
    MaximumRecordAgeInSeconds: options.maxAge,
    BisectBatchOnFunctionError: options.bisect,
    FunctionResponseTypes:
      itemFailures === undefined ? undefined : itemFailures ? ["ReportBatchItemFailures"] : [],
    DestinationConfig: options.destination,
    ProvisionedPollerConfig: options.pollers,
  };
  const changes = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  if (Object.keys(changes).length === 0) throw new Error("nothing to set; see `npm run esm -- set --help`");
  return changes;
}

tolerateClosedOutput();

const control = () => openControl(program.opts<{ url?: string }>().url);

program
  .name("npm run esm --")
  .description("Shows and changes event source mappings: the Kafka triggers of the stack on this machine.")
  .addOption(controlUrl)
  .addHelpText("after", "\nExit codes: 0 done; 1 not done, and standard error says why.")
  .showHelpAfterError();
program
  .command("list")
  .description("list all mappings with state and lag")
  .option("--json", "one JSON array", false)
  .action(async (options: Form) => list(await control(), options));
program
  .command("show <mapping>")
  .description("show settings, state and partitions of a mapping, named by UUID or function")
  .option("--json", "one JSON object", false)
  .action(async (wanted: string, options: Form) => show(await control(), wanted, options));
program
  .command("enable <mapping>")
  .description("deliver again, from where it stopped")
  .action(async (wanted: string) => change(await control(), wanted, { Enabled: true }));
program
  .command("disable <mapping>")
  .description("stop delivering when the running invocations have ended")
  .action(async (wanted: string) => change(await control(), wanted, { Enabled: false }));
program
  .command("set <mapping>")
  .description("change settings until the next start, as UpdateEventSourceMapping does")
  .option("--batch-size <records>", "BatchSize", number)
  .option("--window <seconds>", "MaximumBatchingWindowInSeconds", number)
  .option("--retries <number>", "MaximumRetryAttempts; -1: for ever", number)
  .option("--max-age <seconds>", "MaximumRecordAgeInSeconds; -1: for ever", number)
  .option("--bisect", "BisectBatchOnFunctionError")
  .option("--no-bisect", "")
  .option("--item-failures", "FunctionResponseTypes: ReportBatchItemFailures")
  .option("--no-item-failures", "")
  .option("--destination <arn>", "failure destination: ARN, kafka://topic or none", destination)
  .option("--pollers <minimum-maximum>", "ProvisionedPollerConfig, or none", pollers)
  .action(async (wanted: string, options: SetOptions) => change(await control(), wanted, changesOf(options)));

try {
  await program.parseAsync();
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
