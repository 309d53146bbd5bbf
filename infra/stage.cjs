// The parameters in which stages differ: `params:` of serverless.yml, or --param for a single deployment, which gives texts
// and takes any name. (`deployed` tells this machine's stage from the others, and is nobody's to give.)
"use strict";

const { ConfigurationError } = require("../lib/config/environment.ts");
const { streamSettings } = require("../lib/streams/declared.ts");

/** How much of a whole each stream of many events can have, where every other one has 1. */
function shareOf(whole) {
  const streams = Object.values(streamSettings);
  const many = streams.filter(({ partitions }) => partitions === "many").length;
  return Math.floor((whole - (streams.length - many)) / many);
}

/** What CloudWatch takes. */
const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

const number = (expected, accepts) => (name, value) => {
  const read = /^\d+(\.\d+)?$/.test(String(value)) ? Number(value) : Number.NaN;
  if (!accepts(read)) throw new ConfigurationError(`--param ${name}`, expected, String(value));
  return read;
};
const wholeNumber = (least, most) =>
  number(
    `a whole number from ${least} to ${most}`,
    (value) => Number.isInteger(value) && value >= least && value <= most,
  );
const capacity = (least) =>
  number(
    `ACUs from ${least} to 256 in steps of 0.5`,
    (value) => Number.isInteger(value * 2) && value >= least && value <= 256,
  );
const oneOf = (choices) => number(`one of ${choices.join(", ")}`, (value) => choices.includes(value));
const instanceType = (name, value) => {
  if (!/^kafka\.(t3\.small|m\d+g?\.(\d*x)?large)$/.test(String(value)))
    throw new ConfigurationError(
      `--param ${name}`,
      "a broker's type, such as kafka.m7g.large",
      String(value),
    );
  return value;
};
const onOff = (name, value) => {
  if (!["true", "false"].includes(String(value)))
    throw new ConfigurationError(`--param ${name}`, "true or false", String(value));
  return String(value) === "true";
};

/** Each with its reader. The bounds are AWS' own, but for those that say otherwise. */
const READERS = {
  partitions: wholeNumber(1, 1000), // ours: as many executions are reserved, of the 1,000 that an account begins with
  kafkaInstanceType: instanceType,
  kafkaStorageGb: wholeNumber(1, 16_384),
  databaseMinCapacity: capacity(0),
  databaseMaxCapacity: capacity(1),
  standby: onOff,
  backupRetentionDays: wholeNumber(1, 35),
  deletionProtection: onOff,
  logRetentionDays: oneOf(RETENTION_DAYS),
  maximumPollers: wholeNumber(1, shareOf(2_000)), // of each trigger; they share a group, which takes 2,000
  requestsPerSecond: wholeNumber(1, 5_000), // the burst that an account begins with, which is set to it as well
  simulatedWeather: onOff,
  tracing: onOff,
  databaseVolumeGib: wholeNumber(1, 262_144), // ours: more than any volume holds
  move: onOff,
};

/** @throws ConfigurationError where a --param is none of the stage's, of which osls would say nothing, or has no value */
function refuseUnknown(given) {
  for (const param of given) {
    const [name, value] = param.split(/=(.*)/s);
    if (!Object.hasOwn(READERS, name))
      throw new ConfigurationError("--param", `one of ${Object.keys(READERS).join(", ")}`, name);
    if (!value) throw new ConfigurationError(`--param ${name}`, `${name}=VALUE`, param);
  }
}

/**
 * Executions of a function that takes events in: one for each of a small stage's requests, which may all come at once, and
 * else for 100 ms a request, which takes some 70 (docs/performance.md), or 4 s where the brokers do not answer. Without a
 * bound the latter would take all executions that an account has.
 */
const ingestConcurrency = ({ requestsPerSecond }) =>
  Math.min(requestsPerSecond, Math.max(50, Math.ceil(requestsPerSecond / 10)));

/** @returns each parameter as what it is, a number, a switch, or a text @throws ConfigurationError */
async function readStage(options, resolveVariable) {
  refuseUnknown(options.param ?? []);
  const entries = Object.entries(READERS).map(async ([name, read]) => [
    name,
    read(name, await resolveVariable(`param:${name}`)),
  ]);
  const stage = Object.fromEntries(await Promise.all(entries));
  if (stage.databaseMinCapacity > stage.databaseMaxCapacity)
    throw new ConfigurationError(
      "--param databaseMinCapacity",
      `at most databaseMaxCapacity, ${stage.databaseMaxCapacity}`,
      String(stage.databaseMinCapacity),
    );
  return { ...stage, ingestConcurrency: ingestConcurrency(stage) };
}

/** MSK Serverless: so many may be made in 5 minutes, and a deployment makes them all at once. */
const NEW_PARTITIONS = 250;

/** @throws ConfigurationError where the cluster would refuse the topics half-way */
function refuseTooManyPartitions({ partitions }, { kafka }) {
  const most = shareOf(NEW_PARTITIONS);
  if (kafka.kind === "serverless" && partitions > most)
    throw new ConfigurationError(
      "--param partitions",
      `at most ${most} with MSK Serverless, or MSK_CLUSTER_TYPE=provisioned`,
      String(partitions),
    );
}

/** Parameters of servers of the stack's own. */
const OF_BROKERS = ["kafkaInstanceType", "kafkaStorageGb"];
const OF_DATABASE = [
  "databaseMinCapacity",
  "databaseMaxCapacity",
  "standby",
  "backupRetentionDays",
  "databaseVolumeGib",
];

/** @throws ConfigurationError where a --param is of a server that the stack does not make, and would be ignored */
function refuseUnused(given, { kafka, database }) {
  const names = given.map((param) => param.split("=", 1)[0]);
  const brokers = names.find((name) => OF_BROKERS.includes(name));
  if (brokers && kafka.kind !== "provisioned")
    throw new ConfigurationError(`--param ${brokers}`, "MSK_CLUSTER_TYPE=provisioned with it", kafka.kind);
  const own = names.find((name) => OF_DATABASE.includes(name));
  if (own && database.kind !== "aurora")
    throw new ConfigurationError(`--param ${own}`, "a database of the stack's own with it", database.host);
}

module.exports = { readStage, refuseTooManyPartitions, refuseUnused };
