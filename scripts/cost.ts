// `npm run cost -- --sensors N --interval S --meters M …`: the monthly bill, line by line, and that of other engines.
// Without sensors and meters: the three workloads of docs/scale.md.

import { readFile } from "node:fs/promises";
import { InvalidArgumentError, Option, program } from "commander";
import { type Bill, HOURS_PER_MONTH, totalOf } from "../cost/bill.ts";
import { breakEven } from "../cost/break-even.ts";
import { readTriggers } from "../cost/deployment.ts";
import { engineBill, engineNames } from "../cost/engines.ts";
import { type Deployment, pipelineBill, type Trigger } from "../cost/pipeline.ts";
import { bases, compiled, type PriceName, type Prices, pricesOf, warning } from "../cost/prices.ts";
import { eventsPerSecondOf, loadsOf, type Workload } from "../cost/workload.ts";
import { messageOf } from "../lib/log.ts";
import { tableOf } from "../lib/terminal/table.ts";

interface Options {
  readonly sensors?: number;
  readonly interval: number;
  readonly meters?: number;
  readonly meterInterval: number;
  readonly keys?: number;
  readonly keepDays: number;
  readonly retentionDays: number;
  readonly region: string;
  readonly kafka: Deployment["kafka"];
  readonly pollers: Deployment["pollers"];
  readonly network: Deployment["network"];
  readonly window?: number;
  readonly json?: true;
}

const examples: readonly (readonly [
  string,
  Pick<Options, "sensors" | "interval" | "meters" | "meterInterval">,
])[] = [
  ["1,000 sensors once a minute", { sensors: 1_000, interval: 60, meters: 0, meterInterval: 900 }],
  ["100,000 meters every 15 minutes", { sensors: 0, interval: 60, meters: 100_000, meterInterval: 900 }],
  ["1,000,000 sensors once a second", { sensors: 1_000_000, interval: 1, meters: 0, meterInterval: 900 }],
];

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0) || !Number.isFinite(value))
    throw new InvalidArgumentError("Expected a number, 0 or more.");
  return value;
}

const usd = (value: number) =>
  value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const quantity = (value: number) => value.toLocaleString("en", { maximumSignificantDigits: 4 });

function workloadOf(options: Options): Workload {
  const { sensors = 0, meters = 0 } = options;
  return {
    sensors,
    sensorIntervalSeconds: options.interval,
    meters,
    meterIntervalSeconds: options.meterInterval,
    sensorKeys: options.keys ?? sensors,
    keepDays: options.keepDays,
    retentionDays: options.retentionDays,
  };
}

/** Events per second; null: at no load up to 10^8, 0: at every one. */
interface BreakEven {
  readonly engine: string;
  readonly eventsPerSecond: number | null;
}

interface Estimate {
  readonly title: string;
  readonly eventsPerSecond: number;
  readonly bills: readonly Bill[];
  readonly breakEven: readonly BreakEven[];
}

function estimate(title: string, workload: Workload, deployment: Deployment, prices: Prices): Estimate {
  const ours = (load: Workload) => pipelineBill(load, deployment, prices);
  const theirs = engineNames.map(
    (engine) => (load: Workload) => engineBill(engine, load, deployment.kafka, prices),
  );
  const others = theirs.map((bill) => bill(workload));
  return {
    title,
    eventsPerSecond: eventsPerSecondOf(loadsOf(workload)),
    bills: [ours(workload), ...others],
    breakEven: theirs.map((bill, i) => ({
      engine: others[i]?.name ?? "",
      eventsPerSecond: breakEven(workload, ours, bill),
    })),
  };
}

function printBill(bill: Bill, prices: Prices): void {
  const rows = [
    ["USD a month".padStart(12), "  for", "quantity a month × price in USD"],
    ...bill.lines.map((line) => [
      usd(line.usd).padStart(12),
      `  ${line.item}`,
      `${quantity(line.quantity)} × ${prices[line.price].usd} per ${prices[line.price].per}`,
    ]),
  ];
  const total = totalOf(bill);
  console.log(`\n${bill.name}: ${usd(total)} USD a month, ${usd(total / HOURS_PER_MONTH)} an hour`);
  for (const limit of bill.limits) console.log(`  DOES NOT CARRY THIS LOAD: ${limit}`);
  for (const note of bill.notes) console.log(`  ${note}`);
  console.log(tableOf(rows));
}

function printEstimate({ title, eventsPerSecond, bills, breakEven: points }: Estimate, prices: Prices): void {
  console.log(`\n── ${title}: ${quantity(eventsPerSecond)} events/s`);
  const [ours, ...others] = bills;
  if (ours !== undefined) printBill(ours, prices);
  console.log("\nBeside it the same on other engines, with Kafka, database and network");
  const size = (bill: Bill) => (bill === ours ? "as above" : (bill.notes[0] ?? ""));
  console.log(
    tableOf([
      ["USD a month".padStart(12), "  engine", "of what size"],
      ...bills.map((bill) => [usd(totalOf(bill)).padStart(12), `  ${bill.name}`, size(bill)]),
    ]),
  );
  for (const bill of others) for (const limit of bill.limits) console.log(`  ${bill.name}: ${limit}`);
  const from = (point: number | null) =>
    point === null ? "at no load" : point === 0 ? "at every load" : `from ${quantity(point)} events/s on`;
  for (const { engine, eventsPerSecond: point } of points)
    console.log(`  ${engine} is cheaper ${from(point)} of this shape`);
}

function printSources(estimates: readonly Estimate[], prices: Prices, region: string): void {
  const used = new Set<PriceName>(
    estimates.flatMap(({ bills }) => bills.flatMap((b) => b.lines.map((l) => l.price))),
  );
  console.log(`\nPrices of ${region} in USD, compiled ${compiled}. ${warning}`);
  console.log(
    tableOf([
      ["price", "USD", "per", "basis", "of", "check on", "read in"],
      ...[...used].map((name) => {
        const { usd: value, per, basis, date, page, source } = prices[name];
        return [name, String(value), per, basis, date, page, source];
      }),
    ]),
  );
  for (const [basis, meaning] of Object.entries(bases)) console.log(`${basis}: ${meaning}`);
}

const choice = (flags: string, about: string, choices: readonly string[]) =>
  new Option(flags, about).choices(choices).default(choices[0]);

program
  .name("npm run cost --")
  .description(
    "What a workload costs on AWS a month, by a model of measured work and listed prices. Without sensors and meters: " +
      "what docs/scale.md's three workloads cost.",
  )
  .option("--sensors <number>", "how many sensors", number)
  .option("--interval <seconds>", "between two readings of a sensor", number, 60)
  .option("--meters <number>", "how many meters", number)
  .option("--meter-interval <seconds>", "between two readings of a meter", number, 900)
  .option(
    "--keys <number>",
    "distinct sensors (type, id) that the readings fall on; by default one each",
    number,
  )
  .option("--keep-days <days>", "for how long rows are kept", number, 365)
  .option("--retention-days <days>", "for how long Kafka keeps the events", number, 7)
  .option("--region <region>", "whose prices, as far as cost/prices.json has them", "us-east-1")
  .addOption(choice("--kafka <kind>", "kind of MSK cluster", ["serverless", "provisioned"]))
  .addOption(
    choice(
      "--pollers <kind>",
      "event pollers: one group for all triggers, each its own, or none provisioned",
      ["grouped", "provisioned", "on-demand"],
    ),
  )
  .addOption(choice("--network <kind>", "way to AWS's services", ["endpoints", "nat"]))
  .option("--window <seconds>", "batching window, another than serverless.yml's", number)
  .option("--json", "everything, as JSON")
  .showHelpAfterError();

try {
  const options = program.parse().opts<Options>();
  const prices = pricesOf(options.region);
  const { kafka, pollers, network } = options;
  const settings = readTriggers(await readFile(new URL("../serverless.yml", import.meta.url), "utf8"));
  const { sensor, consumption, weather } = settings.triggers;
  const windowed = (trigger: Trigger) =>
    options.window === undefined ? trigger : { ...trigger, batchingWindowSeconds: options.window };
  const triggers = {
    sensor: windowed(sensor),
    consumption: windowed(consumption),
    weather: windowed(weather),
  };
  const deployment: Deployment = { ...settings, triggers, kafka, pollers, network };
  const asked = options.sensors !== undefined || options.meters !== undefined;
  const wanted = asked ? [["the workload", options] as const] : examples;
  const estimates = wanted.map(([title, load]) =>
    estimate(title, workloadOf({ ...options, ...load }), deployment, prices),
  );
  if (options.json)
    console.log(JSON.stringify({ region: options.region, compiled, warning, prices, estimates }, null, 2));
  else {
    for (const one of estimates) printEstimate(one, prices);
    printSources(estimates, prices, options.region);
  }
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
