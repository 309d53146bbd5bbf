// A line of a test's own before all others of pg_hba.conf.

import { readFile, writeFile } from "node:fs/promises";
import type pg from "pg";
import { until } from "./topics.ts";

/** @param admin of a server whose files are this machine's; after it, whoever logs in is judged by the line first */
export async function prependHbaLine(admin: pg.Client, line: string): Promise<void> {
  const read = async () =>
    (
      await admin.query<{ file: string; loadedAt: string }>(
        `SELECT current_setting('hba_file') AS file, pg_conf_load_time()::text AS "loadedAt"`,
      )
    ).rows[0];
  const before = await read();
  const file = before?.file ?? "";
  await writeFile(file, `${line}\n${await readFile(file, "utf8")}`);
  await admin.query("SELECT pg_reload_conf()");
  // A session reads the settings anew when the postmaster tells it to, which forks nobody else until it has the file, too.
  await until(read, (now) => now?.loadedAt !== before?.loadedAt);
}
