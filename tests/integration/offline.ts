// `serverless offline start` in a service's folder, as a person runs it.

import { mkdtempSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePort } from "../../localstack/ports.ts";
import { startServer } from "../../localstack/server-process.ts";

export interface Offline {
  /** All that it has written so far. */
  output(): string;
  /** Sends SIGINT, as Ctrl-C does, and forgets the output. @returns how it ended */
  stop(): Promise<string>;
  /** Whether it, or a process that it started, is left. */
  hasProcesses(): boolean;
}

export async function startOffline(
  service: string,
  environment: Readonly<Record<string, string>>,
): Promise<Offline> {
  const folder = mkdtempSync(join(tmpdir(), "offline-"));
  const logFile = join(folder, "log");
  const server = startServer({
    name: "serverless offline",
    command: "/bin/sh",
    args: [
      ...["-c", 'cd "$0" && exec "$@"', service, process.execPath],
      ...[resolve("node_modules/serverless/bin/serverless.js"), "offline", "start"],
      ...["--lambdaPort", String(await freePort())],
    ],
    env: { SLS_INTERACTIVE_SETUP_ENABLE: "0", ...environment },
    logFile,
    pidFile: join(folder, "pid"),
    marker: "serverless.js offline start",
  });
  return {
    output: () => readFileSync(logFile, "utf8"),
    async stop() {
      await server.stop("SIGINT");
      await rm(folder, { recursive: true, force: true });
      return server.exited;
    },
    hasProcesses() {
      try {
        process.kill(-server.pid, 0); // it leads a process group of its own
        return true;
      } catch {
        // Nobody is in that group.
        return false;
      }
    },
  };
}
