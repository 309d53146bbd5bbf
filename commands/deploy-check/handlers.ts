// Each handler is in its zip, and a fresh Node, with the zip's files and the function's variables only, loads it.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type FunctionView, functionsOf, REGION, type Template } from "./template.ts";
import { readZip } from "./zip.ts";

const LOAD = `const [file, name] = process.argv.slice(1);
  const module = await import(file);
  if (typeof module[name] !== "function") throw new Error("exports no function " + name);
  process.exit();`;

/** What Lambda itself sets, as far as it matters for loading. */
const ofLambda = { AWS_REGION: REGION, AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x", TZ: ":UTC" };

/** Lambda's own files are not on this machine; an empty one stands in for each that a variable names. */
function withRuntimeFiles(env: FunctionView["environment"]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [
      name,
      value.startsWith("/var/runtime/") ? "/dev/null" : value,
    ]),
  );
}

export async function unpack(zip: string, folder: string): Promise<string[]> {
  const files = readZip(await readFile(zip));
  for (const [name, content] of files) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return [...files.keys()];
}

function load(
  folder: string,
  file: string,
  name: string,
  env: FunctionView["environment"],
): Promise<string | null> {
  return new Promise((resolve) => {
    const args = ["--input-type=module", "-e", LOAD, join(folder, file), name];
    execFile(
      process.execPath,
      args,
      { cwd: folder, env: { ...ofLambda, ...withRuntimeFiles(env) } },
      (error, _stdout, stderr) => {
        // Node prints the line of the bundle that threw, which may be long, then the error.
        const reason = stderr.split("\n").find((line) => /^\w*Error\b/.test(line)) ?? stderr.slice(-500);
        resolve(error === null ? null : reason);
      },
    );
  });
}

async function checkOne(packageFolder: string, view: FunctionView): Promise<string[]> {
  const { Handler, Code } = view.properties;
  const [, path = "", name = ""] = /^(.*)\.([^.]+)$/.exec(String(Handler)) ?? [];
  const zip = /([^/"]+\.zip)/.exec(JSON.stringify(Code))?.[1] ?? "";
  const folder = await mkdtemp(join(tmpdir(), "smartgrid-handler-"));
  try {
    const files = await unpack(join(packageFolder, zip), folder);
    if (!files.includes(`${path}.js`)) return [`${view.key}: ${path}.js is not in ${zip}`];
    const reason = await load(folder, `${path}.js`, name, view.environment);
    return reason === null ? [] : [`${view.key}: does not load from ${zip} with its variables: ${reason}`];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function checkHandlers(template: Template, packageFolder: string): Promise<string[]> {
  return (await Promise.all(functionsOf(template).map((view) => checkOne(packageFolder, view)))).flat();
}
