// The cluster and the database, from the parameters in the environment: the stack's own, or ones that exist in security
// groups of their owners'.
"use strict";

const { ConfigurationError, wholeNumber } = require("../lib/config/environment.ts");
const { ID, readText, refuseBeside } = require("./parameters.cjs");

// Amazon MSK Developer Guide, "What is MSK Serverless?", as of 2026-11-24.
const MSK_SERVERLESS_REGIONS = [
  ...["us-east-1", "us-east-2", "us-west-2", "ca-central-1"],
  ...["ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "ap-northeast-2"],
  ...["eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3"],
];
/** MSK takes two subnets there, and three brokers stand in three zones. */
const TWO_ZONES = "us-west-1";
const ROLE_KINDS = ["ingest", "sweep", "api"];

/** Because of which others a variable is asked for, where it is not set itself. */
function askedBy(env, variable, others) {
  const set = others.filter((other) => env[other]);
  return env[variable] || set.length === 0 ? "" : ` (for ${set.join(", ")} is set)`;
}

const clusterArn = (env, region) => ({
  pattern: new RegExp(`^arn:aws[\\w-]*:kafka:${region}:\\d{12}:cluster/[^/]+/[\\w-]+$`),
  expected: `the ARN of a cluster of this region${askedBy(env, "MSK_CLUSTER_ARN", ["KAFKA_SECURITY_GROUP_ID"])}: arn:aws:kafka:${region}:123456789012:cluster/NAME/UUID`,
});

/** The group that a server which exists stands in: functions may send to it, and to nothing else there. */
const readSecurityGroup = (env, variable, server) =>
  readText(env, variable, {
    pattern: new RegExp(`^sg-${ID}$`),
    expected: `the security group that ${server} stands in: sg-…`,
  });

/** The cluster: one that exists, or one of the stack's own. */
function readKafka(env, region) {
  if (env.MSK_CLUSTER_ARN || env.KAFKA_SECURITY_GROUP_ID) {
    refuseBeside(env, "MSK_CLUSTER_TYPE", "MSK_CLUSTER_ARN");
    return {
      kind: "existing",
      arn: readText(env, "MSK_CLUSTER_ARN", clusterArn(env, region)),
      securityGroupId: readSecurityGroup(env, "KAFKA_SECURITY_GROUP_ID", "MSK_CLUSTER_ARN"),
    };
  }
  const kind = readText(env, "MSK_CLUSTER_TYPE", {
    fallback: "serverless",
    pattern: /^(serverless|provisioned)$/,
    expected: "serverless or provisioned (or MSK_CLUSTER_ARN of one that exists)",
  });
  if (kind === "provisioned" && region === TWO_ZONES)
    throw new ConfigurationError(
      "--region (or AWS_REGION)",
      "a region where MSK has three zones, or MSK_CLUSTER_ARN",
      region,
    );
  if (kind === "serverless" && !MSK_SERVERLESS_REGIONS.includes(region))
    throw new ConfigurationError(
      "--region (or AWS_REGION)",
      `a region with MSK Serverless (${MSK_SERVERLESS_REGIONS.join(", ")})${region === TWO_ZONES ? "" : ", or MSK_CLUSTER_TYPE=provisioned"}`,
      region,
    );
  return { kind, arn: { Ref: "KafkaCluster" }, securityGroupId: { Ref: "KafkaSecurityGroup" } };
}

/** What only a database that exists is told. */
const OF_EXISTING = [
  "POSTGRES_HOST",
  "POSTGRES_RESOURCE_ID",
  "POSTGRES_SECURITY_GROUP_ID",
  "POSTGRES_OWNER",
  "POSTGRES_PORT",
];

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
    host: readText(env, "POSTGRES_HOST", {
      pattern: /^[a-z0-9.-]+$/i,
      expected: `the host of a database that exists${askedBy(env, "POSTGRES_HOST", OF_EXISTING)}`,
    }),
    port: String(wholeNumber(env, "POSTGRES_PORT")),
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
    ...(OF_EXISTING.some((variable) => env[variable]) ? existing() : own()),
    auth: "iam",
    users: Object.fromEntries(ROLE_KINDS.map((kind) => [kind, `smartgrid_${kind}_${stage}`])),
    passwords: {},
    // Lambda's own file of Amazon's roots; Node's bundled ones do not include the database's.
    caFile: readText(env, "POSTGRES_CA_FILE", {
      fallback: "/var/runtime/ca-cert.pem",
      pattern: /^\/(var\/runtime|opt)\/\S+$/,
      expected: "a file that functions have: in /var/runtime/, or in a layer's /opt/",
    }),
  };
}

module.exports = { MSK_SERVERLESS_REGIONS, ROLE_KINDS, readKafka, readDatabase };
