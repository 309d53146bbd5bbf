// Bundles every function into dist/functions/<name>/: index.js with what it needs at once, and beside it a chunk for each
// import that is done later (the SDK's clients), which costs nothing until then. The same sources give the same bytes.
// Runs as a command and, through `build`, from the Serverless plugin.

import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { isRunning } from "../../localstack/processes.ts";
import { leaveOut } from "./left-out.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** What a function's folder in dist holds. */
export interface Bundle {
  readonly name: string;
  /** Bytes of index.js and what it imports at once. */
  readonly bytes: number;
  /** Bytes of what is imported later, if at all. */
  readonly laterBytes: number;
  /** Every source that went in, as a path from the project's root. */
  readonly sources: readonly string[];
}

/** Chunks that are loaded together with an output, itself included. */
function loadedAtOnce(
  outputs: esbuild.Metafile["outputs"],
  path: string,
  seen = new Set<string>(),
): Set<string> {
  if (seen.has(path)) return seen;
  seen.add(path);
  for (const { path: next, kind } of outputs[path]?.imports ?? [])
    if (kind === "import-statement") loadedAtOnce(outputs, next, seen);
  return seen;
}

const WASM_ADDRESS = /new URL\(["'`]([^"'`]+\.wasm)["'`],\s*import\.meta\.url\)/g;

/** Packages ask for their WebAssembly by an address relative to their own file: here it lies beside the bundle. */
function besideBundle(folder: string): esbuild.Plugin {
  return {
    name: "wasm",
    setup({ onLoad }) {
      onLoad({ filter: /node_modules.*\.m?js$/ }, async ({ path }) => {
        const source = await readFile(path, "utf8");
        const addresses = [...source.matchAll(WASM_ADDRESS)].map(([, address = ""]) => address);
        if (addresses.length === 0) return undefined; // esbuild reads it itself
        await mkdir(folder, { recursive: true });
        for (const address of addresses)
          await copyFile(join(dirname(path), address), join(folder, basename(address)));
        return {
          contents: source.replaceAll(
            WASM_ADDRESS,
            (_, address: string) => `new URL("./${basename(address)}", import.meta.url)`,
          ),
          loader: "js",
        };
      });
    },
  };
}

/** CommonJS whose importers know it, and take `default`. */
const IMPORTED_BY_DEFAULT = /node_modules\/aws-msk-iam-sasl-signer-js\//;

/** esbuild gives a chunk made of CommonJS no names but `default`: whoever imports it later would find nothing. */
function checkLaterImports(outputs: esbuild.Metafile["outputs"]): void {
  for (const [path, { imports }] of Object.entries(outputs))
    for (const { path: later, kind } of imports)
      if (kind === "dynamic-import" && outputs[later]?.exports.join() === "default") {
        const source = outputs[later].entryPoint ?? later;
        if (!IMPORTED_BY_DEFAULT.test(source))
          throw new Error(`${path}: imports ${source} later, which is CommonJS: its names would be missing`);
      }
}

async function bundle(name: string, out: string): Promise<Bundle> {
  const { metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: { index: `functions/${name}/index.ts` },
    outdir: `${out}/functions/${name}`,
    bundle: true,
    splitting: true,
    minify: true,
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    platform: "node",
    target: "node24",
    format: "esm",
    mainFields: ["module", "main"], // of CommonJS that is imported later, only `default` would be left
    // kafkajs and pg are CommonJS and call require for Node's own modules.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    metafile: true,
    logLevel: "warning",
    plugins: [leaveOut(root), besideBundle(join(root, out, "functions", name))],
  });
  checkLaterImports(metafile.outputs);
  const atOnce = loadedAtOnce(metafile.outputs, `${out}/functions/${name}/index.js`);
  const code = Object.entries(metafile.outputs).filter(([path]) => path.endsWith(".js"));
  const bytesOf = (entries: typeof code) => entries.reduce((sum, [, { bytes }]) => sum + bytes, 0);
  return {
    name,
    bytes: bytesOf(code.filter(([path]) => atOnce.has(path))),
    laterBytes: bytesOf(code.filter(([path]) => !atOnce.has(path))),
    sources: Object.keys(metafile.inputs).sort(),
  };
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((one) => one.isFile()).map((one) => relative(folder, join(one.parentPath, one.name)));
}

async function isEqual(path: string, other: string): Promise<boolean> {
  if (!existsSync(other)) return false;
  const [bytes, otherBytes] = await Promise.all([readFile(path), readFile(other)]);
  return bytes.equals(otherBytes);
}

/**
 * Puts each file in the place of its earlier version, which is there until then, and removes what is left over. A file that has
 * not changed stays: somebody may be packaging it.
 */
async function replaceFiles(from: string, to: string): Promise<void> {
  const files = await filesIn(from);
  // What an index.js imports is to be there before it.
  const inOrder = [...files].sort((a, b) => Number(a.endsWith("index.js")) - Number(b.endsWith("index.js")));
  for (const file of inOrder) {
    if (await isEqual(join(from, file), join(to, file))) continue;
    await mkdir(dirname(join(to, file)), { recursive: true });
    await rename(join(from, file), join(to, file));
  }
  for (const file of await filesIn(to)) if (!files.includes(file)) await rm(join(to, file), { force: true });
}

/** Of builds that a signal has ended. */
async function removeOrphans(): Promise<void> {
  for (const name of await readdir(root)) {
    const pid = Number(/^dist\.(\d+)$/.exec(name)?.[1]);
    if (pid > 0 && !isRunning(pid)) await rm(join(root, name), { recursive: true, force: true });
  }
}

/**
 * Builds all functions; what went into each is in dist/bundles.json, too, for who checks it. Beside dist, and then file by
 * file in its place: a running `npm start` loads functions from it at any time.
 */
export async function build(): Promise<readonly Bundle[]> {
  await removeOrphans();
  const out = `dist.${process.pid}`;
  const folder = join(root, out);
  const names = (await readdir(join(root, "functions"))).sort();
  try {
    const bundles = await Promise.all(names.map((name) => bundle(name, out)));
    await writeFile(join(folder, "package.json"), '{"type":"module"}\n');
    await writeFile(join(folder, "bundles.json"), `${JSON.stringify(bundles, null, 1)}\n`);
    await replaceFiles(folder, join(root, "dist"));
    return bundles;
  } finally {
    await esbuild.stop(); // else its process stays as long as ours
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  for (const { name, bytes, laterBytes } of await build())
    console.log(
      `${name.padEnd(24)} ${(bytes / 1000).toFixed(1).padStart(7)} KB${laterBytes > 0 ? `, later ${(laterBytes / 1000).toFixed(1)} KB` : ""}`,
    );
}
