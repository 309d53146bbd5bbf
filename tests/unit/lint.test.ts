// The project's own lint rule: what makes a path of a URL's pathname is refused, and what asks a URL for its way is not.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../commands/terminal/run-command.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lint-"));
  const plugins = [resolve("commands/check/path-from-url.grit")];
  await writeFile(
    join(folder, "biome.json"),
    JSON.stringify({ plugins, linter: { rules: { preset: "none" } } }),
  );
});
afterAll(() => rm(folder, { recursive: true }));

async function lint(source: string) {
  const file = join(folder, "source.ts");
  await writeFile(file, source);
  const biome = resolve("node_modules/@biomejs/biome/bin/biome");
  return run(process.execPath, [biome, "lint", "--config-path", folder, file]);
}

test.each([
  'export const path = new URL("x", import.meta.url).pathname;',
  "export const path = (name: string) => new URL(name, import.meta.url).pathname;",
  'const here = new URL(".", import.meta.url);\nexport const path = here.pathname;',
  "export const { pathname } = new URL(import.meta.url);",
  "const { pathname: path, host } = new URL(import.meta.url);",
  'export const path = import.meta.url.replace("file://", "");',
  'export const path = new URL("x", import.meta.url).href.slice(7);',
])("refused: %s", async (source) => {
  const { code, output } = await lint(source);
  expect(output).toContain("use import.meta.dirname or fileURLToPath");
  expect(code).toBe(1);
});

test.each([
  'export const way = new URL("http://127.0.0.1/a").pathname;',
  "export const database = (url: URL) => url.pathname.slice(1);",
  'export const address = new URL("x", import.meta.url).href;',
  'export const contents = await readFile(new URL("x", import.meta.url), "utf8");',
])("taken: %s", async (source) => {
  expect(await lint(source)).toMatchObject({ code: 0 });
});
