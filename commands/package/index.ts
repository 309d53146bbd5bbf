// `npm run package [-- --stage prod]`: the zips of all functions in .local/package, with what is in them by size. The same
// commit gives the same bytes: osls sorts the entries and dates them 1980, and esbuild's output has no date. Not the folder
// that `serverless deploy --package` takes: it may have been made with made-up parameters.

import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { program } from "commander";
import type { Bundle } from "../build/index.ts";
import { environment } from "../deploy-check/environment.ts";
import { runServerless } from "../terminal/run-command.ts";

const { stage } = program
  .name("npm run package --")
  .description("Packages all functions as a deployment does, and says how large they are.")
  .option("--stage <stage>", "as in `serverless deploy`", "prod")
  .parse()
  .opts<{ stage: string }>();
const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} KB`.padStart(10);

const startMs = performance.now();
const FOLDER = ".local/package";
const args = ["package", "--stage", stage, "--package", FOLDER];
const { code, output } = await runServerless(args, environment);
if (code !== 0) {
  console.error(output.trim());
  process.exit(1);
}
const bundles: Bundle[] = JSON.parse(await readFile("dist/bundles.json", "utf8"));
console.log(
  `${"function".padEnd(24)}${"at once".padStart(10)}${"later".padStart(10)}${"zip".padStart(10)}  sha256 of the zip`,
);
for (const { name, bytes, laterBytes } of bundles) {
  const zip = join(FOLDER, `${name}.zip`);
  const hash = createHash("sha256")
    .update(await readFile(zip))
    .digest("hex")
    .slice(0, 16);
  console.log(
    `${name.padEnd(24)}${kilobytes(bytes)}${kilobytes(laterBytes)}${kilobytes((await stat(zip)).size)}  ${hash}`,
  );
}
console.log(
  "at once: what a function loads when it starts; later: what it loads when it needs it; zip: all, with source maps",
);
console.log(`stage ${stage}: ${FOLDER}, in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
