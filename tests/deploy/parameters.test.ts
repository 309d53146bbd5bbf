// Wrong parameters are refused before anything is created, with the parameter, what it may be, and what it is.

import { describe, expect, test } from "vitest";
import deployment from "../../infra/deployment.cjs";
import {
  type Environment,
  readLatenessRules,
  readQuarantineRetentionDays,
  readTroubleRules,
  readWatermarkSettings,
  readWeatherSettings,
} from "../../lib/config.ts";
import { packageStage, parameters } from "./packaged.ts";

/** Reads the deployment's parameters as serverless.yml does. */
async function read(
  environment: Readonly<Record<string, string>>,
  options: Readonly<Record<string, string>> = {},
  stageParameter: unknown = true,
): Promise<unknown> {
  const before = { ...process.env };
  const variables = [
    "ALARM_",
    "AVAILABILITY_",
    "JWT_",
    "KAFKA_",
    "MSK_",
    "POSTGRES_",
    "SUBNET_",
    "VPC_",
    "WEATHER_",
  ];
  for (const name of Object.keys(process.env))
    if (variables.some((prefix) => name.startsWith(prefix))) delete process.env[name];
  Object.assign(process.env, environment);
  try {
    return await deployment.readDeployment({
      options: { stage: "prod", region: "eu-central-1", ...options },
      resolveVariable: async () => stageParameter,
    });
  } finally {
    process.env = before;
  }
}

const cluster = "arn:aws:kafka:eu-central-1:123456789012:cluster/grid/0a1b2c3d-0000-4000-8000-000000000000-2";
const queue = "arn:aws:sqs:eu-central-1:123456789012:grid";
const network = { VPC_ID: "vpc-0a1b", SUBNET_IDS: "subnet-0a,subnet-0b" };
const existingCluster = { MSK_CLUSTER_ARN: cluster, MSK_SECURITY_GROUP_ID: "sg-0a", ...network };
const existingDatabase = {
  ...{ POSTGRES_HOST: "db.example.com", POSTGRES_RESOURCE_ID: "cluster-ABC123" },
  ...{ POSTGRES_SECURITY_GROUP_ID: "sg-0b", ...network },
};

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
    `MSK_CLUSTER_ARN: expected an ARN of this region: arn:aws:kafka:eu-central-1:ACCOUNT:cluster/NAME/UUID, got "${queue}"`,
  ],
  [
    "a cluster of another region",
    { MSK_CLUSTER_ARN: cluster.replace("central", "west"), ...network },
    "MSK_CLUSTER_ARN: expected an ARN of this region",
  ],
  [
    "a cluster that exists, and no network",
    { ...existingCluster, VPC_ID: "", SUBNET_IDS: "" },
    "SUBNET_IDS: expected two to six private subnets of VPC_ID in different zones",
  ],
  [
    "a cluster that exists, and no security group of it",
    { ...existingCluster, MSK_SECURITY_GROUP_ID: "" },
    "MSK_SECURITY_GROUP_ID: expected the security group of MSK_CLUSTER_ARN: sg-…, got nothing",
  ],
  [
    "a database that exists, and a network's id as its security group",
    { ...existingDatabase, POSTGRES_SECURITY_GROUP_ID: "vpc-0a" },
    'POSTGRES_SECURITY_GROUP_ID: expected the security group of POSTGRES_HOST: sg-…, got "vpc-0a"',
  ],
  [
    "a port that there is not",
    { ...existingDatabase, POSTGRES_PORT: "99999" },
    'POSTGRES_PORT: expected a whole number from 1 to 65535, got "99999"',
  ],
  [
    "a database's name that Aurora refuses",
    { POSTGRES_DB: "smart-grid" },
    "POSTGRES_DB: expected a letter, then up to 62 letters, digits and '_', as Aurora wants it, got \"smart-grid\"",
  ],
  [
    "two subnets for three brokers",
    { MSK_CLUSTER_TYPE: "provisioned", ...network },
    'SUBNET_IDS: expected three private subnets of VPC_ID in different zones: subnet-…,subnet-…, got "subnet-0a,subnet-0b"',
  ],
  [
    "zones of another region",
    { AVAILABILITY_ZONES: "eu-west-1a,eu-west-1b,eu-west-1c" },
    "AVAILABILITY_ZONES: expected three zones: eu-central-1a,eu-central-1b,eu-central-1c, got",
  ],
  [
    "a region of two zones",
    { MSK_CLUSTER_TYPE: "provisioned" },
    '--region: expected a region with three zones, or VPC_ID and SUBNET_IDS, got "us-west-1"',
    { region: "us-west-1" },
  ],
  [
    "alarms to nobody",
    { ALARM_EMAIL: "operations" },
    'ALARM_EMAIL: expected a mail address, got "operations"',
  ],
  [
    "subnets without their network",
    { SUBNET_IDS: network.SUBNET_IDS },
    "VPC_ID: expected the VPC of MSK_CLUSTER_ARN or POSTGRES_HOST: vpc-…, got nothing",
  ],
  [
    "a database without its resource id",
    { ...existingDatabase, POSTGRES_RESOURCE_ID: "" },
    "POSTGRES_RESOURCE_ID: expected the resource id of POSTGRES_HOST (DbClusterResourceId, DbiResourceId): cluster-… or db-…, got nothing",
  ],
  [
    "a database's name instead of its resource id",
    { ...existingDatabase, POSTGRES_RESOURCE_ID: "grid" },
    'cluster-… or db-…, got "grid"',
  ],
  [
    "every database of the account",
    { ...existingDatabase, POSTGRES_RESOURCE_ID: "cluster-*" },
    'cluster-… or db-…, got "cluster-*"',
  ],
  [
    "a resource id without its database",
    { ...existingDatabase, POSTGRES_HOST: "" },
    "POSTGRES_HOST: expected a host name, got nothing",
  ],
  [
    "any user as the database's owner",
    { ...existingDatabase, POSTGRES_OWNER: "*" },
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
    "--region: expected a region with MSK Serverless",
    { region: "eu-south-1" },
  ],
  [
    "a stage that is no name",
    {},
    '--stage: expected a letter, then up to 15 small letters and digits, got "Prod_1"',
    { stage: "Prod_1" },
  ],
  [
    "a topic with a bad character",
    { KAFKA_TOPIC_WEATHER: "weather data" },
    "KAFKA_TOPIC_WEATHER: expected 1 to 249 letters, digits, '.', '_' or '-', got \"weather data\"",
  ],
  [
    "weather every 45 s",
    { WEATHER_UPDATE_INTERVAL: "45" },
    'WEATHER_UPDATE_INTERVAL: expected a multiple of 60 when deployed (EventBridge\'s schedules are in minutes), got "45"',
  ],
  [
    "weather never",
    { WEATHER_UPDATE_INTERVAL: "0" },
    "WEATHER_UPDATE_INTERVAL: expected whole seconds from 1 to 86400",
  ],
];

for (const [name, environment, message, options] of refused)
  test(name, async () => {
    await expect(read({ ...parameters, ...environment }, options)).rejects.toThrow(message);
  });

test("what exists is used: its ARN, its host, its network", async () => {
  const existing = { ...existingCluster, ...existingDatabase, POSTGRES_OWNER: "grid_owner" };
  expect(await read({ ...parameters, ...existing })).toMatchObject({
    kafka: { kind: "existing", arn: cluster, securityGroupId: "sg-0a" },
    database: {
      ...{ kind: "existing", standby: "single", host: "db.example.com", securityGroupId: "sg-0b" },
      ...{ resourceId: "cluster-ABC123", owner: "grid_owner", auth: "iam" },
    },
    network: { kind: "existing", vpcId: "vpc-0a1b", subnetIds: ["subnet-0a", "subnet-0b"] },
  });
});

test.each([
  ["true", "standby"],
  ["false", "single"],
])("--param standby=%s is %s", async (given, standby) => {
  expect(await read(parameters, {}, given)).toMatchObject({ database: { standby } });
});

describe("what functions refuse at their start", () => {
  const readers: Readonly<Record<string, (env: Environment) => unknown>> = {
    WATERMARK_DELAY_SECONDS: readWatermarkSettings,
    WATERMARK_IDLE_SECONDS: readWatermarkSettings,
    FUTURE_SKEW_SECONDS: readLatenessRules,
    AMENDMENT_HORIZON_DAYS: readLatenessRules,
    STUCK_AFTER_SECONDS: readTroubleRules,
    QUARANTINE_RETENTION_DAYS: readQuarantineRetentionDays,
    WEATHER_SEED: readWeatherSettings,
  };

  test.each(deployment.NUMBERS_OF_FUNCTIONS)(
    "%s: the deployment refuses the same",
    async (name, _, least, most) => {
      const reader = readers[name];
      for (const [value, isRefused] of [
        [least, false],
        [most, false],
        [least - 1, true],
        [most + 1, true],
        ["1.5", true],
      ] as const) {
        const setting = { [name]: String(value) };
        const message = new RegExp(`^${name}: expected a whole number from ${least} to ${most}, got`);
        const deployed = expect(read({ ...parameters, ...setting }));
        if (isRefused) {
          await deployed.rejects.toThrow(message);
          expect(() => reader?.(setting)).toThrow(message);
        } else {
          await deployed.resolves.toBeDefined();
          expect(() => reader?.(setting)).not.toThrow();
        }
      }
    },
  );
});

test("MSK provisioned is for every region", async () => {
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

test("the command says it once, and ends before it has packaged anything", async () => {
  const run = await packageStage("prod", { ...parameters, WEATHER_UPDATE_INTERVAL: "45" });
  await run.remove();
  expect(run.code).toBe(1);
  expect(run.output).toContain("WEATHER_UPDATE_INTERVAL: expected a multiple of 60 when deployed");
  expect(run.output).not.toContain("Service packaged");
  expect(run.output.trim().split("\n").length, "lines").toBeLessThan(5);
});
