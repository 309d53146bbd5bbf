// Steps of the deployment. CloudFormation waits for one longer than its function may take: else the reason of one that
// fails is that nobody answered, and the deployment goes back while the function still works. And it runs one again only
// when its properties change: so the server that a step works on is one of them, or another would be left as it is.

import type { Properties } from "../../localstack/event-source-mapping/settings.ts";
import { type FunctionView, functionsOf, refersTo, resolve, type Template } from "./template.ts";

function checkTimeout(id: string, { ServiceTimeout }: Properties, step: FunctionView): string[] {
  const timeout = Number(step.properties.Timeout);
  return Number(ServiceTimeout) > timeout
    ? []
    : [`${id}: is waited for ${String(ServiceTimeout)} s, and ${step.key} may take ${timeout} s`];
}

function checkServer(
  template: Template,
  id: string,
  properties: Properties,
  { key, environment }: FunctionView,
): string[] {
  const variable = environment.POSTGRES_HOST === undefined ? "MSK_CLUSTER_ARN" : "POSTGRES_HOST";
  const values = Object.values(properties).map((value) => resolve(template, value));
  return values.includes(environment[variable])
    ? []
    : [`${id}: does not name its server (${key}'s ${variable}), and would not run for another one`];
}

export function checkSteps(template: Template): string[] {
  const functions = functionsOf(template);
  return Object.entries(template.Resources)
    .filter(([, { Type }]) => Type.startsWith("Custom::"))
    .flatMap(([id, { Properties: properties = {} }]) => {
      const step = functions.find((one) => refersTo(properties.ServiceToken, one));
      if (step === undefined) return [`${id}: is done by no function of this stack`];
      return [...checkTimeout(id, properties, step), ...checkServer(template, id, properties, step)];
    });
}
