// Nothing comes in from anywhere but from groups that are named, and everything that talks stands in the network.

import { isProperties, type Properties } from "../../localstack/event-source-mapping/settings.ts";
import { functionsOf, resourcesOf, type Template } from "./template.ts";

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
  ];
}
