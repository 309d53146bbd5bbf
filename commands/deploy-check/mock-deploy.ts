// A real `serverless deploy`, `info`, changed `deploy` and `remove`, against a mock AWS on this machine. What is there in
// between is asked of the mock, and nothing must be left in the end.

import { isProperties } from "../../localstack/event-source-mapping/settings.ts";
import { runServerless, type Variables } from "../terminal/run-command.ts";
import { type MockAws, mockEnvironment, startMockAws } from "./mock-aws.ts";

/** The settings that were promised, in AWS's words, of each trigger that was created. */
function problemsOfTriggers(triggers: readonly unknown[]): string[] {
  if (triggers.length !== 3) return [`expected 3 triggers in the mock, found ${triggers.length}`];
  return triggers.flatMap((trigger) => {
    if (!isProperties(trigger)) return ["a trigger without properties"];
    const {
      BatchSize,
      BisectBatchOnFunctionError,
      MaximumRetryAttempts,
      ProvisionedPollerConfig,
      DestinationConfig,
      Topics,
    } = trigger;
    const isAsConfigured =
      BatchSize === 2500 &&
      BisectBatchOnFunctionError === true &&
      Number(MaximumRetryAttempts) > 0 &&
      isProperties(ProvisionedPollerConfig) &&
      String(ProvisionedPollerConfig.PollerGroupName).startsWith("smartgrid-") &&
      JSON.stringify(DestinationConfig).includes("aggregate-failures");
    return isAsConfigured
      ? []
      : [`the trigger of ${String(Topics)} is not as configured: ${JSON.stringify(trigger)}`];
  });
}

/** One switch protects both: neither the stack, with the cluster in it, nor the database can be removed by mistake. */
async function problemsOfProtection(mock: MockAws, isProtected: boolean): Promise<string[]> {
  return (await mock.items())
    .filter(({ type }) => type === "AWS::RDS::DBCluster")
    .filter(({ properties }) => String(properties.DeletionProtection) !== String(isProtected))
    .map(
      ({ id }) =>
        `${id}: the stack is ${isProtected ? "" : "not "}protected against removal, and the database otherwise`,
    );
}

/** Where events and rows are: an update that would replace or delete one of them has to be refused. */
const KEPT = ["AWS::MSK::ServerlessCluster", "AWS::MSK::Cluster", "AWS::RDS::DBCluster"];

function problemsOfPolicy(policy: string): string[] {
  const isRefused = /Deny/.test(policy) && /Update:Replace/.test(policy) && /Update:Delete/.test(policy);
  return KEPT.filter((type) => !isRefused || !policy.includes(type)).map(
    (type) => `the stack's policy lets an update replace or delete ${type}; see provider.stackPolicy`,
  );
}

const CHANGED_RATE = "rate(5 minutes)";

async function problemsOfChange(mock: MockAws): Promise<string[]> {
  const rates = (await mock.items())
    .filter(({ type }) => type === "AWS::Events::Rule")
    .map(({ properties }) => String(properties.ScheduleExpression));
  return rates.includes(CHANGED_RATE)
    ? []
    : [`the changed deploy changed no schedule to ${CHANGED_RATE}: they are ${rates.join(", ")}`];
}

/** A database that exists, in a network that exists: none that the stage stands on. */
const OTHER_DATABASE = {
  POSTGRES_HOST: "other.example.com",
  POSTGRES_RESOURCE_ID: "cluster-OTHER",
  POSTGRES_SECURITY_GROUP_ID: "sg-0a1b2c3d",
  VPC_ID: "vpc-0a1b2c3d",
  SUBNET_IDS: "subnet-0a1b2c3a,subnet-0a1b2c3b,subnet-0a1b2c3c",
  AVAILABILITY_ZONES: "",
};

interface StepRun {
  readonly what: string;
  readonly args: readonly string[];
  readonly env?: Variables;
  /** What it must print. */
  readonly prints: RegExp;
  readonly isRefused?: boolean;
}

interface Stage {
  readonly stage: string;
  readonly region: string;
  /** As arguments. */
  readonly params: readonly string[];
  readonly environment: Variables;
}

/**
 * @param say is told of each step that has succeeded
 * @returns what is wrong, a line each
 */
export async function checkMockDeploy(
  { stage, region, params, environment }: Stage,
  say: (line: string) => void,
): Promise<string[]> {
  const mock = await startMockAws(environment, region);

  async function step({ what, args, env = {}, prints, isRefused = false }: StepRun): Promise<string[]> {
    const startMs = performance.now();
    const { code, output } = await runServerless([...args, "--stage", stage, "--region", region], {
      ...mockEnvironment(environment, mock.url),
      ...env,
    });
    if ((code !== 0) !== isRefused || !prints.test(output))
      return [`serverless ${args.join(" ")} (${what}) against the mock:\n${output.trim()}`];
    say(`${what}: ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
    return [];
  }

  const stack = `smartgrid-${stage}`;
  const isProtected = async () =>
    (await mock.askStack("DescribeStacks", stack)).includes("<EnableTerminationProtection>true<");

  async function refusedRemove(): Promise<string[]> {
    if (!(await isProtected())) return [];
    const prints = /Cannot remove stack "\S+" because deletion protection is enabled/;
    return step({ what: "remove is refused", args: ["remove"], prints, isRefused: true });
  }

  try {
    const before = (await mock.items()).map(({ type, id }) => `${type} ${id}`);
    const steps: readonly (() => string[] | Promise<string[]>)[] = [
      () =>
        step({
          what: "deploy",
          args: ["deploy", ...params],
          prints: /Service deployed[\s\S]*endpoints:[\s\S]*functions:[\s\S]*KafkaTopicsResult: /,
        }),
      () =>
        step({
          what: "info",
          args: ["info"],
          prints: /GET - https:\/\/\S+\/health[\s\S]*aggregate-sensor/,
        }),
      async () => problemsOfTriggers(await mock.triggers()),
      async () => problemsOfProtection(mock, await isProtected()),
      async () => problemsOfPolicy(await mock.askStack("GetStackPolicy", stack)),
      refusedRemove,
      () =>
        step({
          what: "deploy onto another database is refused",
          args: ["deploy"], // without the person's, which may be of a database of the stack's own
          env: OTHER_DATABASE,
          prints:
            /Database: the stack stands on .*, and with these variables it would go over to other\.example\.com/,
          isRefused: true,
        }),
      () =>
        step({
          what: "changed deploy, without protection",
          args: ["deploy", ...params, "--param", "deletionProtection=false"],
          env: { WEATHER_UPDATE_INTERVAL: "300" },
          prints: /Service deployed/,
        }),
      () => problemsOfChange(mock),
      async () => problemsOfProtection(mock, await isProtected()),
      () => step({ what: "remove", args: ["remove"], prints: /has been successfully removed/ }),
    ];
    for (const one of steps) {
      const problems = await one();
      if (problems.length > 0) return problems;
    }
    const left = (await mock.items()).map(({ type, id }) => `${type} ${id}`);
    return left.filter((one) => !before.includes(one)).map((one) => `left after remove: ${one}`);
  } finally {
    mock.stop();
  }
}
