// What `serverless invoke local` is given: the running stack, or a refusal in words; never what is on the usual ports.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "local-deployment-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Asks infra/deployment.cjs as osls does for this command. */
function deploymentFor(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ code: number; said: string; deployment: Record<string, Record<string, unknown>> }> {
  const ask = `require(${JSON.stringify(resolve("infra/deployment.cjs"))})({
    options: {},
    resolveVariable: async (name) => ({ kafkaInstanceType: "kafka.t3.small", standby: false, deletionProtection: false,
      simulatedWeather: false, tracing: false, move: false, logRetentionDays: 14, databaseMaxCapacity: 4 })[name.slice(6)] ?? 1,
  }).then((deployment) => process.stdout.write(JSON.stringify(deployment)))`;
  return new Promise((done) => {
    const options = { env: { PATH: process.env.PATH, SMARTGRID_FOLDER: folder, ...env } };
    execFile(process.execPath, ["-e", ask, "--", "serverless", ...words], options, (error, stdout, stderr) =>
      done({
        code: error === null ? 0 : Number(error.code),
        said: stderr,
        deployment: JSON.parse(stdout || "{}"),
      }),
    );
  });
}

const invoke = ["invoke", "local", "-f", "sweep-windows"];
const writeStack = (pid: number) =>
  writeFileSync(
    join(folder, "stack.json"),
    JSON.stringify({
      pid,
      program: "node",
      environment: {
        KAFKA_BROKER: "127.0.0.1:9099",
        MSK_CLUSTER_ARN: "arn:aws:kafka:local:000000000000:cluster/mine/0-s1",
        KAFKA_TOPIC_WEATHER: "my-weather",
        AMENDMENT_HORIZON_DAYS: "3",
        POSTGRES_HOST: "127.0.0.1",
        POSTGRES_PORT: "5499",
        POSTGRES_DB: "smartgrid_db",
        POSTGRES_USER_SWEEP: "smartgrid_sweep_local",
      },
    }),
  );

test.each([[invoke], [["offline", "start"]]])(
  "%j: without a pipeline it is refused in words",
  async (words) => {
    const { code, said } = await deploymentFor(words, {});
    expect({ code, said }).toEqual({
      code: 1,
      said: "\nno pipeline is running: start one with `npm start`, or set KAFKA_BROKER (or MSK_CLUSTER_ARN) and POSTGRES_HOST of another one\n",
    });
  },
);

test("half a pipeline is refused, too", async () => {
  const { code, said } = await deploymentFor(invoke, { KAFKA_BROKER: "127.0.0.1:9092" });
  expect(code).toBe(1);
  expect(said).toContain("KAFKA_BROKER alone names half of a pipeline: set POSTGRES_HOST as well");
});

test("it is given the running stack: servers, source, topics, rules and users; what differs is said once", async () => {
  writeStack(process.pid);
  const { code, said, deployment } = await deploymentFor(invoke, { AMENDMENT_HORIZON_DAYS: "9" });
  expect({ code, said }).toEqual({
    code: 0,
    said: "AMENDMENT_HORIZON_DAYS: 9 here, 3 in the running `npm start`; 3 is used\n",
  });
  expect(deployment).toMatchObject({
    kafka: { brokers: "127.0.0.1:9099", arn: "arn:aws:kafka:local:000000000000:cluster/mine/0-s1" },
    topics: { weather: "my-weather" },
    rules: { AMENDMENT_HORIZON_DAYS: "3" },
    database: { host: "127.0.0.1", port: "5499", users: { sweep: "smartgrid_sweep_local" } },
  });
});

test("what a killed `npm start` has left is not used, and that is said", async () => {
  writeStack(2 ** 22 + 1);
  const { code, said } = await deploymentFor(invoke, {});
  expect(code).toBe(1);
  expect(said).toMatch(/stack\.json is left of an `npm start` \(process 4194305\) that was killed/);
});

test("what only reads the configuration needs no pipeline", async () => {
  expect((await deploymentFor(["print"], {})).code).toBe(0);
});
