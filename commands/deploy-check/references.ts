// Every Ref, GetAtt, Sub and DependsOn names something that is there. cfn-lint says the same, but of the one stage that
// `deploy:check` packages; the tests ask this of each way to deploy, and have no Python.

import { isProperties } from "../../localstack/event-source-mapping/settings.ts";
import { isPseudoParameter, type Template } from "./template.ts";

function namesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(namesIn);
  if (!isProperties(value)) return [];
  return Object.entries(value).flatMap(([key, one]): string[] => {
    if (key === "Ref") return [String(one)];
    if (key === "Fn::GetAtt") return [String(Array.isArray(one) ? one[0] : one).split(".")[0] ?? ""];
    if (key === "Fn::Sub" && typeof one === "string")
      return [...one.matchAll(/\$\{([^!}.]+)(\.[^}]+)?\}/g)].map((match) => match[1] ?? "");
    return namesIn(one);
  });
}

export function checkReferences({ Resources, Outputs = {} }: Template): string[] {
  const isThere = (name: string) => name in Resources || isPseudoParameter(name);
  const missing = (where: string, names: readonly string[]) =>
    [...new Set(names)]
      .filter((name) => !isThere(name))
      .map((name) => `${where}: refers to ${name}, which is not there`);
  return [
    ...Object.entries(Resources).flatMap(([id, { Properties, DependsOn = [] }]) =>
      missing(id, [...namesIn(Properties), ...[DependsOn].flat().map(String)]),
    ),
    ...Object.entries(Outputs).flatMap(([id, output]) => missing(`Outputs.${id}`, namesIn(output))),
  ];
}
