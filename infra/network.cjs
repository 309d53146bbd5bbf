// The network, from the parameters in the environment: the stack's own, or one that exists.
"use strict";

const { ID, readText, refuseBeside } = require("./parameters.cjs");

const SUBNETS = ["A", "B", "C"].map((zone) => ({ Ref: `PrivateSubnet${zone}` }));

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

/** The stack's own endpoint is of that kind (infra/network/own.yml). */
function ownDualstackMsk(env) {
  refuseBeside(env, "MSK_API_DUALSTACK", "a network of the stack's own");
  return "true";
}

/**
 * The network: one that exists, which a cluster or a database that exists asks for, or one of the stack's own.
 * Lambda takes two subnets and more; MSK spreads brokers of the stack's own evenly over theirs.
 */
function readNetwork(env, region, kafkaKind, needsExisting) {
  if (!needsExisting && !env.VPC_ID && !env.SUBNET_IDS)
    return {
      ...{ kind: "own", vpcId: { Ref: "Vpc" }, subnetIds: SUBNETS, zones: readZones(env, region) },
      hasDualstackMsk: ownDualstackMsk(env),
    };
  refuseBeside(env, "AVAILABILITY_ZONES", "SUBNET_IDS");
  const [more, howMany] = kafkaKind === "provisioned" ? ["{2}", "three"] : ["{1,5}", "two to six"];
  const why = needsExisting ? " (of the cluster or the database that exists)" : "";
  const subnets = readText(env, "SUBNET_IDS", {
    pattern: new RegExp(`^(?!.*(subnet-\\w+),.*\\1\\b)subnet-${ID}(,subnet-${ID})${more}$`),
    expected: `${howMany} private subnets of VPC_ID in different zones${why}: subnet-…,subnet-…`,
  });
  return {
    kind: "existing",
    vpcId: readText(env, "VPC_ID", {
      pattern: new RegExp(`^vpc-${ID}$`),
      expected: "the VPC of SUBNET_IDS: vpc-…",
    }),
    subnetIds: subnets.split(","),
    hasDualstackMsk: readText(env, "MSK_API_DUALSTACK", {
      fallback: "false",
      pattern: /^(true|false)$/,
      expected: `true where the network's endpoint of MSK is aws.api.${region}.kafka-api, else false`,
    }),
  };
}

module.exports = { readNetwork };
