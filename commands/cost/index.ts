// `npm run cost -- --sensors N --interval S --meters M …`: the monthly bill, line by line, and that of other engines.
// Without sensors and meters: the three workloads of docs/scale.md.

import { readFile } from "node:fs/promises";
import { InvalidArgumentError, Option, program } from "commander";
import { messageOf } from "../../lib/log.ts";
import { tolerateClosedOutput } from "../terminal/output.ts";
import { breakEven } from "./break-even.ts";
import { readTriggers } from "./deployment.ts";
import { engineBill, engineNames } from "./engines.ts";
import { type Deployment, pipelineBill, type Trigger } from "./pipeline.ts";
import { compiled, type Prices, pricesOf, WHOLE_REGION, warning } from "./prices.ts";
import { type Estimate, pricesIn, printEstimate, printSources } from "./report.ts";
import { eventsPerSecondOf, loadsOf, type Workload } from "./workload.ts";

tolerateClosedOutput();

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

function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(
        `Expected a whole number ${most < Number.MAX_SAFE_INTEGER ? `from ${least} to ${most}` : `of ${least} or more`}.`,
      );
    return value;
  };
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value >= 0.001 && Number.isFinite(value)))
    throw new InvalidArgumentError("Expected a number of 0.001 or more.");
  return value;
}

/** Lambda's. */
const LONGEST_WINDOW_SECONDS = 300;
/** What says something of devices, and which. */
const details = [
  ["interval", "sensors"],
  ["keys", "sensors"],
  ["meterInterval", "meters"],
] as const;

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

const choice = (flags: string, about: string, choices: readonly string[]) =>
  new Option(flags, about).choices(choices).default(choices[0]);

program
  .name("npm run cost --")
  .description(
    "What a workload costs on AWS a month, by a model of measured work and listed prices. Without sensors and meters: " +
      "what docs/scale.md's three workloads cost.",
  )
  .option("--sensors <number>", "how many sensors", wholeNumber(0))
  .option("--interval <seconds>", "between two readings of a sensor", positiveNumber, 60)
  .option("--meters <number>", "how many meters", wholeNumber(0))
  .option("--meter-interval <seconds>", "between two readings of a meter", positiveNumber, 900)
  .option(
    "--keys <number>",
    "distinct sensors (type, id) that the readings fall on; by default one each",
    wholeNumber(1),
  )
  .option("--keep-days <days>", "for how long rows are kept", positiveNumber, 365)
  .option("--retention-days <days>", "for how long Kafka keeps the events", positiveNumber, 7)
  .option("--region <region>", `whose prices; where one is missing, ${WHOLE_REGION}'s`, WHOLE_REGION)
  .addOption(choice("--kafka <kind>", "kind of MSK cluster", ["serverless", "provisioned"]))
  .addOption(
    choice(
      "--pollers <kind>",
      "event pollers: one group for all triggers, each its own, or none provisioned",
      ["grouped", "provisioned", "on-demand"],
    ),
  )
  .addOption(choice("--network <kind>", "way to AWS's services", ["endpoints", "nat"]))
  .option(
    "--window <seconds>",
    "batching window, another than serverless.yml's",
    wholeNumber(0, LONGEST_WINDOW_SECONDS),
  )
  .option("--json", "everything, as JSON")
  .showHelpAfterError();

try {
  const options = program.parse().opts<Options>();
  for (const [detail, devices] of details)
    if (program.getOptionValueSource(detail) === "cli" && options[devices] === undefined)
      program.error(`error: --${detail.replace(/[A-Z]/, "-$&").toLowerCase()} wants --${devices}`);
  const prices = pricesOf(options.region);
  const { kafka, pollers, network } = options;
  const settings = readTriggers(await readFile(new URL("../../serverless.yml", import.meta.url), "utf8"));
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
  const used = pricesIn(estimates, prices);
  if (options.json) {
    const { region } = options;
    const toCheck = used.filter(([, price]) => price.region !== region).map(([name]) => name);
    const byName = Object.fromEntries(used);
    console.log(JSON.stringify({ region, compiled, warning, prices: byName, toCheck, estimates }, null, 2));
  } else {
    for (const one of estimates) printEstimate(one, prices, options.region);
    printSources(used, options.region);
  }
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
