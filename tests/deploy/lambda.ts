// Functions from their packaged zips, as Lambda runs them: the zip's files in a folder of their own, a fresh Node 24
// with the template's variables, one event. What is AWS's around them is answered by a server of the test's own.

import { spawn } from "node:child_process";
import { createServer, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { unpack } from "../../scripts/deploy-check/handlers.ts";
import type { Template } from "../../scripts/deploy-check/template.ts";
import { functionsOf } from "../../scripts/deploy-check/template.ts";

const INVOKE = `const [file, event] = process.argv.slice(1);
  const { handler } = await import(file);
  const answer = await handler(JSON.parse(event), { getRemainingTimeInMillis: () => 60_000 });
  process.stdout.write("\\n" + JSON.stringify(answer ?? null), () => process.exit());`;

export interface Invocation {
  readonly code: number;
  /** The handler's answer; undefined where it threw. */
  readonly answer: unknown;
  readonly log: string;
}

export function invoke(
  folder: string,
  name: string,
  environment: Readonly<Record<string, string>>,
  event: unknown,
): Promise<Invocation> {
  const file = join(folder, `dist/functions/${name}/index.js`);
  const args = ["--input-type=module", "-e", INVOKE, file, JSON.stringify(event)];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: folder, env: environment });
    let [output, log] = ["", ""];
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk) => {
      log += chunk;
    });
    child.once("close", (code) => {
      const last = output.slice(output.lastIndexOf("\n") + 1);
      resolve({ code: code ?? -1, answer: code === 0 ? JSON.parse(last) : undefined, log: output + log });
    });
  });
}

/** Unpacks a function's zip. @returns its folder */
export async function unpackFunction(packageFolder: string, into: string, name: string): Promise<string> {
  await unpack(join(packageFolder, `${name}.zip`), join(into, name));
  return join(into, name);
}

export function environmentOf(template: Template, name: string): Record<string, string> {
  const found = functionsOf(template).find(({ key }) => key === name);
  if (found === undefined) throw new Error(`no function ${name}`);
  return { ...found.environment };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

export interface AwsAround {
  readonly url: string;
  /** What custom resources have answered. */
  readonly answers: readonly Record<string, unknown>[];
  close(): Promise<void>;
}

/** MSK that names these brokers (GET), CloudFormation taking answers (PUT). */
export async function startAwsAround(brokers: string): Promise<AwsAround> {
  const answers: Record<string, unknown>[] = [];
  const server = createServer(async (request, response) => {
    if (request.method === "PUT") answers.push(JSON.parse(await bodyOf(request)));
    response.end(JSON.stringify({ bootstrapBrokerString: brokers, bootstrapBrokerStringSaslIam: brokers }));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    answers,
    close: () => new Promise((done) => server.close(() => done())),
  };
}
