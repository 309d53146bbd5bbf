// HTTP through `serverless offline start` with the plugin: bounded environments, and never 200 for what failed. The
// service stands in a folder of its own, whose name has a space.

import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { freePort } from "../../localstack/ports.ts";
import { type Offline, startOffline } from "./offline.ts";
import { until } from "./topics.ts";

const noted = `import { appendFileSync } from "node:fs";
const environment = crypto.randomUUID();
export const handler = async () => {
  appendFileSync(process.env.NOTES, environment + "\\n");
  await new Promise((resolve) => setTimeout(resolve, 20));
  return { statusCode: 201, body: "{}" };
};`;
const handlers: Readonly<Record<string, string>> = {
  limited: noted,
  unlimited: noted,
  off: noted,
  slow: "export const handler = () => new Promise((resolve) => setTimeout(resolve, 30_000));",
  throws: 'export const handler = async () => { throw new TypeError("on purpose"); };',
  "throws-at-load": 'throw new Error("broken while it loads"); export const handler = async () => null;',
  "names-a-status": 'export const handler = async () => { throw new Error("[200] is what I say"); };',
  refuses: 'export const handler = async () => ({ statusCode: 400, body: "refused" });',
};
const reserved: Readonly<Record<string, number>> = { limited: 6, off: 0 };
const names = [...Object.keys(handlers), "missing"];

let folder: string;
let offline: Offline;
let httpUrl: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "a service "));
  for (const part of ["event-source-mapping", "control-plane"])
    await cp(join("localstack", part), join(folder, "localstack", part), { recursive: true });
  await symlink(resolve("node_modules"), join(folder, "node_modules"));
  const httpPort = await freePort();
  httpUrl = `http://127.0.0.1:${httpPort}`;
  const functions = names.map(
    (name) => `  ${name}:
    handler: ${name}.handler
    timeout: ${name === "slow" ? 1 : 20}
    ${name in reserved ? `reservedConcurrency: ${reserved[name]}` : ""}
    events: [{ httpApi: GET /${name} }]
`,
  );
  const service = `service: tiny
plugins: [./localstack/event-source-mapping/plugin.ts, serverless-offline]
provider: { name: aws, runtime: nodejs24.x, stage: local, environment: { NOTES: "\${env:NOTES}" } }
custom: { serverless-offline: { host: 127.0.0.1, httpPort: ${httpPort}, noSponsor: true } }
functions:
${functions.join("")}`;
  for (const [name, code] of Object.entries(handlers)) await writeFile(join(folder, `${name}.mjs`), code);
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  await writeFile(join(folder, "serverless.yml"), service);
  offline = await startOffline(folder, {
    KAFKA_BROKER: inject("kafkaBrokers"),
    NOTES: join(folder, "notes"),
  });
  await until(
    () => fetch(`${httpUrl}/refuses`).catch(() => null), // not listening yet
    (response) => response?.status === 400,
  );
});
afterAll(async () => {
  await offline?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function get(name: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${httpUrl}/${name}`);
  return { status: response.status, text: await response.text() };
}

test.each([
  ["slow", 504, '{"message":"Endpoint request timed out"}'],
  ["throws", 500, '{"message":"Internal Server Error"}'],
  ["throws-at-load", 500, '{"message":"Internal Server Error"}'],
  ["missing", 500, '{"message":"Internal Server Error"}'],
  ["names-a-status", 500, '{"message":"Internal Server Error"}'],
  ["off", 503, '{"message":"Service Unavailable"}'],
  ["refuses", 400, "refused"],
])("GET /%s is answered with %i", async (name, status, text) => {
  expect(await get(name)).toEqual({ status, text });
});

test.each([
  ["limited", 6],
  ["unlimited", 10],
])(
  "200 requests at once of a function that is %s: %i are taken, by at most 4 environments",
  async (name, atOnce) => {
    await writeFile(join(folder, "notes"), "");
    const answers = await Promise.all(Array.from({ length: 200 }, () => get(name)));
    const taken = answers.filter(({ status }) => status === 201);
    const refused = answers.filter(({ status }) => status === 503);
    expect(taken.length + refused.length).toBe(200);
    expect(taken.length).toBeGreaterThanOrEqual(atOnce);
    expect(refused.length).toBeGreaterThan(0);
    const runs = (await readFile(join(folder, "notes"), "utf8")).trimEnd().split("\n");
    expect(runs).toHaveLength(taken.length); // what was refused was not run
    expect(new Set(runs).size).toBeLessThanOrEqual(4);
    await until(
      async () => offline.output(),
      (output) => new RegExp(`${name}: \\d+ HTTP requests refused with 503: ${atOnce} at once`).test(output),
    );
    expect((await get(name)).status).toBe(201); // and the next one finds room
  },
);
