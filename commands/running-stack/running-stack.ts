// What a running `npm start` says of itself: a file that is there exactly while it runs, or that a killed one has left.

import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "../../lib/config/environment.ts";
import { lookUp } from "../../localstack/processes.ts";

/** Where `npm start` keeps what it has. */
export const FOLDER = process.env.SMARTGRID_FOLDER || ".local";
const FILE = join(FOLDER, "stack.json");

export interface RunningStack {
  readonly http: string;
  /** `host:port,…` */
  readonly kafka: string;
  /** URL of the owner's connection. */
  readonly postgres: string;
  readonly lambda: string;
  /** Answers as MSK's control plane. */
  readonly mskEndpoint: string;
  readonly control: string;
  readonly pid: number;
  /** Part of the process' command line; a pid alone may belong to another by the time that it is read. */
  readonly program: string;
  /** The variables by which its functions work: servers, source, topics, groups, rules. */
  readonly environment: Environment;
}

export interface FoundStack {
  /** null where none runs */
  readonly stack: RunningStack | null;
  /** What there is to say of a file that is left; null where there is none. */
  readonly left: string | null;
}

export async function findRunningStack(): Promise<FoundStack> {
  const text = await readFile(FILE, "utf8").catch(() => null); // not there: none runs
  if (text === null) return { stack: null, left: null };
  const stack: RunningStack = JSON.parse(text);
  if (lookUp(stack.pid)?.commandLine.includes(stack.program)) return { stack, left: null };
  return {
    stack: null,
    left: `${FILE} is left of an \`npm start\` (process ${stack.pid}) that was killed; nothing of it is used`,
  };
}

export async function writeRunningStack(stack: RunningStack): Promise<void> {
  await removeRunningStack(); // one that a killed run has left may be readable for others
  await writeFile(FILE, `${JSON.stringify(stack, null, 2)}\n`, { mode: 0o600 });
}

export async function removeRunningStack(): Promise<void> {
  await rm(FILE, { force: true });
}
