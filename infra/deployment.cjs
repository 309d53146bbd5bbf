// What is deployed, from the parameters in the environment: checked here, before anything is created, so that what AWS
// would refuse half-way is refused at once. docs/deploy.md has the table of the parameters.
"use strict";

const { createHash } = require("node:crypto");
const { readdirSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const { ConfigurationError } = require("../lib/config/environment.ts");
const { groupVariable, readTopics } = require("../lib/config/kafka.ts");
const { ruleVariables } = require("../lib/config/rules.ts");
const { timeZoneVariables } = require("../lib/config/time-zones.ts");
const { declaredSql } = require("../lib/postgres/stream-sql.ts");
const { streamSettings } = require("../lib/streams/declared.ts");
const { choosePipeline, NoPipelineError } = require("../commands/running-stack/choose-pipeline.ts");
const { findRunningStack } = require("../commands/running-stack/running-stack.ts");
const { readNetwork } = require("./network.cjs");
const { readText, weatherRate } = require("./parameters.cjs");
const { MSK_SERVERLESS_REGIONS, ROLE_KINDS, readDatabase, readKafka } = require("./servers.cjs");
const { readStage, refuseTooManyPartitions, refuseUnused } = require("./stage.cjs");

// Stable between runs: the ledger of this machine knows the cluster by it.
const LOCAL_CLUSTER_ARN =
  "arn:aws:kafka:local:000000000000:cluster/smartgrid-local/00000000-0000-4000-8000-000000000000-s1";

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

/** The words of the command, without options: what is in the place of theirs may be a value. */
const commandWords = () => process.argv.slice(2).filter((word) => !word.startsWith("-"));

let chosen = null;

/**
 * What runs functions on this machine needs a pipeline, and is never to meet one that happens to be on the usual ports. Asked
 * once: osls asks for a deployment once for each variable.
 */
function localEnvironment() {
  chosen ??= chooseLocal();
  return chosen;
}

async function chooseLocal() {
  const words = commandWords();
  const runs = words[0] === "invoke" && words[1] === "local";
  if (!runs && words[0] !== "offline") return process.env;
  // Those that `offline` starts are a pipeline of their own, with the servers that the environment names.
  const found = runs ? await findRunningStack() : { stack: null, left: null };
  const { environment, notes } = choosePipeline(process.env, found);
  for (const note of notes) console.error(note);
  return environment;
}

/** What this machine has instead: plain values, and users and passwords that `npm start` makes. */
function localDeployment(env) {
  const each = (of) => Object.fromEntries(ROLE_KINDS.map((kind) => [kind, of(kind.toUpperCase())]));
  const own = readDatabase({}, "local");
  return {
    kafka: {
      ...readKafka({}, MSK_SERVERLESS_REGIONS[0]),
      arn: env.MSK_CLUSTER_ARN || LOCAL_CLUSTER_ARN,
      brokers: env.KAFKA_BROKER || "",
    },
    network: { ...readNetwork({}, "local", "serverless", false), hasDualstackMsk: "false" },
    authorizer: { issuer: "https://localhost", audience: "local" },
    database: {
      ...own,
      auth: env.POSTGRES_AUTH || "password",
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
  const kafka = { ...readKafka(env, region), brokers: "" };
  const database = readDatabase(env, stage);
  const needsExisting = kafka.kind === "existing" || database.kind === "existing";
  return {
    kafka,
    database: { ...database, hasStandby: database.kind === "aurora" && hasStandby },
    network: readNetwork(env, region, kafka.kind, needsExisting),
    authorizer: readAuthorizer(env),
  };
}

/** The files of infra/ with the servers and the network of the stack's own: what exists is its owner's. */
function templates({ kafka, database, network }) {
  const ifOwn = (file, isOwn) => (isOwn ? file : "none");
  return {
    network: ifOwn("network/own", network.kind === "own"),
    kafka: ifOwn(`kafka/${kafka.kind}`, kafka.kind !== "existing"),
    database: ifOwn("database/aurora", database.kind === "aurora"),
    standby: ifOwn("database/standby", database.hasStandby),
  };
}

/** What the functions of infra/deploy-steps.yml need before they can work. */
function readiness({ kafka, database, network }) {
  const ifOwn = (ids) => (network.kind === "own" ? ids : []);
  const routes = ifOwn(["StorageEndpoint", "RoutesOfSubnetA", "RoutesOfSubnetB", "RoutesOfSubnetC"]);
  return {
    database: [
      ...routes,
      "DatabaseClientSecurityGroup",
      ...(database.kind === "aurora" ? ["DatabaseFromClients", "DatabaseWriter"] : []),
    ],
    kafka: [
      ...routes,
      ...ifOwn(["KafkaEndpoint"]),
      "KafkaClientSecurityGroup",
      ...(kafka.kind === "existing" ? [] : ["KafkaFromClients"]),
    ],
  };
}

/** Where events and rows are, by name: with another one, functions begin anew somewhere else. */
function standsOn({ kafka, database }, topics) {
  const { kind, host, port, name } = database;
  return {
    Kafka: kafka.kind === "existing" ? kafka.arn : `MSK ${kafka.kind} of its own`,
    Topics: Object.values(topics).join(", "),
    Database: kind === "existing" ? `${host}:${port}/${name}` : `Aurora of its own, ${name}`,
  };
}

/** Changes whenever the schema or the functions' users do, so that CloudFormation runs migrate-database again. */
function migrationsHash() {
  const hash = createHash("sha256").update(readFileSync(join(__dirname, "../lib/postgres/logins.ts")));
  hash.update(JSON.stringify(declaredSql()));
  for (const part of ["migrations", "sql"]) {
    const folder = join(__dirname, "../lib/postgres", part);
    for (const name of readdirSync(folder).sort()) hash.update(name).update(readFileSync(join(folder, name)));
  }
  return hash.digest("hex");
}

/** The consumer group of each stream's trigger. */
const groupsOf = (prefix, topics) =>
  Object.fromEntries(
    Object.entries(topics).map(([stream, topic]) => [stream, `${prefix}-aggregate-${stream}-${topic}`]),
  );

/** For create-topics; CloudFormation has texts only. */
const newTopics = (topics, { partitions }) =>
  Object.entries(topics).map(([stream, topic]) => ({
    Name: topic,
    Partitions: String(streamSettings[stream].partitions === 1 ? 1 : partitions),
  }));

/** The variables of all functions: where Kafka is, and each stream's topic, group and zone. */
const environment = ({ kafka, network }, topics, groups, zones) => ({
  NODE_OPTIONS: "--enable-source-maps",
  MSK_CLUSTER_ARN: kafka.arn,
  AWS_USE_DUALSTACK_ENDPOINT: network.hasDualstackMsk, // MSK's alone is called by the SDK
  KAFKA_BROKER: kafka.brokers,
  ...Object.fromEntries(
    Object.entries(topics).flatMap(([stream, topic]) => [
      [streamSettings[stream].topicVariable, topic],
      [groupVariable(stream), groups[stream]],
    ]),
  ),
  ...zones,
});

/** @throws ConfigurationError */
async function readDeployment({ options, resolveVariable }) {
  const name = options.stage ?? "local";
  // Before any variable: osls refuses some of these itself, in many more words.
  if (!/^[a-z][a-z0-9]{0,15}$/.test(name))
    throw new ConfigurationError("--stage", "a small letter, then up to 15 small letters and digits", name);
  // osls would go to us-east-1.
  if (!options.region && process.env.AWS_REGION === "")
    throw new ConfigurationError("AWS_REGION", "a region, or not to be set", "");
  const isLocal = name === "local";
  const stage = await readStage(options, resolveVariable);
  const env = isLocal ? await localEnvironment() : process.env;
  const topics = readTopics(env);
  const rules = ruleVariables(env);
  const groups = groupsOf(`${await resolveVariable("self:service")}-${name}`, topics);
  const deployment = isLocal
    ? localDeployment(env)
    : deployedDeployment(process.env, await resolveVariable("self:provider.region"), name, stage.standby);
  if (!isLocal) {
    refuseUnused(options.param ?? [], deployment);
    refuseTooManyPartitions(stage, deployment);
  }
  return {
    ...deployment,
    stage,
    templates: templates(deployment),
    ready: readiness(deployment),
    standsOn: standsOn(deployment, topics),
    topics,
    groups,
    newTopics: newTopics(topics, stage),
    environment: environment(deployment, topics, groups, timeZoneVariables(env)),
    rules,
    weatherRate: weatherRate(Number(rules.WEATHER_UPDATE_INTERVAL), isLocal),
    localWeatherSeconds: env.SIMULATED_WEATHER === "off" ? "off" : rules.WEATHER_UPDATE_INTERVAL,
    alarmEmail: readAlarmEmail(process.env),
    migrationsHash: migrationsHash(),
  };
}

module.exports = async (variables) => {
  try {
    return await readDeployment(variables);
  } catch (error) {
    if (error instanceof NoPipelineError) {
      console.error(`\n${error.message}`);
      process.exit(1);
    }
    if (!(error instanceof ConfigurationError)) throw error;
    // osls would say it once for each of some sixty variables, each time with the stack.
    console.error(`\n${error.message}\nNothing was created or changed. The parameters: docs/deploy.md`);
    process.exit(1);
  }
};
module.exports.readDeployment = readDeployment;
