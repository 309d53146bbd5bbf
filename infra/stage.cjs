// A stage's parameters: `params:` of serverless.yml, or --param for a single deployment, which gives texts and takes any
// name. Stacks read them from here only.
"use strict";

const { ParameterError } = require("./parameters.cjs");

/** What CloudWatch takes. */
const RETENTION_DAYS = [
  ...[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
  ],
];

const number = (expected, accepts) => (name, value) => {
  const read = /^\d+(\.\d+)?$/.test(String(value)) ? Number(value) : Number.NaN;
  if (!accepts(read)) throw new ParameterError(`--param ${name}`, expected, String(value));
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
  if (!/^kafka\.[a-z0-9]+\.[a-z0-9]+$/.test(String(value)))
    throw new ParameterError(`--param ${name}`, "a broker's type, such as kafka.m7g.large", String(value));
  return value;
};
const onOff = (name, value) => {
  if (!["true", "false"].includes(String(value)))
    throw new ParameterError(`--param ${name}`, "true or false", String(value));
  return String(value) === "true";
};

/** Each with its reader; the bounds are those of AWS' quotas and schemas. */
const READERS = {
  partitions: wholeNumber(1, 1000), // as many executions of an aggregate are reserved, of an account's 1,000
  kafkaInstanceType: instanceType,
  kafkaStorageGb: wholeNumber(1, 16_384),
  databaseMinCapacity: capacity(0),
  databaseMaxCapacity: capacity(1),
  standby: onOff,
  backupRetentionDays: wholeNumber(1, 35),
  deletionProtection: onOff,
  logRetentionDays: oneOf(RETENTION_DAYS),
  maximumPollers: wholeNumber(1, 2000),
  requestsPerSecond: wholeNumber(1, 10_000),
  tracing: onOff,
  databaseVolumeGib: wholeNumber(1, 262_144),
  move: onOff,
};

/** @throws ParameterError where a --param is none of the stage's, for osls would say nothing of it */
function refuseUnknown(given) {
  for (const param of given) {
    const name = param.split("=", 1)[0];
    if (!Object.hasOwn(READERS, name))
      throw new ParameterError("--param", `one of ${Object.keys(READERS).join(", ")}`, name);
  }
}

/** @returns each parameter as what it is, a number, a switch, or a text @throws ParameterError */
async function readStage(options, resolveVariable) {
  refuseUnknown(options.param ?? []);
  const entries = Object.entries(READERS).map(async ([name, read]) => [
    name,
    read(name, await resolveVariable(`param:${name}`)),
  ]);
  const stage = Object.fromEntries(await Promise.all(entries));
  if (stage.databaseMinCapacity > stage.databaseMaxCapacity)
    throw new ParameterError(
      "--param databaseMinCapacity",
      `at most databaseMaxCapacity, ${stage.databaseMaxCapacity}`,
      String(stage.databaseMinCapacity),
    );
  return stage;
}

module.exports = { readStage };
