// The functions for `npm start`: serverless-offline with the Kafka triggers, as a process of its own.

import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { freePort, onChosenPort } from "../../localstack/ports.ts";
import {
  type ServerCommand,
  startServer,
  stopOrphan,
  tailOf,
  untilReady,
} from "../../localstack/server-process.ts";
import { announcedPort } from "./services.ts";
import { terminal } from "./terminal.ts";

export interface RunningFunctions {
  readonly httpUrl: string;
  readonly lambdaUrl: string;
  /** Status of the triggers, and MSK's control plane. */
  readonly controlUrl: string;
  readonly logFile: string;
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

export interface TriggerStatus {
  readonly mappings: readonly {
    readonly topic: string;
    readonly state: string;
    readonly lastProcessingResult: string;
    readonly partitions: readonly { readonly lag: number }[];
  }[];
}

export async function readTriggers(controlUrl: string): Promise<TriggerStatus> {
  const response = await fetch(`${controlUrl}/status`);
  const status: TriggerStatus = JSON.parse(await response.text());
  return status;
}

async function isReady(httpUrl: string, controlUrl: string): Promise<boolean> {
  try {
    const triggers = await readTriggers(controlUrl);
    if (!triggers.mappings.every((mapping) => mapping.state === "Enabled")) return false;
    return (await fetch(`${httpUrl}/ready`)).ok;
  } catch {
    // Not listening yet.
    return false;
  }
}

/** A port was taken in the meantime: another process would be asked in place of ours. @throws Error in the log's words */
async function refuseTakenPort(logFile: string): Promise<void> {
  const taken = /^.*EADDRINUSE.*$/m.exec(await readFile(logFile, "utf8"));
  if (taken !== null) throw new Error(taken[0]);
}

/** After this long it is said what is waited for: a busy machine, or triggers that do not come to work. */
const SILENT_MS = 20_000;

/** @returns called again and again, says once what the functions said last */
function saysOnceWhenLate(logFile: string): () => void {
  const startMs = Date.now();
  let said = false;
  return () => {
    if (said || Date.now() - startMs < SILENT_MS) return;
    said = true;
    const last = tailOf(logFile, 1);
    terminal.say(
      `functions: still starting after ${SILENT_MS / 1000} s; ${last === "" ? "they have said nothing yet" : `the last they said (${logFile}): ${last}`}`,
    );
  };
}

/** The ARN under which the functions know their cluster. */
export async function readClusterArn(controlUrl: string): Promise<string> {
  const response = await fetch(`${controlUrl}/api/v2/clusters`);
  const { clusterInfoList }: { clusterInfoList: { clusterArn: string }[] } = JSON.parse(
    await response.text(),
  );
  return clusterInfoList[0]?.clusterArn ?? "";
}

/** @throws the signal's reason where it is aborted before they are ready; they are stopped then */
export async function startFunctions(
  folder: string,
  httpPort: number,
  environment: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<RunningFunctions> {
  const pidFile = join(folder, "functions.pid");
  const marker = "serverless.js offline start";
  await stopOrphan(pidFile, marker, "SIGINT");
  const logFile = join(folder, "functions.log");
  return onChosenPort(
    () => announcedPort("HTTP", httpPort),
    async (port) => {
      const lambdaPort = await announcedPort("Lambda", 3002);
      const controlPort = await freePort();
      const [httpUrl, lambdaUrl, controlUrl] = [
        `http://127.0.0.1:${port}`,
        `http://127.0.0.1:${lambdaPort}`,
        `http://127.0.0.1:${controlPort}`,
      ];
      const server: ServerCommand = {
        name: "serverless offline",
        command: process.execPath,
        args: [
          ...["--max-semi-space-size=1", "--optimize-for-size"],
          ...[
            resolve("node_modules/serverless/bin/serverless.js"),
            "offline",
            "start",
            "--stage",
            "local",
            "--region", // functions sign logins for it; osls takes an empty one for us-east-1
            process.env.AWS_REGION || "eu-central-1",
            "--noSponsor",
          ],
          ...["--httpPort", String(port), "--lambdaPort", String(lambdaPort)],
        ],
        env: {
          ...environment,
          LOCALSTACK_CONTROL_PORT: String(controlPort),
          SLS_INTERACTIVE_SETUP_ENABLE: "0",
        },
        logFile,
        pidFile,
        marker,
      };
      const started = startServer(server);
      const sayWhenLate = saysOnceWhenLate(logFile);
      await untilReady(server, started, async () => {
        signal?.throwIfAborted();
        sayWhenLate();
        const answered = await isReady(httpUrl, controlUrl);
        // After the question: it may be another's port that has answered.
        await refuseTakenPort(logFile);
        return answered;
      });
      return {
        httpUrl,
        lambdaUrl,
        controlUrl,
        logFile,
        ended: started.exited.then((how) => `serverless offline ended (${how}); see ${logFile}`),
        stop: () => started.stop("SIGINT"),
      };
    },
  );
}
