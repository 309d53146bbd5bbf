// An alarm that takes silence for a fault is made after the schedule of the function that it listens to: before it, silence
// is no fault, and the first deployment takes half an hour.

import { functionsOf, refersTo, resourcesOf, type Template } from "./template.ts";

export function checkAlarms(template: Template): string[] {
  const rules = resourcesOf(template, "AWS::Events::Rule");
  return resourcesOf(template, "AWS::CloudWatch::Alarm")
    .filter(([, { TreatMissingData }]) => TreatMissingData === "breaching")
    .flatMap(([alarmId, { Metrics }]) => {
      const metrics = JSON.stringify(Metrics);
      const before = [template.Resources[alarmId]?.DependsOn].flat();
      return functionsOf(template)
        .filter(({ properties }) => metrics.includes(`"${String(properties.FunctionName)}"`))
        .flatMap((view) =>
          rules.some(([rule, { Targets }]) => before.includes(rule) && refersTo(Targets, view))
            ? []
            : [
                `${alarmId}: rings while ${view.key} has no schedule yet; let it depend on the schedule's rule`,
              ],
        );
    });
}
