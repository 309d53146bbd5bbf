// The account under which PostgreSQL's programs run: they refuse to run as root.

import { execFile } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { promisify } from "node:util";

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** How to start a program as the account. */
export interface Launch {
  readonly prefix: readonly string[];
  readonly account: Account | null;
}

const run = promisify(execFile);

/** The system's user "postgres", made if need be, where we are root; null where we are not. */
export async function accountForRoot(): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null;
  const idOf = async (flag: string) => Number((await run("id", [flag, "postgres"])).stdout);
  try {
    return { uid: await idOf("-u"), gid: await idOf("-g") };
  } catch {
    // `id` fails where there is no such user yet.
    try {
      await run("useradd", ["--system", "--user-group", "--shell", "/bin/false", "postgres"]);
      return { uid: await idOf("-u"), gid: await idOf("-g") };
    } catch (error) {
      throw new Error(
        "PostgreSQL does not run as root, and the user postgres could not be made for it: make it by hand, " +
          "run this as another user, or set POSTGRES_HOST to a server of your own",
        { cause: error },
      );
    }
  }
}

/** The first folder on the way to this path, or the path itself, that only its owner may enter; null: none. */
function closedFolder(path: string): string | null {
  for (let folder = resolve(path); folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(folder) && (statSync(folder).mode & 0o001) === 0) return folder;
  return null;
}

/** Linux: the lesser of the two capabilities with which any folder can be entered, if we hold one (containers may not). */
function capabilityToEnter(): string | null {
  if (process.platform !== "linux") return null;
  const held = BigInt(
    `0x${/^CapEff:\s*(\w+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0"}`,
  );
  if ((held >> 2n) & 1n) return "+dac_read_search";
  return (held >> 1n) & 1n ? "+dac_override" : null;
}

/**
 * How to start programs that need these paths. A checkout below a folder that only root may enter (/root/…) is out of
 * reach for the account; then it is given the capability to pass through folders.
 * @throws Error, with the ways out, where that cannot be done
 */
export async function launchAs(account: Account | null, paths: readonly string[]): Promise<Launch> {
  const closed =
    account === null ? null : (paths.map(closedFolder).find((folder) => folder !== null) ?? null);
  if (account === null || closed === null) return { prefix: [], account };
  const capability = capabilityToEnter();
  const prefix = [
    ...["setpriv", `--reuid=${account.uid}`, `--regid=${account.gid}`, "--clear-groups"],
    ...[`--inh-caps=${capability}`, `--ambient-caps=${capability}`],
  ];
  try {
    if (capability === null) throw new Error("no capability to enter it");
    await run("setpriv", [...prefix.slice(1), "true"]);
  } catch (error) {
    throw new Error(
      `PostgreSQL does not run as root, and its user "postgres" cannot enter ${closed}: ` +
        `chmod o+x ${closed}, or put the checkout elsewhere, or set POSTGRES_HOST to a server of your own`,
      { cause: error },
    );
  }
  return { prefix, account: null };
}
