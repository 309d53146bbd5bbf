// The packaged stack passes its own assertions, and with one mistake planted it fails with the message for that mistake.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  checkPackaged,
  checkTemplate,
  type Packaged,
  readPackaged,
} from "../../commands/deploy-check/assertions.ts";
import { type PackageRun, packageStage, parameters } from "./packaged.ts";

let run: PackageRun;
let packaged: Packaged;

beforeAll(async () => {
  run = await packageStage("prod", parameters);
  expect(run.output).toContain("Service packaged");
  packaged = await readPackaged(run.folder);
});
afterAll(() => run.remove());

test("the packaged stack has nothing to complain about", async () => {
  expect(await checkPackaged(packaged)).toEqual([]);
});

test("prod is protected against removal: the database, and the stack, which osls protects by this setting", async () => {
  const database = packaged.template.Resources.DatabaseCluster?.Properties;
  const state = JSON.parse(await readFile(join(run.folder, "serverless-state.json"), "utf8"));
  expect([database?.DeletionProtection, state.service.provider.deletionProtection]).toEqual([true, true]);
});

test("the stack's outputs keep what it stands on, for the next deployment to be compared with", async () => {
  const state = JSON.parse(await readFile(join(run.folder, "serverless-state.json"), "utf8"));
  const { standsOn } = state.service.custom;
  expect(Object.keys(standsOn)).toEqual(["Kafka", "Topics", "Database"]);
  for (const [output, name] of Object.entries(standsOn))
    expect(packaged.template.Outputs?.[output]).toMatchObject({ Value: name });
});

const [SENSOR, METER] = ["smartgrid-sensor-data", "smartgrid-meter-readings"];
const mapping = "AggregateDashsensorEventSourceMappingMSKKafkaClusterSmartgridsensordata";

/** The template is JSON: a mistake is one text in place of another, which has to be there. */
type Mistake = readonly [name: string, where: string, from: RegExp, to: string, message: RegExp];

const mistakes: readonly Mistake[] = [
  [
    "a missing action",
    "IngestSensorRole",
    /"kafka-cluster:WriteData"/,
    '"kafka-cluster:AlterTopic"',
    /^ingest-sensor: its role lacks kafka-cluster:WriteData on .*smartgrid-sensor-data, which lib\/kafka\/produce.ts needs$/,
  ],
  [
    "an action that nothing needs",
    "HealthRole",
    /"kafka-cluster:DescribeTopic"/,
    '"kafka-cluster:DescribeTopic","kafka-cluster:DeleteTopic"',
    /^health: its role allows kafka-cluster:DeleteTopic on .*, which nothing of it calls$/,
  ],
  [
    "a wider resource",
    "AggregateWeatherRole",
    /"\/smartgrid_ingest_prod"/,
    '"/*"',
    /^aggregate-weather: its role allows rds-db:connect on .*:dbuser:DatabaseCluster\.DBClusterResourceId\/\*, which nothing of it calls$/,
  ],
  [
    "code that may do what only Lambda has to",
    "IngestMeterRole",
    /:function:smartgrid-prod-ingest-meter"/,
    ':function:smartgrid-prod-ingest-sensor"',
    /^ingest-meter: its own code may call ec2:DeleteNetworkInterface, which only Lambda has to$/,
  ],
  [
    "another function's user of the database",
    "HealthRole",
    /"\/smartgrid_api_prod"/,
    '"/smartgrid_sweep_prod"',
    /^health: its role lacks rds-db:connect on .*\/smartgrid_api_prod, which lib\/postgres\/login-token.ts needs$/,
  ],
  [
    "a user whom the role does not allow",
    "SweepDashwindowsLambdaFunction",
    /"smartgrid_sweep_prod"/,
    '"smartgrid"',
    /^sweep-windows: its role lacks rds-db:connect on .*\/smartgrid, which/,
  ],
  [
    "another database",
    "MigrateDatabaseRole",
    /\{"Fn::GetAtt":\["DatabaseCluster","DBClusterResourceId"\]\}/,
    '"cluster-OTHER"',
    /^migrate-database: its role allows rds-db:connect on .*:cluster-OTHER\/smartgrid, which nothing of it calls$/,
  ],
  [
    "a database without logins by IAM",
    "DatabaseCluster",
    /"EnableIAMDatabaseAuthentication":true/,
    '"EnableIAMDatabaseAuthentication":false',
    /^DatabaseCluster: takes no logins by IAM/,
  ],
  [
    "an owner with a password",
    "DatabaseCluster",
    /"MasterUserAuthenticationType":"iam-db-auth"/,
    '"ManageMasterUserPassword":true',
    /^DatabaseCluster: its owner has a password/,
  ],
  [
    "a function that would log in with a password",
    "HealthLambdaFunction",
    /"POSTGRES_AUTH":"iam"/,
    '"POSTGRES_AUTH":"password"',
    /^health: POSTGRES_AUTH has to be iam/,
  ],
  [
    "a wrong topic",
    mapping,
    new RegExp(`"${SENSOR}"`),
    `"${METER}"`,
    new RegExp(`^${mapping}: reads ${METER}, but aggregate-sensor folds ${SENSOR}$`),
  ],
  [
    "a topic that nobody creates",
    "KafkaTopics",
    new RegExp(`"${SENSOR}"`),
    '"smartgrid-sensors"',
    new RegExp(`^${mapping}: nobody creates the topic ${SENSOR}$`),
  ],
  [
    "a batch that is too large",
    mapping,
    /"BatchSize":2500/,
    '"BatchSize":20000',
    /BatchSize: expected a whole number from 1 to 10000, got 20000$/,
  ],
  [
    "retries without provisioned pollers",
    mapping,
    /"ProvisionedPollerConfig":\{[^}]*\},/,
    "",
    /MaximumRetryAttempts: expected nothing without ProvisionedPollerConfig/,
  ],
  [
    "no failure destination",
    mapping,
    /,"DestinationConfig":\{.*?\}\}\}/,
    "",
    /has no failure destination: what fails would be lost$/,
  ],
  [
    "an open security group",
    "DatabaseFromClients",
    /"SourceSecurityGroupId":\{[^}]*\}/,
    '"CidrIp":"0.0.0.0/0"',
    /^DatabaseFromClients: lets 0\.0\.0\.0\/0 in on 5432; name a security group$/,
  ],
  [
    "a route for everybody",
    "HttpApiRoutePostApiV1IngestSensor",
    /"AuthorizationType":"JWT"/,
    '"AuthorizationType":"NONE"',
    /POST \/api\/v1\/ingest\/sensor can be called by everyone/,
  ],
  [
    "a route for everybody without a limit of its own",
    "HttpApiStage",
    /"GET \/health":/,
    '"GET /ready":',
    /^HttpApiStage: GET \/health, which everyone can call, has no limit of its own$/,
  ],
  [
    "callers who may take all executions of the account",
    "IngestDashsensorLambdaFunction",
    /"ReservedConcurrentExecutions":100/,
    '"Tags":[]',
    /^ingest-sensor: has no reservedConcurrency: callers could take all executions of the account$/,
  ],
  [
    "a reference to nothing",
    "KafkaFromClients",
    /"KafkaSecurityGroup"/,
    '"BrokerSecurityGroup"',
    /^KafkaFromClients: refers to BrokerSecurityGroup, which is not there$/,
  ],
  [
    "a way to another group than Kafka's",
    "KafkaClientSecurityGroup",
    /"KafkaSecurityGroup"/,
    '"DatabaseSecurityGroup"',
    /^ingest-sensor: of its groups \(KafkaClientSecurityGroup, ServiceClientSecurityGroup\) none lets out to Kafka on 9098$/,
  ],
  [
    "a way to another port than PostgreSQL's",
    "DatabaseClientSecurityGroup",
    /"FromPort":"5432","ToPort":"5432"/,
    '"FromPort":"5433","ToPort":"5433"',
    /^aggregate-sensor: of its groups \(DatabaseClientSecurityGroup\) none lets out to PostgreSQL on 5432$/,
  ],
  [
    "a function without a way to PostgreSQL",
    "HealthLambdaFunction",
    /\{"Ref":"DatabaseClientSecurityGroup"\},/,
    "",
    /^health: of its groups .* none lets out to PostgreSQL on 5432$/,
  ],
  [
    "a function of the internet's with a way to PostgreSQL",
    "IngestDashsensorLambdaFunction",
    /\{"Ref":"ServiceClientSecurityGroup"\}/,
    '{"Ref":"ServiceClientSecurityGroup"},{"Ref":"DatabaseClientSecurityGroup"}',
    /^ingest-sensor: of its groups .* one lets out to PostgreSQL, which it does not use$/,
  ],
  [
    "a step of the deployment that cannot answer",
    "MigrateDashdatabaseLambdaFunction",
    /,\{"Ref":"ServiceClientSecurityGroup"\}/,
    "",
    /^migrate-database: of its groups \(DatabaseClientSecurityGroup\) none lets out to s3 on 443$/,
  ],
  [
    "a server that does not let functions in",
    "DatabaseFromClients",
    /"SourceSecurityGroupId":\{[^}]*\}/,
    '"SourceSecurityGroupId":{"Ref":"KafkaClientSecurityGroup"}',
    /^aggregate-sensor: .* none is let in by DatabaseSecurityGroup of PostgreSQL on 5432$/,
  ],
  [
    "brokers that do not let functions in",
    "KafkaFromClients",
    /"ToPort":9098/,
    '"ToPort":9097',
    /^ingest-sensor: .* none is let in by KafkaSecurityGroup of Kafka on 9098$/,
  ],
  [
    "an endpoint that does not let functions in",
    "KafkaEndpointSecurityGroup",
    /"SecurityGroupIngress":\[[^\]]*\]/,
    '"SecurityGroupIngress":[]',
    /^ingest-sensor: .* none is let in by KafkaEndpointSecurityGroup of kafka-api on 443$/,
  ],
  [
    "functions that do not get out to AWS services",
    "ServiceClientSecurityGroup",
    /"ToPort":443/,
    '"ToPort":442',
    /^ingest-sensor: .* none lets out to kafka-api on 443$/,
  ],
  [
    "another client that the database lets in",
    "DatabaseFromClients",
    /"SourceSecurityGroupId":\{[^}]*\}/,
    '"SourceSecurityGroupId":{"Ref":"KafkaClientSecurityGroup"}',
    /^DatabaseSecurityGroup: lets KafkaClientSecurityGroup in on 5432, which is no client of PostgreSQL$/,
  ],
  [
    "aggregates with a way to everything",
    "DatabaseClientSecurityGroup",
    /"SecurityGroupEgress":\[\{/,
    '"SecurityGroupEgress":[{"IpProtocol":"-1","CidrIp":"10.42.0.0/16"},{',
    /^aggregate-weather: .* one lets out to AWS services, which it does not use$/,
  ],
  [
    "a network without an endpoint",
    "QueueEndpoint",
    /\.sqs"/,
    '.sns"',
    /^Vpc: has no endpoint of sqs, and no other way there$/,
  ],
  [
    "a queue that pollers do not reach",
    "QueueEndpointSecurityGroup",
    /"KafkaSecurityGroup"/,
    '"ServiceClientSecurityGroup"',
    /^pollers: .* none is let in by QueueEndpointSecurityGroup of sqs on 443$/,
  ],
  [
    "brokers that do not let their own group in",
    "KafkaFromPollers",
    /"SourceSecurityGroupId":\{"Ref":"KafkaSecurityGroup"\}/,
    '"SourceSecurityGroupId":{"Ref":"KafkaClientSecurityGroup"}',
    /^pollers: .* none is let in by KafkaSecurityGroup of Kafka on 9098$/,
  ],
  [
    "pollers that do not get out",
    "KafkaSecurityGroup",
    /"GroupDescription":/,
    '"SecurityGroupEgress":[{"IpProtocol":"tcp","FromPort":443,"ToPort":443,"CidrIp":"0.0.0.0/0"}],"GroupDescription":',
    /^pollers: of its groups \(KafkaSecurityGroup\) none lets out to Kafka on 9098$/,
  ],
  [
    "a description that EC2 refuses",
    "KafkaFromPollers",
    /"Description":"[^"]*"/,
    '"Description":"pollers in the cluster\'s own group"',
    /^KafkaFromPollers: EC2 refuses the description "pollers in the cluster's own group"/,
  ],
  [
    "a group whose description EC2 refuses",
    "KafkaClientSecurityGroup",
    /"GroupDescription":"[^"]*"/,
    `"GroupDescription":"${"x".repeat(256)}"`,
    /^KafkaClientSecurityGroup: EC2 refuses the description "x+"/,
  ],
  [
    "a function that may take all connections",
    "HealthLambdaFunction",
    /"ReservedConcurrentExecutions":5/,
    '"MemorySize":512',
    /^health: has no reservedConcurrency/,
  ],
  [
    "a password in a variable",
    "AggregateDashsensorLambdaFunction",
    /"POSTGRES_AUTH":"iam"/,
    '"POSTGRES_AUTH":"iam","POSTGRES_PASSWORD":"hunter2"',
    /^aggregate-sensor: POSTGRES_PASSWORD: nothing that is deployed has a password; leave the variable out$/,
  ],
  [
    "a variable for a password",
    "HealthLambdaFunction",
    /"POSTGRES_AUTH":"iam"/,
    '"POSTGRES_AUTH":"iam","POSTGRES_PASSWORD":""',
    /^health: POSTGRES_PASSWORD: nothing that is deployed has a password/,
  ],
  [
    "an alarm that rings at what functions may open",
    "DatabaseConnectionsAlarm",
    /"Threshold":53/,
    '"Threshold":32',
    /^DatabaseConnectionsAlarm: rings above 32 connections, but functions may open 33, and 20 are for people/,
  ],
  [
    "an alarm that knows nothing of one function",
    "DatabaseConnectionsAlarm",
    /"Threshold":53/,
    '"Threshold":48',
    /^DatabaseConnectionsAlarm: rings above 48 connections/,
  ],
  [
    "a log of the database without an end",
    "DatabaseLog",
    /\/postgresql"/,
    '/other"',
    /^DatabaseCluster: its log \/aws\/rds\/cluster\/smartgrid-prod\/postgresql is kept for ever/,
  ],
  [
    "a log of the database that is made too late",
    "DatabaseCluster",
    /"DatabaseLoginLog"/,
    '"DatabaseParameters"',
    /^DatabaseCluster: its log \/aws\/rds\/cluster\/smartgrid-prod\/iam-db-auth-error is kept for ever/,
  ],
  [
    "readings in the database's log",
    "DatabaseParameters",
    /"log_parameter_max_length":"0"/,
    '"log_parameter_max_length":"-1"',
    /^DatabaseParameters: readings get into the log; set log_parameter_max_length to 0$/,
  ],
  [
    "readings in the details of errors",
    "DatabaseParameters",
    /,"log_error_verbosity":"terse"/,
    "",
    /^DatabaseParameters: readings get into the log; set log_error_verbosity to terse$/,
  ],
  [
    "an alarm that rings during the first deployment",
    "SweeperSilentAlarm",
    /"SweepDashwindowsEventsRuleSchedule1"/,
    '"ProduceDashweatherEventsRuleSchedule1"',
    /^SweeperSilentAlarm: rings while sweep-windows has no schedule yet/,
  ],
  [
    "a secret in a variable",
    "HealthLambdaFunction",
    /"POSTGRES_AUTH":"iam"/,
    '"POSTGRES_AUTH":"iam","API_TOKEN":"hunter2"',
    /^health: API_TOKEN holds a secret in plain sight$/,
  ],
  [
    "another runtime",
    "CreateDashtopicsLambdaFunction",
    /nodejs24\.x/,
    "nodejs22.x",
    /^create-topics: runs on nodejs22\.x, was tested on nodejs24\.x$/,
  ],
  [
    "a step that is given up while it still works",
    "DatabaseMigration",
    /"ServiceTimeout":"900"/,
    '"ServiceTimeout":"840"',
    /^DatabaseMigration: is waited for 840 s, and migrate-database may take 840 s$/,
  ],
  [
    "topics that another cluster would not get",
    "KafkaTopics",
    /"Cluster":\{"Ref":"KafkaCluster"\},/,
    "",
    /^KafkaTopics: does not name its server \(create-topics's MSK_CLUSTER_ARN\), and would not run for another one$/,
  ],
  [
    "migrations that another database would not get",
    "DatabaseMigration",
    /"Host":\{[^}]*\},/,
    "",
    /^DatabaseMigration: does not name its server \(migrate-database's POSTGRES_HOST\)/,
  ],
  [
    "logs for ever",
    "HealthLogGroup",
    /"RetentionInDays":\d+/,
    '"Tags":[]',
    /^HealthLogGroup: keeps its logs for ever/,
  ],
  [
    "a database that the world can see",
    "DatabaseWriter",
    /"PubliclyAccessible":false/,
    '"PubliclyAccessible":true',
    /^DatabaseWriter: PubliclyAccessible has to be false$/,
  ],
];

const handlerMistakes: readonly Mistake[] = [
  [
    "a handler that is not in its zip",
    "HealthLambdaFunction",
    /health\/index\.handler/,
    "health/handler.handler",
    /^health: dist\/functions\/health\/handler.js is not in health.zip$/,
  ],
  [
    "a handler without a variable that it needs",
    "MigrateDashdatabaseLambdaFunction",
    /"LOGIN_SUFFIX"/,
    '"LOGIN_SUFFIXES"',
    /^migrate-database: does not load .*LOGIN_SUFFIX: expected a value, got nothing$/,
  ],
  [
    "a function that would log in to whoever answers",
    "HealthLambdaFunction",
    /"POSTGRES_CA_FILE"/,
    '"POSTGRES_CA"',
    /^health: does not load .*POSTGRES_CA_FILE: expected a file with POSTGRES_AUTH=iam, got nothing$/,
  ],
];

describe("planted mistakes", () => {
  function withMistake([, where, from, to]: Mistake): Packaged {
    const resource = JSON.stringify(packaged.template.Resources[where]);
    expect(resource, `${where}: where the mistake is planted`).toMatch(from);
    const Resources = { ...packaged.template.Resources, [where]: JSON.parse(resource.replace(from, to)) };
    return { ...packaged, template: { ...packaged.template, Resources } };
  }

  test.each(mistakes)("%s", async (...mistake) => {
    expect(checkTemplate(withMistake(mistake))).toContainEqual(expect.stringMatching(mistake[4]));
  });

  test.each(handlerMistakes)("%s", async (...mistake) => {
    expect(await checkPackaged(withMistake(mistake))).toEqual([expect.stringMatching(mistake[4])]);
  });

  test("a bundle that is too large", () => {
    const bundles = packaged.bundles.map((one) => (one.name === "health" ? { ...one, bytes: 300_100 } : one));
    expect(checkTemplate({ ...packaged, bundles })).toEqual([
      expect.stringMatching(/^health: loads 300\.1 KB at its start, expected at most 300 KB/),
    ]);
  });
});

test("with tracing on, each function may send its traces, and with it off, none", async () => {
  const run = await packageStage("prod", parameters, ["--param", "tracing=true"]);
  const withRoleOf = (other: Packaged, one: Packaged): Packaged => {
    const HealthRole = other.template.Resources.HealthRole ?? { Type: "" };
    return { ...one, template: { ...one.template, Resources: { ...one.template.Resources, HealthRole } } };
  };
  try {
    const traced = await readPackaged(run.folder);
    expect(checkTemplate(traced)).toEqual([]);
    expect(checkTemplate(withRoleOf(packaged, traced))).toEqual([
      "health: its role lacks xray:PutTraceSegments on *, which Lambda (traces) needs",
      "health: its role lacks xray:PutTelemetryRecords on *, which Lambda (traces) needs",
    ]);
    expect(checkTemplate(withRoleOf(traced, packaged))).toEqual([
      "health: its role allows xray:PutTraceSegments on *, which nothing of it calls",
      "health: its role allows xray:PutTelemetryRecords on *, which nothing of it calls",
    ]);
  } finally {
    await run.remove();
  }
});

test("the same commit gives the same bytes", async () => {
  const again = await packageStage("prod", parameters);
  try {
    for (const { name } of packaged.bundles) {
      const [first, second] = await Promise.all(
        [run, again].map(({ folder }) => readFile(join(folder, `${name}.zip`))),
      );
      expect(second?.equals(first ?? Buffer.of()), `${name}.zip`).toBe(true);
    }
  } finally {
    await again.remove();
  }
});
