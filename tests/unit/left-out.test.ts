// What is left out of the bundles says so when it is asked for; what stays works without it.

import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { leaveOut } from "../../commands/build/left-out.ts";

/** Runs a text bundled as the functions are. */
async function runBundled(contents: string): Promise<string> {
  const root = resolve(".");
  const { outputFiles } = await build({
    absWorkingDir: root,
    stdin: { contents, resolveDir: root },
    bundle: true,
    minify: true,
    platform: "node",
    format: "cjs",
    write: false,
    plugins: [leaveOut(root)],
  });
  const running = promisify(execFile)(process.execPath, ["-"]);
  running.child.stdin?.on("error", () => undefined); // it has ended before it was read; its exit code is said
  running.child.stdin?.end(outputFiles[0]?.text);
  return (await running).stdout;
}

const asked = (expression: string) =>
  runBundled(
    `const kafka = new (require("kafkajs").Kafka)({ brokers: ["127.0.0.1:1"] });
     const { requests } = require("kafkajs/src/protocol/requests");
     try { console.log(typeof (${expression})) } catch (error) { console.log(error.message) }`,
  );

test.each([
  ['kafka.consumer({ groupId: "g" })', "kafkajs/src/consumer/index.js"],
  ["requests.Fetch.versions", "kafkajs/src/protocol/requests/fetch/index.js"],
  ["requests.DeleteTopics.protocol({ version: 1 })", "kafkajs/src/protocol/requests/deleteTopics/index.js"],
  ['require("pg").native', "pg/lib/native/index.js"],
])("%s", async (expression, part) => {
  expect(await asked(expression)).toBe(`node_modules/${part}: left out by commands/build/left-out.ts\n`);
});

const KEPT = [
  ...["ApiVersions", "CreateTopics", "GroupCoordinator", "InitProducerId", "ListOffsets", "Metadata"],
  ...["OffsetFetch", "Produce", "SaslAuthenticate", "SaslHandshake"],
];

test.each([
  "kafka.producer()",
  "kafka.admin()",
  "new (require('pg').Client)()",
  `[${KEPT.map((name) => `requests.${name}.versions.map(Number)`)}]`,
])("%s", async (expression) => expect(await asked(expression)).toBe("object\n"));
