// One `npm start` for each folder: a second one would stop or empty what the first one uses.

import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { lookUp } from "../../localstack/processes.ts";

interface Holder {
  readonly pid: number;
  /** Part of its command line; a pid alone may belong to another by now. */
  readonly program: string;
}

/** @returns null where nobody holds it any more */
function holderOf(file: string): Holder | null {
  try {
    const holder: Holder = JSON.parse(readFileSync(file, "utf8"));
    return lookUp(holder.pid)?.commandLine.includes(holder.program) ? holder : null;
  } catch {
    // Given back, or taken over by another start, in the meantime.
    return null;
  }
}

/** A link, unlike a file, is never there without its content. @returns whether it is there now */
function tryLink(mine: string, lock: string): boolean {
  try {
    linkSync(mine, lock);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Moves the lock of a process that was killed out of the way. What was moved may by then be the lock of another start that
 * was faster: that one is put back.
 */
function removeLeft(lock: string, aside: string): void {
  try {
    renameSync(lock, aside);
  } catch {
    return; // gone: another start was faster
  }
  if (holderOf(aside) !== null) tryLink(aside, lock);
  rmSync(aside, { force: true });
}

/**
 * Takes the folder for this process.
 * @returns gives it back
 * @throws Error in one line, with pid and folder, where another one runs in it
 */
export function lockFolder(folder: string, me: Holder): () => void {
  mkdirSync(folder, { recursive: true });
  const lock = join(folder, "start.lock");
  const mine = `${lock}.${me.pid}`;
  writeFileSync(mine, JSON.stringify(me));
  try {
    while (!tryLink(mine, lock)) {
      const holder = holderOf(lock);
      if (holder !== null)
        throw new Error(
          `\`npm start\` runs in ${resolve(folder)} already (process ${holder.pid}): stop that one first, with Ctrl-C, ` +
            "or set SMARTGRID_FOLDER to another folder",
        );
      removeLeft(lock, `${mine}.left`);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  return () => rmSync(lock, { force: true });
}
