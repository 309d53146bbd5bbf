// Runs other programs to their end.

import { spawn } from "node:child_process";
import { resolve } from "node:path";

export interface Run {
  readonly code: number;
  readonly output: string;
}

export type Variables = Readonly<Record<string, string | undefined>>;

/** Runs a command to its end; standard output and error are one text. @throws Error where it cannot be started */
export function run(command: string, args: readonly string[], env: Variables = process.env): Promise<Run> {
  return new Promise((done, reject) => {
    const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.once("error", reject);
    child.once("close", (code) => done({ code: code ?? -1, output: Buffer.concat(chunks).toString() }));
  });
}

/** Runs the Serverless Framework, as `npx serverless` does. */
export function runServerless(args: readonly string[], env: Variables): Promise<Run> {
  return run(process.execPath, [resolve("node_modules/serverless/bin/serverless.js"), ...args], env);
}
