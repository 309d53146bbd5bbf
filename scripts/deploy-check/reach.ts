// Who has to talk to whom may, by the groups at both ends, and nobody else: functions to Kafka, PostgreSQL and AWS services,
// and the triggers' pollers, which stand in the cluster's own group, to the brokers and the failures' queue. What stands in
// its owner's groups is let in by its owner.

import { isProperties, type Properties } from "../../localstack/event-source-mapping/settings.ts";
import { allowedBy } from "./permissions.ts";
import { type FunctionView, functionsOf, resolve, resourcesOf, type Template } from "./template.ts";

const KAFKA_PORT = 9098; // TLS and IAM
const HTTPS_PORT = 443;

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const propertiesIn = (value: unknown): readonly Properties[] => [value].flat().filter(isProperties);

/** What is listened to: in which groups, none where it is not the stack's own. */
interface Server {
  readonly name: string;
  readonly port: number;
  readonly groups: readonly string[];
}

/** Who has to get there, or must not: from which groups. */
interface Way {
  readonly who: string;
  readonly from: readonly string[];
  readonly server: Server;
}

const groupsIn = (template: Template, groups: unknown): string[] =>
  list(resolve(template, groups)).map(String);

function kafkaOf(template: Template): Server {
  const all = (type: string) => resourcesOf(template, type).map(([, properties]) => properties);
  const groups = [
    ...all("AWS::MSK::ServerlessCluster").flatMap(({ VpcConfigs }) => propertiesIn(VpcConfigs)),
    ...all("AWS::MSK::Cluster").flatMap(({ BrokerNodeGroupInfo }) => propertiesIn(BrokerNodeGroupInfo)),
  ].flatMap(({ SecurityGroups }) => groupsIn(template, SecurityGroups));
  return { name: "Kafka", port: KAFKA_PORT, groups };
}

function databaseOf(template: Template): Server {
  const port = functionsOf(template).find(({ environment }) => environment.POSTGRES_PORT);
  const groups = resourcesOf(template, "AWS::RDS::DBCluster").flatMap(([, { VpcSecurityGroupIds }]) =>
    groupsIn(template, VpcSecurityGroupIds),
  );
  return { name: "PostgreSQL", port: Number(port?.environment.POSTGRES_PORT), groups };
}

/** What is reached at addresses that are nobody's to name: S3 by its gateway, a service as a network that exists has it. */
const anywhere = (name: string): Server => ({ name, port: HTTPS_PORT, groups: ["any address"] });

/** The interface endpoint of a service, where the network is the stack's own. */
const endpointsOf = (template: Template, service: string): Server[] =>
  resourcesOf(template, "AWS::EC2::VPCEndpoint")
    .filter(([, { ServiceName, VpcEndpointType }]) => {
      const name = String(resolve(template, ServiceName));
      return VpcEndpointType === "Interface" && name.endsWith(`.${service}`);
    })
    .map(([id, { SecurityGroupIds }]) => ({
      name: id,
      port: HTTPS_PORT,
      groups: groupsIn(template, SecurityGroupIds),
    }));

/** What each function talks to itself; a trigger's function is given its records, a step of the deployment answers by S3. */
function needsOf(template: Template, view: FunctionView) {
  const allowed = [...allowedBy(template, view)];
  const names = (resource: Properties, property: string) =>
    JSON.stringify(resource[property])?.includes(`"${view.id}"`) ?? false;
  const isTriggered = resourcesOf(template, "AWS::Lambda::EventSourceMapping").some(([, mapping]) =>
    names(mapping, "FunctionName"),
  );
  return {
    kafka: !isTriggered && allowed.some((one) => one.startsWith("kafka:GetBootstrapBrokers ")),
    database: view.environment.POSTGRES_HOST !== undefined,
    storage: Object.values(template.Resources).some(
      ({ Type, Properties: properties = {} }) =>
        Type.startsWith("Custom::") && names(properties, "ServiceToken"),
    ),
  };
}

/** @returns the ways that have to be open, and those that have to be shut */
function waysOf(template: Template): { readonly open: readonly Way[]; readonly shut: readonly Way[] } {
  const [kafka, database] = [kafkaOf(template), databaseOf(template)];
  const endpoints = endpointsOf(template, "kafka");
  const apis = endpoints.length > 0 ? endpoints : [anywhere("MSK's API")];
  const ways = functionsOf(template).flatMap((view) => {
    const from = propertiesIn(view.properties.VpcConfig).flatMap(({ SecurityGroupIds }) =>
      groupsIn(template, SecurityGroupIds),
    );
    const needs = needsOf(template, view);
    const to = (server: Server, isNeeded: boolean) => ({ way: { who: view.key, from, server }, isNeeded });
    return [
      to(kafka, needs.kafka),
      to(database, needs.database),
      ...(needs.kafka ? apis : []).map((server) => to(server, true)),
      ...(needs.storage ? [to(anywhere("S3"), true)] : []),
    ];
  });
  const ofPollers = [kafka, ...endpointsOf(template, "sqs")];
  return {
    open: [
      ...ways.filter(({ isNeeded }) => isNeeded).map(({ way }) => way),
      ...kafka.groups.flatMap((group) =>
        ofPollers.map((server) => ({ who: "pollers", from: [group], server })),
      ),
    ],
    shut: ways.filter(({ isNeeded }) => !isNeeded).map(({ way }) => way),
  };
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
  IpProtocol === "tcp" && Number(FromPort) <= port && port <= Number(ToPort);

/** The server's groups that are let out to, by any of the groups; one that is not the stack's own is told by its rule. */
function reachedBy(template: Template, { from, server: { port, groups } }: Way): string[] {
  const out = rulesOf(template, "Egress").filter(
    (rule) => from.includes(String(rule.GroupId)) && isOn(rule, port),
  );
  const destinations = out.map(({ DestinationSecurityGroupId: to }) => String(to));
  if (groups.length === 0) return destinations.filter((to) => !(to in template.Resources));
  // A group without rules for what goes out lets everything out.
  const isOpen = from.some(
    (group) => list(template.Resources[group]?.Properties?.SecurityGroupEgress).length === 0,
  );
  const isAnywhere = isOpen || out.some((rule) => rule.CidrIp === "0.0.0.0/0");
  return groups.filter((to) => isAnywhere || destinations.includes(to));
}

function isLetIn(template: Template, { from, server: { port } }: Way, to: string): boolean {
  if (!(to in template.Resources)) return true;
  return rulesOf(template, "Ingress").some(
    (rule) => rule.GroupId === to && isOn(rule, port) && from.includes(String(rule.SourceSecurityGroupId)),
  );
}

function checkOpen(template: Template, way: Way): string[] {
  const { who, from, server } = way;
  const reached = reachedBy(template, way);
  if (reached.length === 0)
    return [`${who}: ${from.join(", ")} let out to no group of ${server.name} on ${server.port}`];
  return reached.some((to) => isLetIn(template, way, to))
    ? []
    : [
        `${who}: ${reached.join(", ")} of ${server.name} lets none of ${from.join(", ")} in on ${server.port}`,
      ];
}

const checkShut = (template: Template, way: Way): string[] =>
  reachedBy(template, way).length === 0
    ? []
    : [`${way.who}: ${way.from.join(", ")} let out to ${way.server.name}, to which it has nothing to say`];

export function checkReach(template: Template): string[] {
  const { open, shut } = waysOf(template);
  return [
    ...open.flatMap((way) => checkOpen(template, way)),
    ...shut.flatMap((way) => checkShut(template, way)),
  ];
}
