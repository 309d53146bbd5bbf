// A server as a child process: started in a process group of its own (so that Ctrl-C reaches only its parent),
// stopped in order and in bounded time, and found again at the next start where its parent was killed.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { endProcess, lookUp, STOP_LIMIT_MS } from "./processes.ts";

export interface ServerCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The working directory; that of this process where absent. */
  readonly cwd?: string;
  readonly logFile: string;
  /** Remembers the process, and who started it, for the next start. */
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

/**
 * Stops what an earlier start, whose process was killed, has left running.
 * @returns whether there was something
 * @throws Error where the process that started it still runs: then it is no orphan, and not ours to stop
 */
export async function stopOrphan(pidFile: string, marker: string, signal: NodeJS.Signals): Promise<boolean> {
  let pid: number;
  let starter: number;
  try {
    [pid = 0, starter = 0] = readFileSync(pidFile, "utf8").split("\n").map(Number);
  } catch {
    // No file: nothing was started here, or it was stopped in order.
    return false;
  }
  const isOurs = () => pid > 1 && lookUp(pid)?.commandLine.includes(marker) === true;
  if (!isOurs()) {
    // It names nobody, or a stranger; and it may belong to root, where the next server writes it as another account.
    rmSync(pidFile, { force: true });
    return false;
  }
  if (lookUp(pid)?.parentPid === starter)
    throw new Error(
      `already running for process ${starter} (server process ${pid}, ${pidFile}): stop that one first, with Ctrl-C`,
    );
  await endProcess(pid, signal, isOurs);
  rmSync(pidFile, { force: true });
  return true;
}

/** The last lines of a log, for an error message. */
export function tailOf(logFile: string, lines = 15): string {
  return readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
}

/** The child itself writes the file: were this process killed between start and note, nobody would know of the server. */
const writePidThenRun = 'printf "%s\\n%s\\n" "$$" "$1" > "$0" && shift && exec "$@"';
const running = new Set<ChildProcess>();
const endings = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** SIGINT ends each of our servers in order, whoever is connected. */
function endRunning(): void {
  for (const child of running) child.kill("SIGINT");
}

function endWithSignal(signal: NodeJS.Signals): void {
  // Another listener stops things in its own order, or ends this process, which calls endRunning().
  if (process.listenerCount(signal) > 1) return;
  endRunning();
  process.off(signal, endWithSignal);
  process.kill(process.pid, signal);
}

/** For an end without stop(), such as process.exit() or a signal that nobody listens to. */
function endsWithUs(child: ChildProcess): void {
  if (running.size === 0) {
    process.on("exit", endRunning);
    for (const signal of endings) process.on(signal, endWithSignal);
  }
  running.add(child);
  child.once("exit", () => {
    running.delete(child);
    if (running.size > 0) return;
    process.off("exit", endRunning);
    for (const signal of endings) process.off(signal, endWithSignal);
  });
}

/** Starts the process; its output goes to the log file, from the file's start. It ends with this process at the latest. */
export function startServer(server: ServerCommand): ServerProcess {
  const log = openSync(server.logFile, "w");
  let child: ChildProcess;
  try {
    const args = ["-c", writePidThenRun, server.pidFile, String(process.pid), server.command, ...server.args];
    child = spawn("/bin/sh", args, {
      detached: true,
      stdio: ["ignore", log, log],
      env: { ...process.env, ...server.env },
      ...(server.cwd === undefined ? {} : { cwd: server.cwd }),
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
  if (pid > 0) endsWithUs(child);
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

function endedWith(server: ServerCommand, how: string): Error {
  return new Error(`${server.name}: ${how}; the end of ${server.logFile}:\n${tailOf(server.logFile)}`);
}

/**
 * Runs what prepares a server's data to its end; under the server's pid file, so that its orphans are found as well.
 * @throws Error with the log's end where it fails
 */
export async function runToEnd(server: ServerCommand): Promise<void> {
  const how = await startServer(server).exited;
  if (how !== "exit code 0") throw endedWith(server, how);
}

/** A small or busy machine takes minutes for what takes seconds elsewhere; one that ends is noticed at once. */
const START_LIMIT_MS = 180_000;

/**
 * Waits until `isReady` says so.
 * @throws Error with the log's end where the process ends before, or after the limit; what `isReady` throws.
 *   The process is stopped then.
 */
export async function untilReady(
  server: ServerCommand,
  started: ServerProcess,
  isReady: () => Promise<boolean>,
  limitMs = START_LIMIT_MS,
): Promise<void> {
  let ended: string | null = null;
  void started.exited.then((how) => {
    ended = how;
  });
  try {
    for (const startMs = Date.now(); !(await isReady()); await sleep(25)) {
      const problem =
        ended ?? (Date.now() - startMs > limitMs ? `not ready after ${limitMs / 1000} s` : null);
      if (problem !== null) throw endedWith(server, problem);
    }
  } catch (error) {
    // Nobody gets to hold a server that did not start, so nobody else could stop it.
    await started.stop("SIGINT");
    throw error;
  }
}
