// What is deployed, from the parameters in the environment: checked here, before anything is created, so that what AWS
// would refuse half-way is refused at once. docs/deploy.md has the table of the parameters.
"use strict";

const { createHash } = require("node:crypto");
const { readdirSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const {
  ParameterError,
  readRules,
  readSwitch,
  readText,
  readWholeNumber,
  weatherRate,
} = require("./parameters.cjs");

// Amazon MSK Developer Guide, "What is MSK Serverless?", as of 2026-11-24.
const MSK_SERVERLESS_REGIONS = [
  ...["us-east-1", "us-east-2", "us-west-2", "ca-central-1"],
  ...["ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "ap-northeast-2"],
  ...["eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3"],
];
// Stable between runs: the ledger of this machine knows the cluster by it.
const LOCAL_CLUSTER_ARN =
  "arn:aws:kafka:local:000000000000:cluster/smartgrid-local/00000000-0000-4000-8000-000000000000-s1";
const SUBNETS = ["A", "B", "C"].map((zone) => ({ Ref: `PrivateSubnet${zone}` }));
const ROLE_KINDS = ["ingest", "sweep", "api"];

const clusterArn = (region) => ({
  pattern: new RegExp(`^arn:aws[\\w-]*:kafka:${region}:\\d{12}:cluster/[^/]+/[\\w-]+$`),
  expected: `an ARN of this region: arn:aws:kafka:${region}:ACCOUNT:cluster/NAME/UUID`,
});

/** Of what EC2 knows by an id: 8 digits, or 17 since 2018. */
const ID = "[0-9a-f]{8}([0-9a-f]{9})?";

/** The group that a server which exists stands in: functions may send to it, and to nothing else there. */
const readSecurityGroup = (env, variable, server) =>
  readText(env, variable, {
    pattern: new RegExp(`^sg-${ID}$`),
    expected: `the security group that ${server} stands in: sg-…`,
  });

function readTopics(env) {
  const topic = (variable, fallback) =>
    readText(env, variable, {
      fallback,
      pattern: /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/,
      expected: "1 to 249 letters, digits, '.', '_' or '-'",
    });
  return {
    sensor: topic("KAFKA_TOPIC_SENSOR_DATA", "smartgrid-sensor-data"),
    consumption: topic("KAFKA_TOPIC_METER_READINGS", "smartgrid-meter-readings"),
    weather: topic("KAFKA_TOPIC_WEATHER", "smartgrid-weather-data"),
  };
}

/** The cluster: one that exists, or one of the stack's own. */
function readKafka(env, region) {
  if (env.MSK_CLUSTER_ARN)
    return {
      kind: "existing",
      arn: readText(env, "MSK_CLUSTER_ARN", clusterArn(region)),
      securityGroupId: readSecurityGroup(env, "KAFKA_SECURITY_GROUP_ID", "MSK_CLUSTER_ARN"),
    };
  const kind = readText(env, "MSK_CLUSTER_TYPE", {
    fallback: "serverless",
    pattern: /^(serverless|provisioned)$/,
    expected: "serverless or provisioned (or MSK_CLUSTER_ARN of one that exists)",
  });
  // MSK takes two subnets there, and three brokers stand in three zones.
  if (kind === "provisioned" && region === "us-west-1")
    throw new ParameterError("--region", "a region where MSK has three zones, or MSK_CLUSTER_ARN", region);
  if (kind === "serverless" && !MSK_SERVERLESS_REGIONS.includes(region))
    throw new ParameterError(
      "--region",
      `a region with MSK Serverless (${MSK_SERVERLESS_REGIONS.join(", ")}), or MSK_CLUSTER_TYPE=provisioned`,
      region,
    );
  return { kind, arn: { Ref: "KafkaCluster" }, securityGroupId: { Ref: "KafkaSecurityGroup" } };
}

/** The database: one that exists, or one of the stack's own. */
function readDatabase(env, stage) {
  const own = () => ({
    kind: "aurora",
    host: { "Fn::GetAtt": ["DatabaseCluster", "Endpoint.Address"] },
    port: "5432",
    name: readText(env, "POSTGRES_DB", {
      fallback: "smartgrid_db",
      pattern: /^(?!(postgres|template[01]|rdsadmin)$)[a-z][a-z0-9_]{0,62}$/,
      expected:
        "a small letter, then up to 62 small letters, digits or '_' (and no database that is there anyway)",
    }),
    securityGroupId: { Ref: "DatabaseSecurityGroup" },
    resourceId: { "Fn::GetAtt": ["DatabaseCluster", "DBClusterResourceId"] },
    owner: "smartgrid",
  });
  const existing = () => ({
    kind: "existing",
    host: readText(env, "POSTGRES_HOST", { pattern: /^[a-z0-9.-]+$/i, expected: "a host name" }),
    port: readWholeNumber(env, "POSTGRES_PORT", [5432, 1, 65_535]),
    name: readText(env, "POSTGRES_DB", {
      fallback: "smartgrid_db",
      pattern: /^\S{1,63}$/,
      expected: "a database's name of 1 to 63 characters",
    }),
    resourceId: readText(env, "POSTGRES_RESOURCE_ID", {
      pattern: /^(cluster|db)-[A-Z0-9]+$/,
      expected: "the resource id of POSTGRES_HOST (DbClusterResourceId, DbiResourceId): cluster-… or db-…",
    }),
    securityGroupId: readSecurityGroup(env, "POSTGRES_SECURITY_GROUP_ID", "POSTGRES_HOST"),
    owner: readText(env, "POSTGRES_OWNER", {
      fallback: "smartgrid",
      pattern: /^[a-z_][a-z0-9_]{0,62}$/,
      expected: "a user's name of small letters, digits and '_'",
    }),
  });
  return {
    ...(env.POSTGRES_HOST || env.POSTGRES_RESOURCE_ID ? existing() : own()),
    auth: "iam",
    users: Object.fromEntries(ROLE_KINDS.map((kind) => [kind, `smartgrid_${kind}_${stage}`])),
    passwords: { ingest: "", sweep: "", api: "" },
    // Lambda's own file of Amazon's roots; Node's bundled ones do not include the database's.
    caFile: env.POSTGRES_CA_FILE || "/var/runtime/ca-cert.pem",
  };
}

/** The three zones of the network: those that are named, or the first that the account has. */
function readZones(env, region) {
  if (!env.AVAILABILITY_ZONES)
    return [0, 1, 2].map((index) => ({ "Fn::Select": [index, { "Fn::GetAZs": "" }] }));
  const zone = `${region}[a-z]`;
  const zones = readText(env, "AVAILABILITY_ZONES", {
    pattern: new RegExp(`^(${zone}),(?!\\1)(${zone}),(?!\\1|\\2)${zone}$`),
    expected: `three different zones of this region: ${region}a,${region}b,${region}c`,
  });
  return zones.split(",");
}

/**
 * The network: one that exists, which a cluster or a database that exists asks for, or one of the stack's own.
 * Lambda takes two subnets and more; MSK spreads brokers of the stack's own evenly over theirs.
 */
function readNetwork(env, region, kafkaKind, needsExisting) {
  if (!needsExisting && !env.VPC_ID && !env.SUBNET_IDS)
    return { kind: "own", vpcId: { Ref: "Vpc" }, subnetIds: SUBNETS, zones: readZones(env, region) };
  const [more, howMany] = kafkaKind === "provisioned" ? ["{2}", "three"] : ["{1,5}", "two to six"];
  const subnets = readText(env, "SUBNET_IDS", {
    pattern: new RegExp(`^subnet-${ID}(,subnet-${ID})${more}$`),
    expected: `${howMany} private subnets of VPC_ID in different zones: subnet-…,subnet-…`,
  });
  return {
    kind: "existing",
    vpcId: readText(env, "VPC_ID", {
      pattern: new RegExp(`^vpc-${ID}$`),
      expected: "the VPC of MSK_CLUSTER_ARN or POSTGRES_HOST: vpc-…",
    }),
    subnetIds: subnets.split(","),
  };
}

/** Who may call the HTTP API. */
function readAuthorizer(env) {
  return {
    issuer: readText(env, "JWT_ISSUER", {
      pattern: /^https:\/\/\S+$/,
      expected: "the https:// address of who issues the API's tokens",
    }),
    audience: readText(env, "JWT_AUDIENCE", { pattern: /\S/, expected: "what tokens are issued for" }),
  };
}

/** Who gets the alarms, if anybody. */
const readAlarmEmail = (env) =>
  readText(env, "ALARM_EMAIL", {
    pattern: /^([^\s@,]+@[^\s@,]+\.[^\s@,]+)?$/,
    expected: "one address, or nothing",
  });

/** What this machine has instead: plain values, and users and passwords that `npm start` makes. */
function localDeployment(env) {
  const each = (of) => Object.fromEntries(ROLE_KINDS.map((kind) => [kind, of(kind.toUpperCase())]));
  const own = readDatabase({}, "local");
  return {
    kafka: { ...readKafka({}, MSK_SERVERLESS_REGIONS[0]), arn: LOCAL_CLUSTER_ARN },
    network: readNetwork({}, "local", "serverless", false),
    authorizer: { issuer: "https://localhost", audience: "local" },
    database: {
      ...own,
      auth: env.POSTGRES_AUTH || "password",
      standby: "single",
      host: env.POSTGRES_HOST || "127.0.0.1",
      port: env.POSTGRES_PORT || "5432",
      name: env.POSTGRES_DB || own.name,
      users: each((kind) => env[`POSTGRES_USER_${kind}`] || env.POSTGRES_USER || "smartgrid"),
      passwords: each(
        (kind) =>
          env[`POSTGRES_PASSWORD_${kind}`] || env.POSTGRES_PASSWORD || (env.POSTGRES_HOST ? "" : "smartgrid"),
      ),
      caFile: env.POSTGRES_CA_FILE || "",
    },
  };
}

function deployedDeployment(env, region, stage, hasStandby) {
  if (!/^[a-z][a-z0-9]{0,15}$/.test(stage))
    throw new ParameterError("--stage", "a letter, then up to 15 small letters and digits", stage);
  const kafka = readKafka(env, region);
  const database = readDatabase(env, stage);
  const needsExisting = kafka.kind === "existing" || database.kind === "existing";
  return {
    kafka,
    database: { ...database, standby: database.kind === "aurora" && hasStandby ? "standby" : "single" },
    network: readNetwork(env, region, kafka.kind, needsExisting),
    authorizer: readAuthorizer(env),
  };
}

/** What the functions of infra/deploy-steps.yml need before they can work. */
function readiness({ database, network }) {
  const ways = network.kind === "own" ? ["KafkaEndpoint", "StorageEndpoint"] : [];
  const routes = network.kind === "own" ? ["RoutesOfSubnetA", "RoutesOfSubnetB", "RoutesOfSubnetC"] : [];
  return {
    database: [
      ...ways,
      ...routes,
      "FunctionsToDatabase",
      ...(database.kind === "aurora" ? ["DatabaseWriter"] : []),
    ],
    kafka: [...ways, ...routes, "FunctionsToKafka"],
  };
}

/** Changes whenever a migration does, so that CloudFormation runs migrate-database again. */
function migrationsHash() {
  const folder = join(__dirname, "migrations");
  const hash = createHash("sha256");
  for (const name of readdirSync(folder).sort()) hash.update(name).update(readFileSync(join(folder, name)));
  return hash.digest("hex");
}

module.exports = async ({ options, resolveVariable }) => {
  const stage = options.stage ?? "local";
  const region = options.region ?? (await resolveVariable("self:provider.region"));
  const isLocal = stage === "local";
  const topics = readTopics(process.env);
  const rules = readRules(process.env);
  const [standby, deletionProtection, tracing] = await Promise.all(
    ["standby", "deletionProtection", "tracing"].map(async (parameter) =>
      readSwitch(parameter, await resolveVariable(`param:${parameter}`)),
    ),
  );
  const deployment = isLocal
    ? localDeployment(process.env)
    : deployedDeployment(process.env, region, stage, standby);
  return {
    ...deployment,
    ready: readiness(deployment),
    topics,
    rules,
    weatherRate: weatherRate(Number(rules.WEATHER_UPDATE_INTERVAL), isLocal),
    deletionProtection,
    tracing,
    alarmEmail: readAlarmEmail(process.env),
    migrationsHash: migrationsHash(),
  };
};
