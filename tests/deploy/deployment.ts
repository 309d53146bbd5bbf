// The packaged functions as a deployment has them: unpacked, each with its role's credentials and the template's
// variables, and, where AWS is, a real Kafka behind MSK's login, a real PostgreSQL behind RDS's, and answers for the few
// calls of MSK and CloudFormation.

import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readPackaged } from "../../commands/deploy-check/assertions.ts";
import { functionsOf, REGION } from "../../commands/deploy-check/template.ts";
import type { Credentials } from "../../lib/postgres/login-token.ts";
import { type AwsAround, type StepAnswer, startAwsAround } from "./aws-around.ts";
import { caFile } from "./certificate.ts";
import { type Identity, identitiesOf } from "./identities.ts";
import { type Invocation, startFunction, unpackFunction, type WarmFunction } from "./lambda.ts";
import { type IamCluster, startIamCluster } from "./msk/cluster.ts";
import { packageStage, parameters } from "./packaged.ts";
import { type IamDatabase, startIamDatabase } from "./rds-database.ts";

export interface CallOptions {
  /** Of another version of the function. */
  readonly folder?: string;
  /** Of another than its own role. */
  readonly credentials?: Credentials;
  /** Instead of the template's. */
  readonly environment?: Readonly<Record<string, string>>;
  /** That it is told to have left. */
  readonly remainingMs?: number;
}

export interface Deployment {
  readonly functions: ReturnType<typeof functionsOf>;
  readonly identities: readonly Identity[];
  readonly clusterArn: string;
  readonly kafka: IamCluster;
  readonly postgres: IamDatabase;
  readonly aws: AwsAround;
  identityOf(principal: string): Identity;
  /** Unpacks a function's zip again, to be changed. @returns its folder */
  unpackAgain(name: string): Promise<string>;
  start(name: string, options?: CallOptions): Promise<WarmFunction>;
  /** One event in a process of its own. */
  call(name: string, event: unknown, options?: CallOptions): Promise<Invocation>;
  /** Runs a step of the deployment, as CloudFormation does. */
  step(
    name: string,
    properties: unknown,
    options?: CallOptions & { readonly requestType?: "Update" | "Delete" },
  ): Promise<StepAnswer>;
  close(): Promise<void>;
}

/** Packages, and starts what is around the functions. The database is empty, and there are no topics. */
export async function startDeployment(): Promise<Deployment> {
  const run = await packageStage("prod", parameters);
  if (run.code !== 0) throw new Error(run.output);
  const { template } = await readPackaged(run.folder);
  const functions = functionsOf(template);
  const identities = identitiesOf(template);
  // The name under which tests/integration/stack.ts finds what a killed run has left.
  const folder = await mkdtemp(join(tmpdir(), `smartgrid-test-${process.pid}-deployment-`));
  const [kafka, postgres] = await Promise.all([
    startIamCluster(folder, REGION, identities),
    startIamDatabase(folder, REGION, identities),
    ...functions.map(({ key }) => unpackFunction(run.folder, folder, key)),
  ]);
  const aws = await startAwsAround({ iam: kafka.brokers, plain: kafka.plainBrokers });

  function identityOf(principal: string): Identity {
    const found = identities.find((one) => one.principal === principal);
    if (found === undefined) throw new Error(`no identity ${principal}`);
    return found;
  }

  const start: Deployment["start"] = (name, { folder: from, credentials, environment } = {}) => {
    const { accessKeyId, secretAccessKey, sessionToken = "" } = credentials ?? identityOf(name);
    return startFunction(from ?? join(folder, name), name, {
      ...functions.find(({ key }) => key === name)?.environment,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL_KAFKA: aws.url,
      AWS_USE_DUALSTACK_ENDPOINT: "false", // the SDK takes none beside an address that is given
      NODE_EXTRA_CA_CERTS: caFile,
      POSTGRES_HOST: postgres.front.host,
      POSTGRES_PORT: String(postgres.front.port),
      POSTGRES_CA_FILE: caFile,
      ...environment,
    });
  };

  const call: Deployment["call"] = async (name, event, options) => {
    const running = await start(name, options);
    const outcome = await running.invoke(event, options?.remainingMs).catch(async (error) => {
      await running.stop();
      throw error;
    });
    return { ...outcome, log: await running.stop() };
  };

  return {
    ...{ functions, identities, kafka, postgres, aws, identityOf, start, call },
    clusterArn: functions[0]?.environment.MSK_CLUSTER_ARN ?? "",
    async unpackAgain(name) {
      return unpackFunction(run.folder, await mkdtemp(join(folder, "again-")), name);
    },
    async step(name, properties, { requestType = "Create", ...options } = {}) {
      const event = {
        ...{ RequestType: requestType, ResponseURL: `${aws.url}/answer`, StackId: "stack" },
        ...{ RequestId: randomUUID(), LogicalResourceId: name, ResourceProperties: properties },
      };
      const { log, error } = await call(name, event, options);
      const answer = aws.answers.at(-1);
      if (answer?.RequestId !== event.RequestId)
        throw new Error(`${name} has not answered: ${log}${error ?? ""}`);
      return answer;
    },
    async close() {
      await Promise.all([kafka.close(), postgres.close(), aws.close()]);
      await Promise.all([rm(folder, { recursive: true, force: true }), run.remove()]);
    },
  };
}
