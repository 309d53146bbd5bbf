// The triggers: what AWS would refuse (asked of the local triggers' own reader), and the topics that the code means.

import { readFileSync } from "node:fs";
import { streamSettings } from "../../lib/streams/declared.ts";
import { isProperties, MappingError, readSettings } from "../../localstack/event-source-mapping/settings.ts";
import { type FunctionView, functionsOf, refersTo, resolve, resourcesOf, type Template } from "./template.ts";

/** The variable with a stream's topic. */
export const topicVariable: ReadonlyMap<string, string> = new Map(
  Object.entries(streamSettings).map(([stream, { topicVariable }]) => [stream, topicVariable]),
);

export const functionSource = (key: string) => readFileSync(`functions/${key}/index.ts`, "utf8");

function meantTopic({ key, environment }: FunctionView): string | undefined {
  const stream = /aggregate\(streamOf\((\w+)Rules/.exec(functionSource(key))?.[1] ?? "";
  return environment[topicVariable.get(stream) ?? ""];
}

function createdTopics(template: Template): string[] {
  return resourcesOf(template, "Custom::KafkaTopics").flatMap(([, { Topics }]) =>
    (Array.isArray(Topics) ? Topics : []).map((topic: unknown) =>
      String(isProperties(topic) ? topic.Name : ""),
    ),
  );
}

function checkOne(id: string, mapped: FunctionView, declared: unknown, created: readonly string[]): string[] {
  const properties = isProperties(declared) ? declared : {};
  try {
    const settings = readSettings({
      functionKey: mapped.key,
      functionName: mapped.id,
      where: () => id,
      defaultGroupId: () => "",
      properties,
    });
    const meant = meantTopic(mapped);
    return [
      ...(settings.topic === meant
        ? []
        : [`${id}: reads ${settings.topic}, but ${mapped.key} folds ${String(meant)}`]),
      ...(created.includes(settings.topic) ? [] : [`${id}: nobody creates the topic ${settings.topic}`]),
      ...(settings.failureHandling?.destination
        ? []
        : [`${id}: has no failure destination: what fails would be lost`]),
      ...(settings.failureHandling?.bisects
        ? []
        : [`${id}: does not bisect: one bad record would stop its batch`]),
    ];
  } catch (error) {
    if (error instanceof MappingError) return [error.message];
    throw error;
  }
}

export function checkTriggers(template: Template): string[] {
  const functions = functionsOf(template);
  const created = createdTopics(template);
  return resourcesOf(template, "AWS::Lambda::EventSourceMapping").flatMap(([id, properties]) => {
    const mapped = functions.find((one) => refersTo(properties.FunctionName, one));
    if (mapped === undefined) return [`${id}: invokes no function of this stack`];
    return checkOne(id, mapped, resolve(template, properties), created);
  });
}
