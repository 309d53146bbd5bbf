// A server as a child process: started in a process group of its own (so that Ctrl-C reaches only its parent),
// stopped in order and in bounded time, and found again at the next start where its parent was killed.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface ServerCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly logFile: string;
  /** Remembers the process for the next start. */
  readonly pidFile: string;
  /** Part of the command line by which the process is known again; a pid alone may belong to another by then. */
  readonly marker: string;
  readonly uid?: number;
  readonly gid?: number;
}

export interface ServerProcess {
  readonly pid: number;
  /** Resolves when the process has ended, with what ended it. */
  readonly exited: Promise<string>;
  kill(signal: NodeJS.Signals): void;
  /** Sends the signal, and SIGKILL where the process is still there after 10 s. */
  stop(signal: NodeJS.Signals): Promise<void>;
}

const STOP_LIMIT_MS = 10_000;

function commandLineOf(pid: number): string {
  try {
    return execFileSync("ps", ["-ww", "-o", "command=", "-p", String(pid)], { encoding: "utf8" });
  } catch {
    // ps exits with 1 where there is no such process.
    return "";
  }
}

/** Stops what an earlier start has left running. @returns whether there was something */
export async function stopOrphan(pidFile: string, marker: string, signal: NodeJS.Signals): Promise<boolean> {
  let pid: number;
  try {
    pid = Number(readFileSync(pidFile, "utf8").split("\n")[0]);
  } catch {
    // No file: nothing was started here, or it was stopped in order.
    return false;
  }
  const isOurs = () => pid > 1 && commandLineOf(pid).includes(marker);
  if (!isOurs()) return false;
  process.kill(pid, signal);
  for (let waitedMs = 0; waitedMs < STOP_LIMIT_MS && isOurs(); waitedMs += 50) await sleep(50);
  if (isOurs()) process.kill(pid, "SIGKILL");
  while (isOurs()) await sleep(50);
  return true;
}

/** The last lines of a log, for an error message. */
export function tailOf(logFile: string, lines = 15): string {
  return readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
}

/** Starts the process; its output goes to the log file, from the file's start. */
export function startServer(server: ServerCommand): ServerProcess {
  const log = openSync(server.logFile, "w");
  let child: ChildProcess;
  try {
    child = spawn(server.command, server.args, {
      detached: true,
      stdio: ["ignore", log, log],
      env: { ...process.env, ...server.env },
      ...(server.uid === undefined ? {} : { uid: server.uid, gid: server.gid }),
    });
  } finally {
    closeSync(log);
  }
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`could not be started: ${error.message}`));
    child.once("exit", (code, signal) => {
      rmSync(server.pidFile, { force: true });
      resolve(signal === null ? `exit code ${code}` : `signal ${signal}`);
    });
  });
  const pid = child.pid ?? 0;
  if (pid > 0) writeFileSync(server.pidFile, `${pid}\n`);
  const hasExited = () => child.exitCode !== null || child.signalCode !== null;
  return {
    pid,
    exited,
    kill: (signal) => {
      child.kill(signal);
    },
    async stop(signal) {
      if (pid === 0 || hasExited()) return;
      child.kill(signal);
      const limit = new AbortController();
      const overdue = sleep(STOP_LIMIT_MS, "overdue", { signal: limit.signal }).catch(() => "stopped");
      if ((await Promise.race([exited, overdue])) === "overdue") child.kill("SIGKILL");
      limit.abort();
      await exited;
    },
  };
}

/** Waits until `isReady` says so. @throws Error with the log's end where the process ends before, or after the limit */
export async function untilReady(
  server: ServerCommand,
  started: ServerProcess,
  isReady: () => Promise<boolean>,
  limitMs = 60_000,
): Promise<void> {
  let ended: string | null = null;
  void started.exited.then((how) => {
    ended = how;
  });
  for (const startMs = Date.now(); !(await isReady()); await sleep(25)) {
    const problem = ended ?? (Date.now() - startMs > limitMs ? `not ready after ${limitMs / 1000} s` : null);
    if (problem === null) continue;
    await started.stop("SIGTERM");
    throw new Error(`${server.name}: ${problem}; the end of ${server.logFile}:\n${tailOf(server.logFile)}`);
  }
}
