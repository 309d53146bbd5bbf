// Processes of this machine by their id: whether they run, what they are, and their end in bounded time.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** How long a process may take to end before it is killed. */
export const STOP_LIMIT_MS = 10_000;

interface KnownProcess {
  readonly parentPid: number;
  readonly commandLine: string;
}

/** @returns null where there is no such process (or only its zombie, which has no command line) */
export function lookUp(pid: number): KnownProcess | null {
  try {
    if (process.platform === "linux") {
      // Not `ps`: the small container images have none. The name, in brackets, may hold anything, so cut after it.
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [, parentPid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const commandLine = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      return commandLine === "" ? null : { parentPid: Number(parentPid), commandLine };
    }
    const line = execFileSync("ps", ["-ww", "-o", "ppid=,command=", "-p", String(pid)], { encoding: "utf8" });
    return { parentPid: Number.parseInt(line, 10), commandLine: line };
  } catch {
    // No such process.
    return null;
  }
}

/** Unlike signal 0, does not take a zombie for running, which a container's first process may leave for long. */
export function isRunning(pid: number): boolean {
  return lookUp(pid) !== null;
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // Ended in the meantime, which is what was wanted. A process of another account is a reason to stop.
    if (isRunning(pid)) throw new Error(`process ${pid} cannot be stopped`, { cause: error });
  }
}

/** Sends the signal, SIGKILL after 10 s, and waits until `isThere` says no. */
export async function endProcess(pid: number, signal: NodeJS.Signals, isThere: () => boolean): Promise<void> {
  if (isThere()) signalTo(pid, signal);
  for (let waitedMs = 0; waitedMs < STOP_LIMIT_MS && isThere(); waitedMs += 50) await sleep(50);
  if (isThere()) signalTo(pid, "SIGKILL");
  while (isThere()) await sleep(50);
}
