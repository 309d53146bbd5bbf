// `deploy` refuses to leave what a stack stands on, asked of a stack that is there, is not there, or cannot be asked.

import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { afterEach, expect, test, vi } from "vitest";
import DeployCommandPlugin from "../../../infra/deploy-command.ts";

const standsOn = { Kafka: "arn:grid", Topics: "a, b, c", Database: "db.example.com:5432/grid" };

/** CloudFormation's answer about the stack: its outputs, or an error. */
function answer(outputs: Readonly<Record<string, string>> | Error): void {
  vi.spyOn(CloudFormationClient.prototype, "send").mockImplementation(async () => {
    if (outputs instanceof Error) throw outputs;
    return {
      Stacks: [
        {
          Outputs: Object.entries(outputs).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue })),
        },
      ],
    };
  });
}

function refusalOf(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

const sections: [string, string[]][] = [];

function plugin({ command = "deploy", stage = "prod", move = false, outputs = {} } = {}) {
  const gathered = Object.entries(outputs).map(([OutputKey, OutputValue]) => ({
    OutputKey,
    OutputValue: String(OutputValue),
  }));
  return new DeployCommandPlugin({
    processedInput: { commands: command.split(" ") },
    service: {
      provider: { stage },
      custom: { reportedOutputs: ["DatabaseMigrationResult"], standsOn, move },
    },
    classes: { Error },
    pluginManager: { plugins: [{}, { gatheredData: { outputs: gathered } }] },
    getProvider: () => ({
      naming: { getStackName: () => `smartgrid-${stage}` },
      getCloudFormationClient: async () => new CloudFormationClient({ region: "eu-central-1" }),
    }),
    addServiceOutputSection: (name, lines) => sections.push([name, lines]),
  });
}

const moving = (options = {}) => plugin(options).hooks["before:aws:deploy:deploy:createStack"]?.();

afterEach(() => {
  vi.restoreAllMocks();
  sections.length = 0;
});

test("the same cluster, topics and database are no move", async () => {
  answer({ ...standsOn, DatabaseMigrationResult: "nothing to do" });
  await moving();
});

test.each(Object.entries(standsOn))("another %s is refused, with both names", async (output, wanted) => {
  answer({ ...standsOn, [output]: "the present one" });
  await expect(moving()).rejects.toThrow(
    `${output}: the stack stands on the present one, and with these variables it would go over to ${wanted}.`,
  );
  await expect(moving()).rejects.toThrow("--param move=true");
});

test("all that differs is said at once", async () => {
  answer({ Kafka: "k", Topics: "t", Database: "d" });
  await expect(moving()).rejects.toThrow(/^Kafka: .*\nTopics: .*\nDatabase: .*\nNothing was changed/);
});

test("--param move=true goes, and asks nobody", async () => {
  answer(new Error("asked"));
  await moving({ move: true });
});

test("a stack that is not there yet, or has its bucket alone, stands on nothing", async () => {
  answer(refusalOf("ValidationError", "Stack with id smartgrid-prod does not exist"));
  await moving();
  answer({ ServerlessDeploymentBucketName: "bucket" });
  await moving();
});

test("whoever may not ask about the stack does not deploy", async () => {
  answer(refusalOf("AccessDenied", "not authorized to perform: cloudformation:DescribeStacks"));
  await expect(moving()).rejects.toThrow("not authorized");
  answer(refusalOf("AccessDenied", "Role deployer does not exist"));
  await expect(moving()).rejects.toThrow("Role deployer");
});

test("this machine's stage is not deployed, and is for every other command", () => {
  const begin = (options: object) => plugin(options).hooks.initialize?.();
  expect(() => begin({ stage: "local" })).toThrow("--stage: expected a stage on AWS");
  expect(() => begin({ stage: "local", command: "remove" })).toThrow("--stage: expected a stage on AWS");
  expect(() => begin({ stage: "local", command: "deploy list" })).toThrow("--stage");
  begin({ stage: "local", command: "invoke local" });
  begin({ stage: "local", command: "offline start" });
  begin({ stage: "dev" });
});

test("what the steps did is printed, and no empty section", () => {
  const report = (outputs: object) => plugin({ outputs }).hooks["after:aws:info:displayStackOutputs"]?.();
  report({ Kafka: "arn:grid" });
  expect(sections).toEqual([]);
  report({ Kafka: "arn:grid", DatabaseMigrationResult: "applied 0001" });
  expect(sections).toEqual([["deployment", ["DatabaseMigrationResult: applied 0001"]]]);
});
