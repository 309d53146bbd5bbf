// CloudFormation waits for a step of the deployment longer than its function may take: else the reason of one that fails is
// that nobody answered, and the deployment goes back while the function still works.

import { functionsOf, type Template } from "./template.ts";

export function checkSteps(template: Template): string[] {
  const functions = functionsOf(template);
  return Object.entries(template.Resources)
    .filter(([, { Type }]) => Type.startsWith("Custom::"))
    .flatMap(([id, { Properties: { ServiceToken, ServiceTimeout } = {} }]) => {
      const name = JSON.stringify(ServiceToken);
      const step = functions.find((one) => name.includes(`"${one.id}"`));
      if (step === undefined) return [`${id}: is done by no function of this stack`];
      const timeout = Number(step.properties.Timeout);
      return Number(ServiceTimeout) > timeout
        ? []
        : [`${id}: is waited for ${String(ServiceTimeout)} s, and ${step.key} may take ${timeout} s`];
    });
}
