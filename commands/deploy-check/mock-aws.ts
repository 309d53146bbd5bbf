// A mock AWS on this machine, and what is in its account.

import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { devNull } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isProperties, type Properties } from "../../localstack/event-source-mapping/settings.ts";
import { freePort } from "../../localstack/ports.ts";
import type { Variables } from "../terminal/run-command.ts";
import { PYTHON } from "./python.ts";

const FOLDER = ".local/deploy-check";
const READY_MS = 60_000;

/**
 * The person's variables without any of AWS's: a profile, or the endpoint of one service, would win over the mock's, and
 * the deployment would be a real one.
 */
export function mockEnvironment(environment: Variables, url: string): Variables {
  return {
    ...Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("AWS_"))),
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: "mock",
    AWS_SECRET_ACCESS_KEY: "mock",
  };
}

/** Something in the mock account. */
export interface Item {
  readonly type: string;
  readonly id: string;
  readonly properties: Properties;
}

export interface MockAws {
  readonly url: string;
  /** What is there, of the types that localstack/mock-aws/account.py lists. */
  items(): Promise<Item[]>;
  /** AWS's own answer about the triggers. */
  triggers(): Promise<readonly unknown[]>;
  /** CloudFormation's answer about a stack, as it comes. */
  askStack(action: "DescribeStacks" | "GetStackPolicy", stackName: string): Promise<string>;
  stop(): void;
}

const isItem = (value: unknown): value is Item =>
  isProperties(value) && typeof value.type === "string" && isProperties(value.properties);

export async function startMockAws(environment: Variables, region: string): Promise<MockAws> {
  await mkdir(FOLDER, { recursive: true });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`; // the name localhost would make the SDK put buckets in the host's name
  const logFile = join(FOLDER, "mock-aws.log");
  const output = openSync(logFile, "w");
  const server = spawn(PYTHON, [resolve("localstack/mock-aws/server.py"), String(port), region], {
    stdio: ["ignore", output, output],
    // moto removes resources in the order of a set: with a seed it is the same every time.
    env: { ...mockEnvironment(environment, url), PYTHONDONTWRITEBYTECODE: "1", PYTHONHASHSEED: "0" },
  });

  /** As any client would ask; the mock takes every signature. */
  function ask(service: string, path: string): Promise<Response> {
    const authorization = `AWS4-HMAC-SHA256 Credential=mock/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`;
    return fetch(`${url}${path}`, { headers: { authorization } });
  }
  const listItems = () => fetch(`${url}/mock/resources`);

  for (const startMs = performance.now(); ; await sleep(100)) {
    // Not listening yet: a refusal is what tells it.
    if (
      await listItems().then(
        (answer) => answer.ok,
        () => false,
      )
    )
      break;
    if (server.exitCode !== null || performance.now() - startMs > READY_MS)
      throw new Error(`the mock AWS does not start; see ${logFile}`);
  }
  return {
    url,
    async items() {
      const items: unknown = await (await listItems()).json();
      return Array.isArray(items) ? items.filter(isItem) : [];
    },
    async triggers() {
      const answer: unknown = await (await ask("lambda", "/2015-03-31/event-source-mappings/")).json();
      return isProperties(answer) && Array.isArray(answer.EventSourceMappings)
        ? answer.EventSourceMappings
        : [];
    },
    async askStack(action, stackName) {
      const path = `/?Action=${action}&Version=2010-05-15&StackName=${stackName}`;
      return (await ask("cloudformation", path)).text();
    },
    stop: () => server.kill(),
  };
}
