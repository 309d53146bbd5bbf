// The functions' process when its port is taken between choice and bind. A program of a few lines is put in the place of
// serverless-offline's: the first time, it says what that one says, and does not end.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const program = `
const { appendFileSync, readFileSync } = require("node:fs");
const { createServer } = require("node:http");
const argument = (name) => process.argv[process.argv.indexOf(name) + 1];
appendFileSync("starts", argument("--httpPort") + "\\n");
const isFirst = readFileSync("starts", "utf8").trim().split("\\n").length === 1;
if (isFirst) console.error("Error: listen EADDRINUSE: address already in use 127.0.0.1:" + argument("--httpPort"));
const listen = (port) => createServer((_, response) => response.end('{"mappings":[]}')).listen(Number(port), "127.0.0.1");
for (const port of [argument("--httpPort"), process.env.LOCALSTACK_CONTROL_PORT]) listen(port);
process.on("SIGINT", () => process.exit());
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "functions of a start "));
  const place = join(folder, "node_modules/serverless/bin");
  await mkdir(place, { recursive: true });
  await writeFile(join(place, "serverless.js"), program);
});
afterAll(() => rm(folder, { recursive: true }));

test("the port is chosen again, and the process that did not get it is stopped", async () => {
  const file = pathToFileURL(join(import.meta.dirname, "../../../commands/start/functions.ts")).href;
  const code = `
    import { startFunctions } from ${JSON.stringify(file)};
    const functions = await startFunctions(".", 20_000 + Math.floor(Math.random() * 10_000), {});
    console.log("url " + functions.httpUrl);
    await functions.stop();
    process.exit();`;
  const args = ["--input-type=module", "-e", code];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder });
  const starts = (await readFile(join(folder, "starts"), "utf8")).trim().split("\n");
  expect(starts).toHaveLength(2);
  expect(stdout).toContain(`url http://127.0.0.1:${starts[1]}`);
}, 60_000);
