// A real `serverless deploy`, `info`, changed `deploy` and `remove`, against a mock AWS on this machine. What is there in
// between is asked of the mock by AWS's own client, and nothing must be left in the end.

import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isProperties } from "../../localstack/event-source-mapping/settings.ts";
import { freePort } from "../../localstack/ports.ts";
import { run } from "../run-command.ts";
import { toolPath } from "./python.ts";
import { REGION } from "./template.ts";

const FOLDER = ".local/deploy-check";
const READY_MS = 60_000;

interface Mock {
  readonly url: string;
  stop(): void;
}

async function startMock(): Promise<Mock> {
  await mkdir(FOLDER, { recursive: true });
  const port = await freePort();
  const logFile = join(FOLDER, "mock-aws.log");
  const output = openSync(logFile, "w");
  const server = spawn(toolPath("python"), [resolve("localstack/mock-aws/server.py"), String(port)], {
    stdio: ["ignore", output, output],
    // moto removes resources in the order of a set: with a seed it is the same every time.
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1", PYTHONHASHSEED: "0" },
  });
  const url = `http://127.0.0.1:${port}`; // the name localhost would make the SDK put buckets in the host's name
  for (const startMs = performance.now(); ; await sleep(100)) {
    // Not listening yet: a refusal is what tells it.
    if (
      await fetch(`${url}/mock/resources`).then(
        (answer) => answer.ok,
        () => false,
      )
    )
      break;
    if (server.exitCode !== null || performance.now() - startMs > READY_MS)
      throw new Error(`the mock AWS does not start; see ${logFile}`);
  }
  return { url, stop: () => server.kill() };
}

/** Asks the mock as any client would; it takes every signature. */
async function ask(url: string, service: string, path: string): Promise<unknown> {
  const authorization = `AWS4-HMAC-SHA256 Credential=mock/20260101/${REGION}/${service}/aws4_request, SignedHeaders=host, Signature=0`;
  return (await fetch(`${url}${path}`, { headers: { authorization } })).json();
}

const listOf = (value: unknown, name: string): readonly unknown[] => {
  const list = isProperties(value) ? value[name] : undefined;
  return Array.isArray(list) ? list : [];
};

/** What is in the mock account, as far as it would cost money or be in the way. */
async function inventory(url: string) {
  const recorded = await (await fetch(`${url}/mock/resources`)).json();
  return {
    mappings: listOf(await ask(url, "lambda", "/2015-03-31/event-source-mappings/"), "EventSourceMappings"),
    functions: listOf(await ask(url, "lambda", "/2015-03-31/functions/"), "Functions"),
    recorded: Array.isArray(recorded) ? recorded : [],
  };
}

/** The settings that were promised, in AWS's words, of each trigger that was created. */
function problemsOfMappings(mappings: readonly unknown[]): string[] {
  if (mappings.length !== 3) return [`expected 3 triggers in the mock, found ${mappings.length}`];
  return mappings.flatMap((mapping) => {
    if (!isProperties(mapping)) return ["a trigger without properties"];
    const {
      BatchSize,
      BisectBatchOnFunctionError,
      MaximumRetryAttempts,
      ProvisionedPollerConfig,
      DestinationConfig,
      Topics,
    } = mapping;
    const isAsConfigured =
      BatchSize === 2500 &&
      BisectBatchOnFunctionError === true &&
      Number(MaximumRetryAttempts) > 0 &&
      isProperties(ProvisionedPollerConfig) &&
      String(ProvisionedPollerConfig.PollerGroupName).startsWith("smartgrid-") &&
      JSON.stringify(DestinationConfig).includes("aggregate-failures");
    return isAsConfigured
      ? []
      : [`the trigger of ${String(Topics)} is not as configured: ${JSON.stringify(mapping)}`];
  });
}

interface StepRun {
  readonly what: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What it must print. */
  readonly prints: RegExp;
}

/**
 * @param say is told of each step that has succeeded
 * @returns what is wrong, a line each
 */
export async function checkMockDeploy(
  stage: string,
  environment: Readonly<Record<string, string | undefined>>,
  say: (line: string) => void,
): Promise<string[]> {
  const mock = await startMock();
  const env = {
    ...environment,
    AWS_ENDPOINT_URL: mock.url,
    AWS_ACCESS_KEY_ID: "mock",
    AWS_SECRET_ACCESS_KEY: "mock",
  };

  async function step({ what, args, env: more = {}, prints }: StepRun): Promise<string[]> {
    const startMs = performance.now();
    const cli = resolve("node_modules/serverless/bin/serverless.js");
    const { code, output } = await run(
      process.execPath,
      [cli, ...args, "--stage", stage, "--region", REGION],
      { ...env, ...more },
    );
    if (code !== 0 || !prints.test(output))
      return [`serverless ${args.join(" ")} (${what}) against the mock:\n${output.trim()}`];
    say(`${what}: ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
    return [];
  }

  try {
    for (const one of [
      {
        what: "deploy",
        args: ["deploy"],
        prints: /Service deployed[\s\S]*endpoints:[\s\S]*functions:[\s\S]*KafkaTopicsResult: /,
      },
      { what: "info", args: ["info"], prints: /GET - https:\/\/\S+\/health[\s\S]*aggregate-sensor/ },
    ]) {
      const problems = await step(one);
      if (problems.length > 0) return problems;
    }
    const problems = problemsOfMappings((await inventory(mock.url)).mappings);
    if (problems.length > 0) return problems;
    for (const one of [
      {
        what: "changed deploy",
        args: ["deploy"],
        env: { WEATHER_UPDATE_INTERVAL: "300" },
        prints: /Service deployed/,
      },
      { what: "remove", args: ["remove"], prints: /has been successfully removed/ },
    ]) {
      const failed = await step(one);
      if (failed.length > 0) return failed;
    }
    const { mappings, functions, recorded } = await inventory(mock.url);
    const left = [...mappings, ...functions, ...recorded];
    return left.map((one) => `left after remove: ${JSON.stringify(one)}`);
  } finally {
    mock.stop();
  }
}
