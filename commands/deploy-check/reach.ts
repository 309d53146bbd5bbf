// Who has to talk to whom may, by the security groups at both ends, and nobody else: functions to Kafka, PostgreSQL and AWS
// services, and the triggers' pollers, which stand in the cluster's own group, to the brokers and the failures' queue. What
// stands in its owner's groups is let in by its owner.

import { isProperties, type Properties } from "../../localstack/event-source-mapping/settings.ts";
import { allowedBy } from "./permissions.ts";
import { type FunctionView, functionsOf, refersTo, resolve, resourcesOf, type Template } from "./template.ts";

const KAFKA_PORT = 9098; // TLS and IAM
const HTTPS_PORT = 443;

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const propertiesIn = (value: unknown): readonly Properties[] => [value].flat().filter(isProperties);

interface Server {
  readonly name: string;
  readonly port: number;
  /** It stands in these. None: in its owner's. Null: at addresses that nobody can name. */
  readonly groups: readonly string[] | null;
}

/** Who has to get there, or must not: from which groups. */
interface Way {
  readonly who: string;
  readonly from: readonly string[];
  readonly server: Server;
  readonly isNeeded: boolean;
}

const groupsIn = (template: Template, groups: unknown): string[] =>
  list(resolve(template, groups)).map(String);

function kafkaOf(template: Template): Server & { readonly groups: readonly string[] } {
  const all = (type: string) => resourcesOf(template, type).map(([, properties]) => properties);
  const groups = [
    ...all("AWS::MSK::ServerlessCluster").flatMap(({ VpcConfigs }) => propertiesIn(VpcConfigs)),
    ...all("AWS::MSK::Cluster").flatMap(({ BrokerNodeGroupInfo }) => propertiesIn(BrokerNodeGroupInfo)),
  ].flatMap(({ SecurityGroups }) => groupsIn(template, SecurityGroups));
  return { name: "Kafka", port: KAFKA_PORT, groups };
}

function databaseOf(template: Template): Server {
  const user = functionsOf(template).find(({ environment }) => environment.POSTGRES_PORT);
  const groups = resourcesOf(template, "AWS::RDS::DBCluster").flatMap(([, { VpcSecurityGroupIds }]) =>
    groupsIn(template, VpcSecurityGroupIds),
  );
  return { name: "PostgreSQL", port: Number(user?.environment.POSTGRES_PORT), groups };
}

const SERVICES = { api: "kafka-api", storage: "s3", queue: "sqs" } as const;
type ServiceName = (typeof SERVICES)[keyof typeof SERVICES];

function endpointOf(template: Template, service: ServiceName): Properties | undefined {
  return resourcesOf(template, "AWS::EC2::VPCEndpoint").find(([, { ServiceName }]) =>
    String(resolve(template, ServiceName)).endsWith(`.${service}`),
  )?.[1];
}

/** An AWS service at its endpoint in the stack's own network (S3's gateway stands in no group), or as the owner has it. */
function serviceOf(template: Template, service: ServiceName): Server {
  const groups = endpointOf(template, service)?.SecurityGroupIds;
  return {
    name: service,
    port: HTTPS_PORT,
    groups: groups === undefined ? null : groupsIn(template, groups),
  };
}

/** What each function talks to itself; a trigger's function is given its records, a step of the deployment answers by S3. */
function needsOf(template: Template, view: FunctionView) {
  const allowed = [...allowedBy(template, view)];
  const isTriggered = resourcesOf(template, "AWS::Lambda::EventSourceMapping").some(([, { FunctionName }]) =>
    refersTo(FunctionName, view),
  );
  return {
    kafka: !isTriggered && allowed.some((one) => one.startsWith("kafka:GetBootstrapBrokers ")),
    database: view.environment.POSTGRES_HOST !== undefined,
    storage: Object.values(template.Resources).some(
      ({ Type, Properties: properties = {} }) =>
        Type.startsWith("Custom::") && refersTo(properties.ServiceToken, view),
    ),
  };
}

function waysOf(template: Template): Way[] {
  const [kafka, database] = [kafkaOf(template), databaseOf(template)];
  const services: Server = { name: "AWS services", port: HTTPS_PORT, groups: null };
  const ofFunctions = functionsOf(template).flatMap((view) => {
    const from = propertiesIn(view.properties.VpcConfig).flatMap(({ SecurityGroupIds }) =>
      groupsIn(template, SecurityGroupIds),
    );
    const needs = needsOf(template, view);
    const to = (server: Server, isNeeded: boolean): Way => ({ who: view.key, from, server, isNeeded });
    return [
      to(kafka, needs.kafka),
      to(database, needs.database),
      ...(needs.kafka ? [to(serviceOf(template, SERVICES.api), true)] : []),
      ...(needs.storage ? [to(serviceOf(template, SERVICES.storage), true)] : []),
      ...(needs.kafka || needs.storage ? [] : [to(services, false)]),
    ];
  });
  const ofPollers = kafka.groups.flatMap((group) =>
    [kafka, serviceOf(template, SERVICES.queue)].map((server) => ({
      ...{ who: "pollers", from: [group], server, isNeeded: true },
    })),
  );
  return [...ofFunctions, ...ofPollers];
}

/** The rules of all groups, in the groups themselves and beside them. */
function rulesOf(template: Template, direction: "Ingress" | "Egress"): Properties[] {
  const inGroups = resourcesOf(template, "AWS::EC2::SecurityGroup").flatMap(([GroupId, properties]) =>
    propertiesIn(properties[`SecurityGroup${direction}`]).map((rule) => ({ ...rule, GroupId })),
  );
  const beside = resourcesOf(template, `AWS::EC2::SecurityGroup${direction}`).map(([, rule]) => rule);
  return [...inGroups, ...beside].flatMap((rule) => propertiesIn(resolve(template, rule)));
}

const isOn = ({ IpProtocol, FromPort, ToPort }: Properties, port: number) =>
  IpProtocol === "-1" || (IpProtocol === "tcp" && Number(FromPort) <= port && port <= Number(ToPort));

const ADDRESSES = ["CidrIp", "CidrIpv6", "DestinationPrefixListId"];

/** The server's groups that any of these lets out to: of one that is not the stack's own, those that rules name. */
function reachedFrom(template: Template, from: readonly string[], { port, groups }: Server): string[] {
  const out = rulesOf(template, "Egress").filter(
    (rule) => from.includes(String(rule.GroupId)) && isOn(rule, port),
  );
  // A group without rules for what goes out lets everything out.
  const isOpen = from.some(
    (group) => list(template.Resources[group]?.Properties?.SecurityGroupEgress).length === 0,
  );
  const isToAddresses = isOpen || out.some((rule) => ADDRESSES.some((name) => rule[name] !== undefined));
  const named = out.map(({ DestinationSecurityGroupId: to }) => String(to));
  if (groups === null) return isToAddresses ? ["any address"] : [];
  if (groups.length === 0) return named.filter((to) => !(to in template.Resources));
  return groups.filter((to) => isToAddresses || named.includes(to));
}

function sourcesOf(template: Template, group: string, port: number): string[] {
  return rulesOf(template, "Ingress")
    .filter((rule) => rule.GroupId === group && isOn(rule, port))
    .map((rule) => String(rule.SourceSecurityGroupId));
}

function checkWay(template: Template, { who, from, server, isNeeded }: Way): string[] {
  const { name, port } = server;
  const reached = reachedFrom(template, from, server);
  const out = `${who}: of its groups (${from.join(", ")})`;
  if (!isNeeded) return reached.length === 0 ? [] : [`${out} one lets out to ${name}, which it does not use`];
  if (reached.length === 0) return [`${out} none lets out to ${name} on ${port}`];
  const isLetIn = (to: string) =>
    !(to in template.Resources) || sourcesOf(template, to, port).some((group) => from.includes(group));
  return reached.some(isLetIn)
    ? []
    : [`${out} none is let in by ${reached.join(", ")} of ${name} on ${port}`];
}

/** A group that is let in without being let out to there is not the client's that was meant. */
function checkSources(template: Template, servers: readonly Server[]): string[] {
  return servers.flatMap((server) =>
    (server.groups ?? []).flatMap((to) =>
      sourcesOf(template, to, server.port)
        .filter((group) => !reachedFrom(template, [group], server).includes(to))
        .map((group) => `${to}: lets ${group} in on ${server.port}, which is no client of ${server.name}`),
    ),
  );
}

/** Nothing else leads out of the stack's own network. */
function checkEndpoints(template: Template): string[] {
  if (resourcesOf(template, "AWS::EC2::VPC").length === 0) return [];
  return Object.values(SERVICES)
    .filter((service) => endpointOf(template, service) === undefined)
    .map((service) => `Vpc: has no endpoint of ${service}, and no other way there`);
}

export function checkReach(template: Template): string[] {
  const ways = waysOf(template);
  return [
    ...checkEndpoints(template),
    ...ways.flatMap((way) => checkWay(template, way)),
    ...checkSources(template, [kafkaOf(template), databaseOf(template)]),
  ];
}
