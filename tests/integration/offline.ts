// `serverless offline start` in a service's folder, as a person runs it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { freePort } from "../../localstack/ports.ts";

export interface Offline {
  /** All that it has written so far. */
  output(): string;
  /** Sends SIGINT, as Ctrl-C does. @returns the exit code, when it has ended */
  stop(): Promise<number | null>;
  /** Whether a process that it started, or it itself, is left. */
  hasProcesses(): boolean;
}

export async function startOffline(
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<Offline> {
  const serverless = resolve("node_modules/serverless/bin/serverless.js");
  const child = spawn(
    process.execPath,
    [serverless, "offline", "start", "--lambdaPort", String(await freePort())],
    {
      cwd: folder,
      detached: true, // a process group of its own, so that what is left of it can be seen
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, SLS_INTERACTIVE_SETUP_ENABLE: "0", ...environment },
    },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk;
    });
  const pid = child.pid ?? 0;
  return {
    output: () => output,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGINT");
        await once(child, "exit");
      }
      return child.exitCode;
    },
    hasProcesses() {
      try {
        process.kill(-pid, 0);
        return true;
      } catch {
        // Nobody in that group.
        return false;
      }
    },
  };
}
