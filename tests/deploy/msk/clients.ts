// The packaged functions as clients of a cluster with IAM: each with the access key of an identity, its own or one that
// is allowed less.

import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readPackaged } from "../../../scripts/deploy-check/assertions.ts";
import { allowedBy } from "../../../scripts/deploy-check/permissions.ts";
import { functionsOf, REGION, type Template } from "../../../scripts/deploy-check/template.ts";
import { createDatabase } from "../../integration/database.ts";
import { environmentOf, startAwsAround, unpackFunction } from "../lambda.ts";
import { packageStage, parameters } from "../packaged.ts";
import { startFunction, type WarmFunction } from "../warm-function.ts";
import { type Credentials, type IamCluster, type Identity, startIamCluster } from "./cluster.ts";

export const topics = {
  sensor: "smartgrid-sensor-data",
  consumption: "smartgrid-meter-readings",
  weather: "smartgrid-weather-data",
};

const request = (method: string, path: string, body?: unknown) => ({
  ...{ version: "2.0", rawPath: path, rawQueryString: "", isBase64Encoded: false },
  headers: { "content-type": "application/json", host: "localhost" },
  requestContext: { http: { method, path }, domainName: "localhost", stage: "$default" },
  body: JSON.stringify(body),
});

/** What makes each function do its work. */
const events: Readonly<Record<string, (now: string, answersUrl: string) => unknown>> = {
  "create-topics": (_, answersUrl) => ({
    ...{ RequestType: "Create", ResponseURL: answersUrl, StackId: "stack", LogicalResourceId: "Topics" },
    RequestId: randomUUID(),
    ResourceProperties: { Topics: Object.values(topics).map((Name) => ({ Name, Partitions: "2" })) },
  }),
  "ingest-sensor": (timestamp) =>
    request("POST", "/api/v1/ingest/sensor", {
      ...{ sensor_id: "s1", sensor_type: "voltage", value: 230.5, unit: "V", timestamp },
      location: { lat: 41.33, lon: 19.82 },
    }),
  "ingest-meter": (timestamp) =>
    request("POST", "/api/v1/ingest/meter", {
      ...{ meter_id: "m1", customer_id: "c1", reading: 1.5, unit: "kWh", timestamp },
    }),
  "generate-weather": () => request("POST", "/api/v1/weather/generate", {}),
  "produce-weather": (time) => ({ time }),
  health: () => request("GET", "/ready"),
  "sweep-windows": () => ({}),
};

export const actionsOf = (allowed: readonly string[]) => [
  ...new Set(allowed.flatMap((one) => /^kafka-cluster:(\w+)(?= on )/.exec(one)?.[1] ?? [])),
];

/** The name of a function that is allowed all but one action. */
export const without = (name: string, action: string) => `${name}-without-${action}`;

/** Each function with its policy, and for each of its actions the function without it. */
function identitiesOf(template: Template): Identity[] {
  return functionsOf(template).flatMap((view) => {
    const allowed = [...allowedBy(template, view)];
    const less = actionsOf(allowed).map((action) => ({
      principal: without(view.key, action),
      allowed: allowed.filter((one) => !one.startsWith(`kafka-cluster:${action} on `)),
    }));
    return [{ principal: view.key, allowed }, ...less];
  });
}

export interface IamClients {
  readonly cluster: IamCluster;
  readonly identities: readonly Identity[];
  /** The function in a process of its own, with the template's variables; MSK names the front as the cluster's brokers. */
  start(
    name: string,
    credentials: Credentials,
    more?: Readonly<Record<string, string>>,
  ): Promise<WarmFunction>;
  /** @returns null where the function has done its work, else all that it said */
  failureOf(name: string, running: WarmFunction): Promise<string | null>;
  close(): Promise<void>;
}

/** Packages the stack and starts a cluster with an identity for each function and each function without an action. */
export async function startIamClients(): Promise<IamClients> {
  const [run, database] = await Promise.all([packageStage("prod", parameters), createDatabase()]);
  if (run.code !== 0) throw new Error(run.output);
  const { template } = await readPackaged(run.folder);
  const identities = identitiesOf(template);
  const [folder, cluster] = await Promise.all([
    mkdtemp(join(tmpdir(), "smartgrid-lambda-")),
    startIamCluster(REGION, identities),
  ]);
  const aws = await startAwsAround(cluster.brokers);
  const names = Object.keys(events);
  await Promise.all(names.map((name) => unpackFunction(run.folder, folder, name)));
  return {
    cluster,
    identities,
    start: (name, credentials, more) =>
      startFunction(join(folder, name), name, {
        ...environmentOf(template, name),
        ...database.environment,
        POSTGRES_AUTH: "password",
        POSTGRES_CA_FILE: "",
        AWS_REGION: REGION,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
        AWS_SESSION_TOKEN: credentials.sessionToken,
        AWS_ENDPOINT_URL_KAFKA: aws.url,
        NODE_EXTRA_CA_CERTS: cluster.caFile,
        ...more,
      }),
    async failureOf(name, running) {
      const logged = running.log().length;
      const { answer, error } = await running.invoke(
        events[name]?.(new Date().toISOString(), `${aws.url}/answer`),
      );
      const step = name === "create-topics" ? aws.answers.at(-1) : undefined;
      const isRefused = /"statusCode":[^2]/.test(JSON.stringify(answer) ?? "");
      if (error === undefined && step?.Status !== "FAILED" && !isRefused) return null;
      return JSON.stringify([error, answer, step, running.log().slice(logged)]);
    },
    async close() {
      await Promise.all([cluster.close(), database.close(), aws.close(), run.remove()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
