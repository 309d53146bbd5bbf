// Wrong parameters are refused before anything is created, with the parameter, what it may be, and what it is.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { runServerless } from "../../commands/terminal/run-command.ts";
import deployment from "../../infra/deployment.cjs";
import { readDatabaseSettings } from "../../lib/config/database.ts";
import type { Environment } from "../../lib/config/environment.ts";
import {
  readLatenessRules,
  readQuarantineRetentionDays,
  readTroubleRules,
  readWatermarkSettings,
  readWeatherSettings,
  readWindowRetentionDays,
} from "../../lib/config/rules.ts";
import { messageOf } from "../../lib/log.ts";
import { existing, packageStage, parameters } from "./packaged.ts";

const serverlessYml = readFileSync("serverless.yml", "utf8");
const { params }: { params: { default: object; prod: object } } = parse(
  serverlessYml,
  { logLevel: "error" }, // its tags are CloudFormation's
);

/** Reads the deployment's parameters as serverless.yml does. @param given by --param */
async function read(
  environment: Readonly<Record<string, string>>,
  { stage = "prod", region = "eu-central-1" } = {},
  given: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const variables = new Map<string, unknown>([
    ...Object.entries({ ...params.default, ...params.prod, ...given }).map(
      ([name, value]) => [`param:${name}`, value] as const,
    ),
    ["self:provider.region", region],
  ]);
  const before = process.env;
  process.env = { ...environment };
  try {
    return await deployment.readDeployment({
      options: { stage, param: Object.entries(given).map((param) => param.join("=")) },
      resolveVariable: async (name) => variables.get(name),
    });
  } finally {
    process.env = before;
  }
}

const { network } = existing;
const cluster = existing.cluster.MSK_CLUSTER_ARN;
const queue = "arn:aws:sqs:eu-central-1:123456789012:grid";

type Refused = readonly [
  name: string,
  environment: Readonly<Record<string, string>>,
  message: string,
  options?: Readonly<Record<string, string>>,
];

const refused: readonly Refused[] = [
  [
    "no issuer of tokens",
    { JWT_ISSUER: "" },
    "JWT_ISSUER: expected the https:// address of who issues the API's tokens, got nothing",
  ],
  ["no audience", { JWT_AUDIENCE: "" }, "JWT_AUDIENCE: expected what tokens are issued for, got nothing"],
  [
    "an ARN of another service",
    { MSK_CLUSTER_ARN: queue, ...network },
    `MSK_CLUSTER_ARN: expected the ARN of a cluster of this region: arn:aws:kafka:eu-central-1:123456789012:cluster/NAME/UUID, got "${queue}"`,
  ],
  [
    "a cluster of another region",
    { MSK_CLUSTER_ARN: cluster.replace("central", "west"), ...network },
    "MSK_CLUSTER_ARN: expected the ARN of a cluster of this region",
  ],
  [
    "a cluster that exists, and no network",
    existing.cluster,
    "SUBNET_IDS: expected two to six private subnets of VPC_ID in different zones (of the cluster or the database that exists): subnet-…,subnet-…, got nothing",
  ],
  [
    "subnets without their network",
    { SUBNET_IDS: network.SUBNET_IDS },
    "VPC_ID: expected the VPC of SUBNET_IDS: vpc-…, got nothing",
  ],
  [
    "a security group without its cluster",
    { KAFKA_SECURITY_GROUP_ID: "sg-0a1b2c3d" },
    "MSK_CLUSTER_ARN: expected the ARN of a cluster of this region (for KAFKA_SECURITY_GROUP_ID is set): arn:aws:kafka:eu-central-1:123456789012:cluster/NAME/UUID, got nothing",
  ],
  [
    "a security group without its database",
    { POSTGRES_SECURITY_GROUP_ID: "sg-0a1b2c3d" },
    "POSTGRES_HOST: expected the host of a database that exists (for POSTGRES_SECURITY_GROUP_ID is set), got nothing",
  ],
  [
    "a cluster without its security group",
    { MSK_CLUSTER_ARN: cluster, ...network },
    "KAFKA_SECURITY_GROUP_ID: expected the security group that MSK_CLUSTER_ARN stands in: sg-…, got nothing",
  ],
  [
    "a network in place of a security group",
    { ...existing.database, POSTGRES_SECURITY_GROUP_ID: "0.0.0.0/0", ...network },
    'POSTGRES_SECURITY_GROUP_ID: expected the security group that POSTGRES_HOST stands in: sg-…, got "0.0.0.0/0"',
  ],
  [
    "a security group's id that lost a digit",
    { ...existing.cluster, KAFKA_SECURITY_GROUP_ID: "sg-0a1b2c3", ...network },
    'KAFKA_SECURITY_GROUP_ID: expected the security group that MSK_CLUSTER_ARN stands in: sg-…, got "sg-0a1b2c3"',
  ],
  [
    "a database without its resource id",
    { POSTGRES_HOST: "db.example.com", ...network },
    "POSTGRES_RESOURCE_ID: expected the resource id of POSTGRES_HOST (DbClusterResourceId, DbiResourceId): cluster-… or db-…, got nothing",
  ],
  [
    "a database's name instead of its resource id",
    { POSTGRES_HOST: "db.example.com", POSTGRES_RESOURCE_ID: "grid", ...network },
    'cluster-… or db-…, got "grid"',
  ],
  [
    "every database of the account",
    { POSTGRES_HOST: "db.example.com", POSTGRES_RESOURCE_ID: "cluster-*", ...network },
    'cluster-… or db-…, got "cluster-*"',
  ],
  [
    "a resource id without its database",
    { POSTGRES_RESOURCE_ID: "db-ABC123", ...network },
    "POSTGRES_HOST: expected the host of a database that exists (for POSTGRES_RESOURCE_ID is set), got nothing",
  ],
  [
    "a database's port without its host",
    { POSTGRES_PORT: "5433" },
    "POSTGRES_HOST: expected the host of a database that exists (for POSTGRES_PORT is set), got nothing",
  ],
  [
    "brokers of a kind beside a cluster that exists",
    { ...existing.cluster, ...network, MSK_CLUSTER_TYPE: "provisioned" },
    'MSK_CLUSTER_TYPE: expected nothing beside MSK_CLUSTER_ARN, got "provisioned"',
  ],
  [
    "a file of roots that functions do not have",
    { POSTGRES_CA_FILE: "global-bundle.pem" },
    'POSTGRES_CA_FILE: expected a file that functions have: in /var/runtime/, or in a layer\'s /opt/, got "global-bundle.pem"',
  ],
  [
    "one subnet twice",
    { ...existing.cluster, ...network, SUBNET_IDS: "subnet-0a1b2c3a,subnet-0a1b2c3a" },
    "SUBNET_IDS: expected two to six private subnets of VPC_ID in different zones",
  ],
  [
    "a topic of Kafka's own",
    { KAFKA_TOPIC_SENSOR_DATA: "__consumer_offsets" },
    "KAFKA_TOPIC_SENSOR_DATA: expected 2 to 249 letters",
  ],
  [
    "zones beside a network that exists",
    { ...network, AVAILABILITY_ZONES: "eu-central-1a,eu-central-1b,eu-central-1c" },
    "AVAILABILITY_ZONES: expected nothing beside SUBNET_IDS, got",
  ],
  [
    "meters in the sensors' topic",
    { KAFKA_TOPIC_METER_READINGS: "smartgrid-sensor-data" },
    'KAFKA_TOPIC_METER_READINGS: expected another topic than KAFKA_TOPIC_SENSOR_DATA, got "smartgrid-sensor-data"',
  ],
  [
    "weather in the meters' topic",
    { KAFKA_TOPIC_WEATHER: "grid", KAFKA_TOPIC_METER_READINGS: "grid" },
    'KAFKA_TOPIC_WEATHER: expected another topic than KAFKA_TOPIC_METER_READINGS, got "grid"',
  ],
  [
    "any user as the database's owner",
    { ...existing.database, POSTGRES_OWNER: "*", ...network },
    "POSTGRES_OWNER: expected a user's name of small letters, digits and '_', got \"*\"",
  ],
  [
    "a kind of cluster that there is not",
    { MSK_CLUSTER_TYPE: "express" },
    'MSK_CLUSTER_TYPE: expected serverless or provisioned (or MSK_CLUSTER_ARN of one that exists), got "express"',
  ],
  [
    "a region without MSK Serverless",
    {},
    "--region (or AWS_REGION): expected a region with MSK Serverless",
    { region: "eu-south-1" },
  ],
  [
    "three brokers in a region of two zones",
    { MSK_CLUSTER_TYPE: "provisioned" },
    '--region (or AWS_REGION): expected a region where MSK has three zones, or MSK_CLUSTER_ARN, got "us-west-1"',
    { region: "us-west-1" },
  ],
  [
    "three brokers in two subnets",
    { MSK_CLUSTER_TYPE: "provisioned", ...network },
    "SUBNET_IDS: expected three private subnets of VPC_ID in different zones: subnet-…,subnet-…, got",
  ],
  [
    "three brokers in four subnets",
    {
      MSK_CLUSTER_TYPE: "provisioned",
      ...network,
      SUBNET_IDS: "subnet-0a1b2c3a,subnet-0a1b2c3b,subnet-0a1b2c3c,subnet-0a1b2c3d",
    },
    "SUBNET_IDS: expected three private subnets",
  ],
  [
    "two zones",
    { AVAILABILITY_ZONES: "eu-central-1a,eu-central-1b" },
    "AVAILABILITY_ZONES: expected three different zones of this region: eu-central-1a,eu-central-1b,eu-central-1c, got",
  ],
  [
    "one zone twice",
    { AVAILABILITY_ZONES: "eu-central-1a,eu-central-1b,eu-central-1a" },
    "AVAILABILITY_ZONES: expected three different zones of this region",
  ],
  [
    "zones of another region",
    { AVAILABILITY_ZONES: "us-east-1a,us-east-1b,us-east-1c" },
    "AVAILABILITY_ZONES: expected three different zones of this region",
  ],
  [
    "a stage that is no name",
    {},
    '--stage: expected a small letter, then up to 15 small letters and digits, got "Prod_1"',
    { stage: "Prod_1" },
  ],
  [
    "a topic with a bad character",
    { KAFKA_TOPIC_WEATHER: "weather data" },
    "KAFKA_TOPIC_WEATHER: expected 2 to 249 letters, digits, '.', '_' or '-', not '.…' or '__…', got \"weather data\"",
  ],
  [
    "weather every 45 s",
    { WEATHER_UPDATE_INTERVAL: "45" },
    'WEATHER_UPDATE_INTERVAL: expected a multiple of 60 when deployed (EventBridge\'s schedules are in minutes), got "45"',
  ],
  [
    "weather never",
    { WEATHER_UPDATE_INTERVAL: "0" },
    "WEATHER_UPDATE_INTERVAL: expected a whole number from 1 to 86400",
  ],
  [
    "a database's name that Aurora does not take",
    { POSTGRES_DB: "smart-grid" },
    "POSTGRES_DB: expected a small letter, then up to 62 small letters, digits or '_'",
  ],
  [
    "a database that Aurora has anyway",
    { POSTGRES_DB: "postgres" },
    'and no database that is there anyway), got "postgres"',
  ],
  [
    "an existing database's name of two words",
    { ...existing.database, ...network, POSTGRES_DB: "smart grid" },
    'POSTGRES_DB: expected a database\'s name of 1 to 63 characters, got "smart grid"',
  ],
  [
    "alarms for nobody's address",
    { ALARM_EMAIL: "grid operations" },
    'ALARM_EMAIL: expected one address, or nothing, got "grid operations"',
  ],
];

for (const [name, environment, message, options] of refused)
  test(name, async () => {
    await expect(read({ ...parameters, ...environment }, options)).rejects.toThrow(message);
  });

test("what exists is used: its ARN, its host, its network", async () => {
  const given = { ...parameters, ...existing.cluster, ...existing.database, ...network };
  expect(await read(given)).toMatchObject({
    kafka: { kind: "existing", arn: cluster, securityGroupId: "sg-0a1b2c3d" },
    database: {
      ...{ kind: "existing", host: "db.example.com" },
      ...{ resourceId: "cluster-ABC123", securityGroupId: "sg-0c1d2c3d", owner: "grid_owner", auth: "iam" },
    },
    network: { kind: "existing", vpcId: "vpc-0a1b2c3d", subnetIds: ["subnet-0a1b2c3a", "subnet-0a1b2c3b"] },
    templates: { network: "none", kafka: "none", database: "none", standby: "none" },
  });
});

describe("what functions would refuse at their start is refused here, in the same words", () => {
  const given: Environment = { POSTGRES_HOST: "db.example.com", POSTGRES_PASSWORD: "secret" };
  /** The variables of a reader of lib/config, as `NAME: expected a whole number from … to …`. */
  function refusedBy(reader: (env: Environment) => unknown, variable: string, value: string): string | null {
    try {
      reader({ ...given, [variable]: value });
      return null;
    } catch (error) {
      return messageOf(error);
    }
  }
  const readers: readonly (readonly [variable: string, reader: (env: Environment) => unknown])[] = [
    ["WATERMARK_DELAY_SECONDS", readWatermarkSettings],
    ["WATERMARK_IDLE_SECONDS", readWatermarkSettings],
    ["FUTURE_SKEW_SECONDS", readLatenessRules],
    ["AMENDMENT_HORIZON_DAYS", readLatenessRules],
    ["STUCK_AFTER_SECONDS", readTroubleRules],
    ["QUARANTINE_RETENTION_DAYS", readQuarantineRetentionDays],
    ["WINDOW_RETENTION_DAYS", readWindowRetentionDays],
    ["WEATHER_SEED", readWeatherSettings],
    ["WEATHER_UPDATE_INTERVAL", readWeatherSettings],
    ["POSTGRES_PORT", readDatabaseSettings],
  ];

  test.each(readers)("%s", async (variable, reader) => {
    const message = refusedBy(reader, variable, "much");
    expect(message).toMatch(/^\w+: expected a whole number from \d+ to \d+, got "much"$/);
    const [least = 0, most = 0] = (message?.match(/\d+/g) ?? []).map(Number);
    for (const value of ["much", "1.5", "-1", String(most + 1), ...(least > 0 ? [String(least - 1)] : [])])
      await expect(
        read({ ...parameters, ...existing.database, ...network, [variable]: value }),
      ).rejects.toThrow(refusedBy(reader, variable, value) ?? "refused by the function as well");
  });

  test("zones of time stamps", async () => {
    const zoned = { ...parameters, EVENT_TIME_ZONE_CONSUMPTION: "Europe/Tirane" };
    expect(await read(zoned)).toMatchObject({
      rules: { EVENT_TIME_ZONE_CONSUMPTION: "Europe/Tirane", EVENT_TIME_ZONE_SENSOR: "UTC" },
    });
    for (const zone of ["CEST", "Europe/Nowhere", "+1"])
      await expect(read({ ...parameters, EVENT_TIME_ZONE_WEATHER: zone })).rejects.toThrow(
        `EVENT_TIME_ZONE_WEATHER: expected a zone such as Europe/Tirane, or an offset such as +01:00, got "${zone}"`,
      );
  });

  test("and nothing of serverless.yml goes from the environment to a function unseen", () => {
    const unseen = [...serverlessYml.matchAll(/\benv:(\w+)/g)];
    // The region is checked like --region; the others are this machine's: where Kafka is, and how often it is swept.
    expect(unseen.map((match) => match[1])).toEqual(["AWS_REGION", "SWEEP_INTERVAL"]);
  });
});

test.each([
  ["true", "database/standby"],
  ["false", "none"],
])("--param standby=%s is %s", async (given, standby) => {
  expect(await read(parameters, {}, { standby: given })).toMatchObject({ templates: { standby } });
});

test("a stage's numbers are numbers, also those of the command line", async () => {
  const given = { partitions: "24", databaseMinCapacity: "0.5" };
  expect(await read(parameters, {}, given)).toMatchObject({
    stage: { partitions: 24, databaseMinCapacity: 0.5, databaseMaxCapacity: 32, standby: true },
  });
});

test.each([
  ["partitions", "abc", 'a whole number from 1 to 1000, got "abc"'],
  ["partitions", "0", 'a whole number from 1 to 1000, got "0"'],
  ["kafkaInstanceType", "m7g.large", 'a broker\'s type, such as kafka.m7g.large, got "m7g.large"'],
  ["kafkaInstanceType", "kafka.m7g.banana", 'a broker\'s type, .*, got "kafka.m7g.banana"'],
  ["databaseMaxCapacity", "0.5", 'ACUs from 1 to 256 in steps of 0.5, got "0.5"'],
  ["databaseMinCapacity", "1.2", 'ACUs from 0 to 256 in steps of 0.5, got "1.2"'],
  ["databaseMinCapacity", "64", 'at most databaseMaxCapacity, 32, got "64"'],
  ["kafkaStorageGb", "16385", 'a whole number from 1 to 16384, got "16385"'],
  ["maximumPollers", "1000", 'a whole number from 1 to 999, got "1000"'],
  ["requestsPerSecond", "5001", 'a whole number from 1 to 5000, got "5001"'],
  ["databaseVolumeGib", "1.5", 'a whole number from 1 to 262144, got "1.5"'],
  ["databaseVolumeGib", "262145", 'a whole number from 1 to 262144, got "262145"'],
  ["move", "yes", 'true or false, got "yes"'],
  ["backupRetentionDays", "36", 'a whole number from 1 to 35, got "36"'],
  ["logRetentionDays", "10", 'one of 1, 3, 5, 7, 14, 30, 60, 90, .*, got "10"'],
  ["standby", "no", 'true or false, got "no"'],
  ["deletionProtection", "no", 'true or false, got "no"'],
  ["simulatedWeather", "no", 'true or false, got "no"'],
  ["tracing", "no", 'true or false, got "no"'],
])("--param %s=%s is refused", async (name, value, expected) => {
  await expect(read(parameters, {}, { [name]: value })).rejects.toThrow(
    new RegExp(`^--param ${name}: expected ${expected}$`),
  );
});

test.each([
  ["kafkaStorageGb", "100", 'MSK_CLUSTER_TYPE=provisioned with it, got "serverless"', {}],
  [
    "standby",
    "true",
    'a database of the stack\'s own with it, got "db.example.com"',
    { ...existing.database, ...network },
  ],
])(
  "--param %s=%s is not ignored where there is no such server",
  async (name, value, expected, environment) => {
    await expect(read({ ...parameters, ...environment }, {}, { [name]: value })).rejects.toThrow(
      new RegExp(`^--param ${name}: expected ${expected}$`),
    );
  },
);

test("functions ask for MSK by the host of the stack's own endpoint, or by that of the network that exists", async () => {
  expect(await read(parameters)).toMatchObject({ network: { hasDualstackMsk: "true" } });
  const given = { ...parameters, ...network };
  expect(await read(given)).toMatchObject({ network: { hasDualstackMsk: "false" } });
  expect(await read({ ...given, MSK_API_DUALSTACK: "true" })).toMatchObject({
    network: { hasDualstackMsk: "true" },
  });
  await expect(read({ ...given, MSK_API_DUALSTACK: "yes" })).rejects.toThrow(
    /^MSK_API_DUALSTACK: expected true where the network's endpoint of MSK is aws\.api\.eu-central-1\.kafka-api, else false, got "yes"$/,
  );
  await expect(read({ ...parameters, MSK_API_DUALSTACK: "true" })).rejects.toThrow(
    /^MSK_API_DUALSTACK: expected nothing beside a network of the stack's own, got "true"$/,
  );
});

test("executions of what takes events in: for each request of a small stage, for a tenth of a large one's", async () => {
  const concurrencyOf = (requestsPerSecond: string) => read(parameters, {}, { requestsPerSecond });
  for (const [given, executions] of [
    ...[["1", 1] as const, ["50", 50] as const],
    ...[["500", 50] as const, ["1000", 100] as const, ["5000", 500] as const],
  ])
    expect(await concurrencyOf(given), given).toMatchObject({ stage: { ingestConcurrency: executions } });
});

test("MSK Serverless makes no more than 250 partitions at once, which are the three topics'", async () => {
  const most = { partitions: "124" };
  expect(await read(parameters, {}, most)).toMatchObject({ stage: { partitions: 124 } });
  const more = { partitions: "125" };
  await expect(read(parameters, {}, more)).rejects.toThrow(
    /^--param partitions: expected at most 124 with MSK Serverless, or MSK_CLUSTER_TYPE=provisioned, got "125"$/,
  );
  const provisioned = { ...parameters, MSK_CLUSTER_TYPE: "provisioned" };
  expect(await read(provisioned, {}, more)).toMatchObject({ stage: { partitions: 125 } });
});

test.each(["partition", "deployed"])("--param %s=1 is none of a stage's", async (name) => {
  await expect(read(parameters, {}, { [name]: "1" })).rejects.toThrow(
    new RegExp(`^--param: expected one of partitions, .*, got "${name}"$`),
  );
});

test("the network's zones are those that are named, or the account's first", async () => {
  const first = [0, 1, 2].map((index) => ({ "Fn::Select": [index, { "Fn::GetAZs": "" }] }));
  expect(await read(parameters)).toMatchObject({ network: { kind: "own", zones: first } });
  const named = { ...parameters, AVAILABILITY_ZONES: "eu-central-1c,eu-central-1a,eu-central-1d" };
  expect(await read(named)).toMatchObject({
    network: { zones: ["eu-central-1c", "eu-central-1a", "eu-central-1d"] },
  });
});

test("the local stack's passwords are well known, and deployed there is none, whatever the environment has", async () => {
  const local = { ingest: "smartgrid", sweep: "smartgrid", api: "smartgrid" };
  expect(await read({}, { stage: "local" })).toMatchObject({ database: { passwords: local } });
  const deployed = await read({ ...parameters, POSTGRES_PASSWORD: "secret" });
  expect(deployed).toHaveProperty("database.passwords", {});
});

test("MSK provisioned is for every region with three zones", async () => {
  const provisioned = await read(
    { ...parameters, MSK_CLUSTER_TYPE: "provisioned" },
    { region: "eu-south-1" },
  );
  expect(provisioned).toMatchObject({ kafka: { kind: "provisioned" } });
});

test("on this machine weather may come every 45 s", async () => {
  expect(await read({ WEATHER_UPDATE_INTERVAL: "45" }, { stage: "local" })).toMatchObject({
    weatherRate: "rate(1 minute)",
  });
});

describe("the command says it once, and ends before it has packaged anything", () => {
  test.each<readonly [string, stage: string, Readonly<Record<string, string>>, more: readonly string[]]>([
    ["WEATHER_UPDATE_INTERVAL: expected a multiple of 60", "prod", { WEATHER_UPDATE_INTERVAL: "45" }, []],
    ["--stage: expected a small letter", "Prod_2", {}, []],
    ["--param: expected one of partitions, ", "prod", {}, ["--param", "partition=3"]],
    ["--region (or AWS_REGION): expected a region with MSK", "prod", { AWS_REGION: "eu-south-1" }, []],
    ["AWS_REGION: expected a region, or not to be set, got nothing", "prod", { AWS_REGION: "" }, []],
    [
      '--param partitions: expected partitions=VALUE, got "partitions="',
      "prod",
      {},
      ["--param", "partitions="],
    ],
    [
      'MSK_CLUSTER_TYPE=provisioned, got "eu-south-1"',
      ...(["prod", { AWS_REGION: "eu-west-1" }, ["--region", "eu-south-1"]] as const),
    ],
  ])("%s", async (message, stage, environment, more) => {
    const run = await packageStage(stage, { ...parameters, ...environment }, more);
    await run.remove();
    expect(run.code).toBe(1);
    expect(run.output).toContain(message);
    expect(run.output).not.toContain("Service packaged");
    expect(run.output.trim().split("\n").length, "lines").toBeLessThan(5);
  });
});

test("`deploy` without a stage does not deploy this machine's", async () => {
  // No credentials, and nobody to ask for any: past the refusal it could do nothing.
  const nobody = { PATH: process.env.PATH, HOME: "/nonexistent", AWS_EC2_METADATA_DISABLED: "true" };
  const run = await runServerless(["deploy"], nobody);
  expect(run).toMatchObject({
    code: 1,
    output: expect.stringContaining("--stage: expected a stage on AWS, such as dev or prod"),
  });
});
