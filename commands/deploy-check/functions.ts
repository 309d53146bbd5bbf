// The functions themselves: runtime, time-outs, logs that end, no secret in a variable, and a budget of connections.

import { PEOPLES_CONNECTIONS } from "../../infra/connections.cjs";
import { isProperties, type Properties } from "../../localstack/event-source-mapping/settings.ts";
import { type FunctionView, functionsOf, refersTo, resourcesOf, type Template } from "./template.ts";

/** API Gateway gives up then. */
const HTTP_LIMIT_SECONDS = 30;
const SECRET = /TOKEN|SECRET|PRIVATE/;

function checkOne({ key, properties, environment }: FunctionView, isHttp: boolean): string[] {
  const architecture = Array.isArray(properties.Architectures) ? properties.Architectures[0] : "x86_64";
  return [
    ...(properties.Runtime === "nodejs24.x"
      ? []
      : [`${key}: runs on ${String(properties.Runtime)}, was tested on nodejs24.x`]),
    ...(architecture === "arm64" ? [] : [`${key}: is ${String(architecture)}, expected arm64`]),
    ...(isHttp && Number(properties.Timeout) >= HTTP_LIMIT_SECONDS
      ? [
          `${key}: Timeout ${String(properties.Timeout)} s, but API Gateway gives up after ${HTTP_LIMIT_SECONDS} s`,
        ]
      : []),
    ...Object.entries(environment)
      .filter(([name, value]) => SECRET.test(name) && value !== "")
      .map(([name]) => `${key}: ${name} holds a secret in plain sight`),
    ...Object.keys(environment)
      .filter((name) => name.includes("PASSWORD"))
      .map((name) => `${key}: ${name}: nothing that is deployed has a password; leave the variable out`),
  ];
}

/**
 * Aurora's own default: LEAST(memory / 9,531,392 bytes, 5000), by the largest capacity, at 2 GiB a unit; where the least
 * is half a unit or none, at most 2,000 (Aurora User Guide, "Performance and scaling for Aurora Serverless v2").
 */
function connectionLimit({ ServerlessV2ScalingConfiguration: scaling }: Properties): number {
  const units = (capacity: string) => Number(isProperties(scaling) ? scaling[capacity] : Number.NaN);
  const most = units("MinCapacity") <= 0.5 ? 2000 : 5000;
  return Math.min(most, Math.floor((units("MaxCapacity") * 2 * 2 ** 30) / 9_531_392));
}

/** It rings where there are more than are planned: at fewer it would ring for ever, at more too late. */
function checkConnectionsAlarm(template: Template, wanted: number): string[] {
  return resourcesOf(template, "AWS::CloudWatch::Alarm")
    .filter(
      ([, { Metrics, Threshold }]) =>
        JSON.stringify(Metrics).includes('"DatabaseConnections"') &&
        Number(Threshold) !== wanted + PEOPLES_CONNECTIONS,
    )
    .map(
      ([id, { Threshold }]) =>
        `${id}: rings above ${String(Threshold)} connections, but functions may open ${wanted}, and ${PEOPLES_CONNECTIONS} are for people; see infra/connections.cjs`,
    );
}

/** A running function with the database holds one connection; a fifth is left to people, the audit and maintenance. */
function checkConnections(template: Template): string[] {
  const users = functionsOf(template).filter(({ environment }) => environment.POSTGRES_HOST !== undefined);
  const unbounded = users.filter(
    ({ properties }) => typeof properties.ReservedConcurrentExecutions !== "number",
  );
  if (unbounded.length > 0)
    return unbounded.map(
      ({ key }) => `${key}: has no reservedConcurrency: it may take all connections of the database`,
    );
  const wanted = users.reduce(
    (sum, { properties }) => sum + Number(properties.ReservedConcurrentExecutions),
    0,
  );
  const tooMany = resourcesOf(template, "AWS::RDS::DBCluster")
    .map(([id, cluster]): [string, number] => [id, Math.floor(connectionLimit(cluster) * 0.8)])
    .filter(([, limit]) => !(wanted <= limit))
    .map(
      ([id, limit]) =>
        `${id}: functions may open ${wanted} connections, and ${limit} are for them: raise databaseMaxCapacity`,
    );
  return [...tooMany, ...checkConnectionsAlarm(template, wanted)];
}

export function checkFunctions(template: Template): string[] {
  const integrations = resourcesOf(template, "AWS::ApiGatewayV2::Integration");
  return [
    ...functionsOf(template).flatMap((one) => checkOne(one, refersTo(integrations, one))),
    ...resourcesOf(template, "AWS::Logs::LogGroup")
      .filter(([, { RetentionInDays }]) => typeof RetentionInDays !== "number")
      .map(([id]) => `${id}: keeps its logs for ever; set RetentionInDays`),
    ...checkConnections(template),
  ];
}
