// `npm run bench:cold [-- FUNCTION]`: how long a function's bundle takes from import to ready in a fresh Node process,
// median of 15, with the time of an empty module beside it.

import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { build } from "../build/index.ts";

const RUNS = 15;
const LIMIT_MS = 60;
const name = process.argv[2] ?? "aggregate-sensor";
const LOAD =
  "const start = performance.now(); await import(process.argv[1]); console.log(performance.now() - start); process.exit();";

/** Enough for every function to be ready; nothing is connected to. */
const env = {
  NODE_OPTIONS: "--enable-source-maps",
  MSK_CLUSTER_ARN:
    "arn:aws:kafka:eu-central-1:123456789012:cluster/made-up/00000000-0000-4000-8000-000000000000-s1",
  POSTGRES_HOST: "127.0.0.1",
  POSTGRES_AUTH: "iam",
  POSTGRES_CA_FILE: "/dev/null",
  AWS_REGION: "eu-central-1",
};

function importMs(file: string): Promise<number> {
  return new Promise((done, reject) => {
    execFile(
      process.execPath,
      ["--input-type=module", "-e", LOAD, resolve(file)],
      { env },
      (error, stdout) => (error === null ? done(Number(stdout)) : reject(error)),
    );
  });
}

async function median(file: string): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < RUNS; i++) times.push(await importMs(file));
  return times.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? Number.NaN;
}

await build();
await writeFile("dist/empty.js", "export {};\n");
const [empty, full] = [await median("dist/empty.js"), await median(`dist/functions/${name}/index.js`)];
console.log(
  `${name}: ready ${full.toFixed(1)} ms after import began (an empty module: ${empty.toFixed(1)} ms), median of ${RUNS}`,
);
if (name === "aggregate-sensor" && full >= LIMIT_MS) {
  console.error(`expected under ${LIMIT_MS} ms`);
  process.exitCode = 1;
}
