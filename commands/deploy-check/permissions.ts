// The table of who may do what, held against the code: what a function's bundle calls is allowed, and what is allowed is
// called. A module that talks to AWS or Kafka and is not in the table fails the check.

import { readFileSync } from "node:fs";
import { isProperties } from "../../localstack/event-source-mapping/settings.ts";
import type { Bundle } from "../build/index.ts";
import {
  ACCOUNT,
  type FunctionView,
  functionsOf,
  REGION,
  refersTo,
  resolve,
  resourcesOf,
  type Template,
} from "./template.ts";
import { functionSource, topicVariable } from "./triggers.ts";

/** `action on resource` → who needs it. */
type Needs = Map<string, string>;

interface Caller extends FunctionView {
  /** Resource id. */
  readonly database: string;
  readonly cluster: string;
  readonly topics: readonly string[];
  /** Topics that it is made for; all, where its source names none. */
  readonly ownTopics: readonly string[];
}

type Table = Readonly<
  Record<string, (caller: Caller) => readonly (readonly [action: string, resources: readonly string[]])[]>
>;

const topicArn = (cluster: string) => (topic: string) =>
  `${cluster.replace(":cluster/", ":topic/")}/${topic}`;

const groupArn = (cluster: string) => (group: string) =>
  `${cluster.replace(":cluster/", ":group/")}/${group}`;

const groupsOf = (environment: Caller["environment"]) =>
  Object.entries(environment).flatMap(([name, value]) =>
    name.startsWith("KAFKA_GROUP_") ? [String(value)] : [],
  );

/** What each module that talks to AWS or Kafka calls. */
const calls: Table = {
  "lib/kafka/brokers.ts": ({ cluster }) => [["kafka:GetBootstrapBrokers", [cluster]]],
  "lib/kafka/client.ts": ({ cluster }) => [["kafka-cluster:Connect", [cluster]]],
  "lib/kafka/request-queue.ts": () => [],
  "lib/kafka/cluster-check.ts": () => [], // ApiVersions, and Metadata of no topic: whoever may connect may ask
  "lib/kafka/epochs.ts": ({ cluster, topics }) => [
    ["kafka-cluster:DescribeTopic", topics.map(topicArn(cluster))],
  ],
  "lib/kafka/produce.ts": ({ cluster, ownTopics }) => [
    ["kafka-cluster:WriteDataIdempotently", [cluster]],
    ["kafka-cluster:DescribeTopic", ownTopics.map(topicArn(cluster))],
    ["kafka-cluster:WriteData", ownTopics.map(topicArn(cluster))],
  ],
  "lib/kafka/offsets.ts": ({ cluster, topics }) => [
    ["kafka-cluster:DescribeTopic", topics.map(topicArn(cluster))],
  ],
  "lib/kafka/groups.ts": ({ cluster, topics, environment }) => [
    ["kafka-cluster:DescribeTopic", topics.map(topicArn(cluster))],
    ["kafka-cluster:DescribeTopicDynamicConfiguration", topics.map(topicArn(cluster))],
    ["kafka-cluster:DescribeGroup", groupsOf(environment).map(groupArn(cluster))],
  ],
  "lib/kafka/admin.ts": () => [],
  "lib/kafka/archive.ts": ({ cluster, topics }) => [
    ["kafka-cluster:DescribeTopic", topics.map(topicArn(cluster))],
    ["kafka-cluster:ReadData", topics.map(topicArn(cluster))],
  ],
  "lib/kafka/topics.ts": ({ cluster, topics }) => [
    ["kafka-cluster:DescribeTopic", topics.map(topicArn(cluster))],
    ["kafka-cluster:CreateTopic", topics.map(topicArn(cluster))],
  ],
  "lib/postgres/login-token.ts": ({ database, environment }) => [
    [
      "rds-db:connect",
      [`arn:aws:rds-db:${REGION}:${ACCOUNT}:dbuser:${database}/${String(environment.POSTGRES_USER)}`],
    ],
  ],
};

const CLIENTS =
  /^import (?!type)[^;]*? from "(@aws-sdk\/|@smithy\/|kafkajs|@platformatic\/kafka|aws-msk-iam)|import\("(@aws-sdk\/|@smithy\/|kafkajs|@platformatic\/kafka|aws-msk-iam)/m;

const interfaces = [
  "CreateNetworkInterface",
  "DescribeNetworkInterfaces",
  "DeleteNetworkInterface",
  "DescribeSubnets",
];
const addresses = ["AssignPrivateIpAddresses", "UnassignPrivateIpAddresses"];
const ofTrigger = ["DescribeVpcs", "DescribeSecurityGroups"];

function add(needs: Needs, who: string, actions: readonly string[], resources: readonly string[]): void {
  for (const action of actions) for (const resource of resources) needs.set(`${action} on ${resource}`, who);
}

function addLambda(needs: Needs, { properties, key }: FunctionView): void {
  const group = `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/aws/lambda/${String(properties.FunctionName)}:*`;
  add(needs, "Lambda (logs)", ["logs:CreateLogStream", "logs:PutLogEvents"], [group]);
  if (properties.VpcConfig !== undefined)
    add(
      needs,
      `Lambda (${key} is in the network)`,
      [...interfaces, ...addresses].map((name) => `ec2:${name}`),
      ["*"],
    );
  if (isProperties(properties.TracingConfig) && properties.TracingConfig.Mode === "Active")
    add(needs, "Lambda (traces)", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"]);
}

function addTrigger(needs: Needs, declared: unknown): void {
  if (!isProperties(declared)) return;
  const cluster = String(declared.EventSourceArn);
  const { Topics, AmazonManagedKafkaEventSourceConfig: config, DestinationConfig: destinations } = declared;
  const who = "the trigger";
  add(
    needs,
    who,
    ["kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers", "kafka-cluster:Connect"],
    [cluster],
  );
  if (!/-s\d+$/.test(cluster))
    add(needs, who, ["kafka-cluster:DescribeClusterDynamicConfiguration"], [cluster]);
  add(
    needs,
    who,
    [...interfaces, ...ofTrigger].map((name) => `ec2:${name}`),
    ["*"],
  );
  const topics = Array.isArray(Topics) ? Topics.map(String) : [];
  add(needs, who, ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"], topics.map(topicArn(cluster)));
  const group = isProperties(config) ? String(config.ConsumerGroupId) : "*";
  add(needs, who, ["kafka-cluster:DescribeGroup", "kafka-cluster:AlterGroup"], [groupArn(cluster)(group)]);
  const failure = isProperties(destinations) ? destinations.OnFailure : undefined;
  if (isProperties(failure)) add(needs, who, ["sqs:SendMessage"], [String(failure.Destination)]);
}

function callerOf(view: FunctionView, template: Template): Caller {
  const { environment } = view;
  const [migration] = resourcesOf(template, "Custom::DatabaseMigration");
  const stream = /readTopics\(process\.env\)\.(\w+)/.exec(functionSource(view.key))?.[1];
  const topics = [...topicVariable.values()].map((variable) => environment[variable] ?? "");
  return {
    ...view,
    cluster: environment.MSK_CLUSTER_ARN ?? "",
    database: String(resolve(template, migration?.[1].Database)),
    topics,
    ownTopics: stream === undefined ? topics : [environment[topicVariable.get(stream) ?? ""] ?? ""],
  };
}

function addCode(needs: Needs, caller: Caller, bundle: Bundle): string[] {
  return bundle.sources.flatMap((source) => {
    const called = calls[source];
    for (const [action, resources] of called?.(caller) ?? []) add(needs, source, [action], resources);
    if (
      called !== undefined ||
      !/^(lib|functions)\//.test(source) ||
      !CLIENTS.test(readFileSync(source, "utf8"))
    )
      return [];
    return [
      `${source}: talks to AWS or Kafka, and commands/deploy-check/permissions.ts does not say what it calls`,
    ];
  });
}

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: string | string[];
  readonly Condition?: unknown;
}

/** The statements of a function's own role. @throws Error where it has none */
function statementsOf(template: Template, { id, properties }: FunctionView): Statement[] {
  const roleId = JSON.stringify(properties.Role).match(/"([^"]*Role)"/)?.[1] ?? "";
  const policies: unknown = resolve(template, template.Resources[roleId]?.Properties?.Policies);
  const statements = (Array.isArray(policies) ? policies : []).flatMap((policy: unknown) => {
    const document = isProperties(policy) ? policy.PolicyDocument : undefined;
    return isProperties(document) && Array.isArray(document.Statement) ? document.Statement : [];
  });
  if (statements.length === 0) throw new Error(`${id}: has no role of its own`);
  return statements;
}

/** What a function's own role allows, as `action on resource`. */
export function allowedBy(template: Template, view: FunctionView): Set<string> {
  return new Set(
    statementsOf(template, view)
      .filter(({ Effect }) => Effect === "Allow")
      .flatMap(({ Action, Resource }) =>
        [Action].flat().flatMap((action) => [Resource].flat().map((resource) => `${action} on ${resource}`)),
      ),
  );
}

/** Lambda makes network interfaces in a function's name; its code, which callers talk to, must not. */
function checkDenied(template: Template, view: FunctionView): string[] {
  const self = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${String(view.properties.FunctionName)}`;
  const denied = statementsOf(template, view)
    .filter(({ Effect, Resource }) => Effect === "Deny" && Resource === "*")
    .filter(({ Condition }) => JSON.stringify(Condition).includes(`"${self}"`))
    .flatMap(({ Action }) => Action);
  return [...interfaces, ...addresses]
    .filter((name) => !denied.includes(`ec2:${name}`))
    .map((name) => `${view.key}: its own code may call ec2:${name}, which only Lambda has to`);
}

export function checkPermissions(template: Template, bundles: readonly Bundle[]): string[] {
  const mappings = resourcesOf(template, "AWS::Lambda::EventSourceMapping");
  return functionsOf(template).flatMap((view) => {
    const needs: Needs = new Map();
    addLambda(needs, view);
    const triggers = mappings.filter(([, { FunctionName }]) => refersTo(FunctionName, view));
    for (const [, properties] of triggers) addTrigger(needs, resolve(template, properties));
    const bundle = bundles.find(({ name }) => name === view.key);
    if (bundle === undefined) return [`${view.key}: has no bundle of this name`];
    const unknown = addCode(needs, callerOf(view, template), bundle);
    const allowed = allowedBy(template, view);
    return [
      ...unknown,
      ...(triggers.length === 0 ? checkDenied(template, view) : []),
      ...[...needs]
        .filter(([need]) => !allowed.has(need))
        .map(([need, who]) => `${view.key}: its role lacks ${need}, which ${who} needs`),
      ...[...allowed]
        .filter((one) => !needs.has(one))
        .map((one) => `${view.key}: its role allows ${one}, which nothing of it calls`),
    ];
  });
}
