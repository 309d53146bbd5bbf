// Who has to talk to whom may, by the groups at both ends: functions to Kafka, PostgreSQL and AWS services, and the triggers'
// pollers, which stand in the cluster's own group, to the brokers. What stands in its owner's groups is let in by its owner.

import { isProperties, type Properties } from "../../localstack/event-source-mapping/settings.ts";
import { functionsOf, resolve, resourcesOf, type Template } from "./template.ts";

const KAFKA_PORT = 9098; // TLS and IAM

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const propertiesIn = (value: unknown): readonly Properties[] => [value].flat().filter(isProperties);

/** What is listened to: in which groups, none where it is not the stack's own. */
interface Server {
  readonly name: string;
  readonly port: number;
  readonly groups: readonly string[];
}

/** Who has to get there: from which group. */
interface Way {
  readonly who: string;
  readonly from: string;
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

function databasesOf(template: Template): Server[] {
  const ports = functionsOf(template).flatMap(({ environment: { POSTGRES_PORT: port } }) => port ?? []);
  const groups = resourcesOf(template, "AWS::RDS::DBCluster").flatMap(([, { VpcSecurityGroupIds }]) =>
    groupsIn(template, VpcSecurityGroupIds),
  );
  return [...new Set(ports)].map((port) => ({ name: "PostgreSQL", port: Number(port), groups }));
}

const endpointsOf = (template: Template): Server[] =>
  resourcesOf(template, "AWS::EC2::VPCEndpoint")
    .filter(([, { VpcEndpointType }]) => VpcEndpointType === "Interface")
    .map(([id, { SecurityGroupIds }]) => ({
      name: id,
      port: 443,
      groups: groupsIn(template, SecurityGroupIds),
    }));

function waysOf(template: Template): Way[] {
  const kafka = kafkaOf(template);
  const sources = functionsOf(template).flatMap(({ properties: { VpcConfig } }) =>
    propertiesIn(VpcConfig).flatMap(({ SecurityGroupIds }) => groupsIn(template, SecurityGroupIds)),
  );
  return [
    ...[...new Set(sources)].flatMap((from) =>
      [kafka, ...databasesOf(template), ...endpointsOf(template)].map((server) => ({
        who: "functions",
        from,
        server,
      })),
    ),
    ...kafka.groups.map((from) => ({ who: "pollers", from, server: kafka })),
  ];
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

function checkWay(template: Template, { who, from, server }: Way): string[] {
  const { name, port } = server;
  const isOwn = (group: string) => group in template.Resources;
  const out = rulesOf(template, "Egress").filter((rule) => rule.GroupId === from && isOn(rule, port));
  const groups =
    server.groups.length > 0
      ? server.groups
      : out.map(({ DestinationSecurityGroupId: to }) => String(to)).filter((to) => !isOwn(to));
  // A group without rules for what goes out lets everything out.
  const isOpen = list(template.Resources[from]?.Properties?.SecurityGroupEgress).length === 0;
  const reached = groups.filter(
    (to) =>
      isOpen || out.some((rule) => rule.DestinationSecurityGroupId === to || rule.CidrIp === "0.0.0.0/0"),
  );
  if (reached.length === 0) return [`${from}: lets ${who} out to no group of ${name} on ${port}`];
  const comesIn = (to: string) =>
    !isOwn(to) ||
    rulesOf(template, "Ingress").some(
      (rule) => rule.GroupId === to && isOn(rule, port) && rule.SourceSecurityGroupId === from,
    );
  return reached.some(comesIn)
    ? []
    : [`${reached.join(", ")}: does not let ${from} in on ${port}: ${who} do not reach ${name}`];
}

export function checkReach(template: Template): string[] {
  return waysOf(template).flatMap((way) => checkWay(template, way));
}
