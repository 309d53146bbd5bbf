// What a running `npm start` says of itself: a file that is there exactly while it runs.

import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

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
}

/** @returns null where none runs */
export async function readRunningStack(): Promise<RunningStack | null> {
  const text = await readFile(FILE, "utf8").catch(() => null); // not there: none runs
  return text === null ? null : JSON.parse(text);
}

export async function writeRunningStack(stack: RunningStack): Promise<void> {
  await removeRunningStack(); // one that a killed run has left may be readable for others
  await writeFile(FILE, `${JSON.stringify(stack, null, 2)}\n`, { mode: 0o600 });
}

export async function removeRunningStack(): Promise<void> {
  await rm(FILE, { force: true });
}
