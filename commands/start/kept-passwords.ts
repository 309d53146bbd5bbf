// The passwords of this machine's own database: made once for each data folder.

import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import type { RoleKind } from "../../lib/postgres/logins.ts";

/** Typed by people, of a user who may only read, of a server that only this machine reaches. */
const READ_PASSWORD = "smartgrid";

/** The passwords of one data folder, made at its first use; nobody but the file's owner may read it. */
export async function keptPasswords(file: string): Promise<Readonly<Record<RoleKind, string>>> {
  const fresh = () => randomBytes(24).toString("base64url");
  const passwords = { ingest: fresh(), sweep: fresh(), api: fresh(), read: READ_PASSWORD };
  try {
    await writeFile(file, `${JSON.stringify(passwords, null, 2)}\n`, { mode: 0o600, flag: "wx" });
    return passwords;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    const kept: Record<RoleKind, string> = JSON.parse(await readFile(file, "utf8"));
    return kept;
  }
}
