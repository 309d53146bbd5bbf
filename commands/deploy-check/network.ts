// Nothing comes in from anywhere but from groups that are named, everything that talks stands in the network, and EC2 takes
// what the groups say of themselves.

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

/** All that EC2 takes in a description of a group or a rule: else its creation fails, and the deployment with it. */
const DESCRIPTION = /^[a-zA-Z0-9. _\-:/()#,@[\]+=&;{}!$*]{0,255}$/;

function descriptionsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(descriptionsIn);
  if (!isProperties(value)) return [];
  return Object.entries(value).flatMap(([name, one]) =>
    /^(Group)?Description$/.test(name) ? [String(one)] : descriptionsIn(one),
  );
}

function checkDescriptions(template: Template): string[] {
  return Object.entries(template.Resources)
    .filter(([, { Type }]) => Type.startsWith("AWS::EC2::"))
    .flatMap(([id, { Properties }]) =>
      descriptionsIn(resolve(template, Properties)).map((text) => [id, text]),
    )
    .filter(([, text = ""]) => !DESCRIPTION.test(text))
    .map(
      ([id, text]) =>
        `${id}: EC2 refuses the description "${text}": at most 255 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*`,
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
    ...checkDescriptions(template),
  ];
}
