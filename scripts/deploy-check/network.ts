// Nothing comes in from anywhere but from groups that are named, everything that talks stands in the network, and what
// functions talk to is where their group lets them out to.

import { isProperties, type Properties } from "../../localstack/event-source-mapping/settings.ts";
import { functionsOf, resolve, resourcesOf, type Template } from "./template.ts";

const OPEN = ["CidrIp", "CidrIpv6", "SourcePrefixListId"];

function openings(where: string, rule: unknown): string[] {
  if (!isProperties(rule)) return [];
  return OPEN.filter((name) => rule[name] !== undefined).map(
    (name) =>
      `${where}: lets ${String(rule[name])} in on ${String(rule.FromPort ?? "all ports")}; name a security group`,
  );
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function isInNetwork({ VpcConfig }: Properties): boolean {
  return (
    isProperties(VpcConfig) &&
    list(VpcConfig.SubnetIds).length >= 2 &&
    list(VpcConfig.SecurityGroupIds).length > 0
  );
}

const propertiesIn = (value: unknown): readonly Properties[] => [value].flat().filter(isProperties);

/** A server of the functions': the groups that it stands in, none where it is not the stack's own. */
interface Server {
  readonly name: string;
  readonly port: number;
  readonly groups: readonly unknown[];
}

function serversOf(template: Template): Server[] {
  const all = (type: string) => resourcesOf(template, type).map(([, properties]) => properties);
  const ports = functionsOf(template).flatMap(({ environment: { POSTGRES_PORT: port } }) => port ?? []);
  return [
    {
      name: "Kafka",
      port: 9098,
      groups: [
        ...all("AWS::MSK::ServerlessCluster").flatMap(({ VpcConfigs }) => propertiesIn(VpcConfigs)),
        ...all("AWS::MSK::Cluster").flatMap(({ BrokerNodeGroupInfo }) => propertiesIn(BrokerNodeGroupInfo)),
      ].flatMap(({ SecurityGroups }) => list(SecurityGroups)),
    },
    ...[...new Set(ports)].map((port) => ({
      name: "PostgreSQL",
      port: Number(port),
      groups: all("AWS::RDS::DBCluster").flatMap(({ VpcSecurityGroupIds }) => list(VpcSecurityGroupIds)),
    })),
  ].map((server) => ({ ...server, groups: list(resolve(template, server.groups)) }));
}

/** Functions get to a server by a rule to a group that it stands in: one of the stack's, or its owner's. */
function checkReach(template: Template): string[] {
  const rules = resourcesOf(template, "AWS::EC2::SecurityGroupEgress").flatMap(([, rule]) =>
    propertiesIn(resolve(template, rule)),
  );
  const sources = functionsOf(template).flatMap(({ properties: { VpcConfig } }) =>
    propertiesIn(resolve(template, VpcConfig)).flatMap(({ SecurityGroupIds }) => list(SecurityGroupIds)),
  );
  const isOf = ({ groups }: Server, group: unknown) =>
    groups.length > 0 ? groups.includes(group) : !(String(group) in template.Resources);
  return serversOf(template).flatMap((server) =>
    [...new Set(sources)]
      .filter(
        (source) =>
          !rules.some(
            ({ GroupId, FromPort, ToPort, DestinationSecurityGroupId: to }) =>
              GroupId === source &&
              Number(FromPort) <= server.port &&
              server.port <= Number(ToPort) &&
              isOf(server, to),
          ),
      )
      .map(
        (source) => `${String(source)}: lets functions out to no group of ${server.name} on ${server.port}`,
      ),
  );
}

export function checkNetwork(template: Template): string[] {
  return [
    ...resourcesOf(template, "AWS::EC2::SecurityGroup").flatMap(([id, { SecurityGroupIngress }]) =>
      list(SecurityGroupIngress).flatMap((rule) => openings(id, rule)),
    ),
    ...resourcesOf(template, "AWS::EC2::SecurityGroupIngress").flatMap(([id, rule]) => openings(id, rule)),
    ...resourcesOf(template, "AWS::RDS::DBInstance")
      .filter(([, { PubliclyAccessible }]) => PubliclyAccessible !== false)
      .map(([id]) => `${id}: PubliclyAccessible has to be false`),
    ...functionsOf(template)
      .filter(({ properties }) => !isInNetwork(properties))
      .map(({ key }) => `${key}: is not in the network: it reaches neither Kafka nor PostgreSQL`),
    ...checkReach(template),
  ];
}
