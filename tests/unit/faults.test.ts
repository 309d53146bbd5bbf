// The table of faults and the tests can be laid side by side: no row without a test of its name.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { faultRows } from "../faults/rows.ts";

test("every row of the table of faults has a test that begins with its words", async () => {
  const folder = join(import.meta.dirname, "..");
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".test.ts"));
  const sources = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
  const begins = (row: string) => sources.some((source) => source.includes(`"${row}`));
  expect(names.length).toBeGreaterThan(20);
  expect(faultRows.filter((row) => !begins(row))).toEqual([]);
});
