// Bundles every function into dist/functions/<name>/index.js, with what it imports and nothing else.
// Runs as a command and, through `build`, from the Serverless plugin.

import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Builds all functions. @returns the bundles' sizes in bytes, by function */
export async function build(): Promise<Map<string, number>> {
  const out = join(root, "dist");
  await rm(out, { recursive: true, force: true });
  const names = (await readdir(join(root, "functions"))).sort();
  const result = await esbuild.build({
    absWorkingDir: root,
    entryPoints: names.map((name) => ({ in: `functions/${name}/index.ts`, out: `functions/${name}/index` })),
    outdir: "dist",
    bundle: true,
    minify: true,
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    platform: "node",
    target: "node24",
    format: "esm",
    external: ["pg-native"],
    // kafkajs and pg are CommonJS and call require for Node's own modules.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    metafile: true,
    logLevel: "warning",
  });
  await esbuild.stop(); // else its process stays as long as ours
  await mkdir(out, { recursive: true });
  await writeFile(join(out, "package.json"), '{"type":"module"}\n');
  return new Map(
    names.map((name) => [name, result.metafile.outputs[`dist/functions/${name}/index.js`]?.bytes ?? 0]),
  );
}

if (import.meta.main) {
  for (const [name, bytes] of await build())
    console.log(`${name.padEnd(24)} ${(bytes / 1000).toFixed(1)} KB`);
}
