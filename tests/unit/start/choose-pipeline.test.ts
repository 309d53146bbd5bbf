// Which pipeline a command is about.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { choosePipeline, NoPipelineError } from "../../../commands/running-stack/choose-pipeline.ts";
import type { RunningStack } from "../../../commands/running-stack/running-stack.ts";

const running: RunningStack = {
  http: "http://127.0.0.1:5006",
  kafka: "127.0.0.1:9093",
  postgres: "postgresql://smartgrid:own@127.0.0.1:5433/smartgrid_db",
  lambda: "http://127.0.0.1:3002",
  mskEndpoint: "http://127.0.0.1:1",
  control: "http://127.0.0.1:1",
  pid: 4711,
  program: "start.ts",
  environment: {
    KAFKA_BROKER: "127.0.0.1:9093",
    MSK_CLUSTER_ARN: "arn:aws:kafka:local:000000000000:cluster/smartgrid-local/0-s1",
    KAFKA_TOPIC_SENSOR_DATA: "my-sensors",
    AMENDMENT_HORIZON_DAYS: "3",
    POSTGRES_HOST: "127.0.0.1",
    POSTGRES_PORT: "5433",
    POSTGRES_DB: "smartgrid_db",
    POSTGRES_USER: "smartgrid",
    POSTGRES_PASSWORD: "own",
  },
};
const found = { stack: running, left: null };
const nothing = { stack: null, left: null };

test("with nothing set, all of it is the running stack's: topics, rules, source, servers", () => {
  const { environment, notes } = choosePipeline({ HOME: "/home/me" }, found);
  expect(environment).toEqual({ HOME: "/home/me", ...running.environment });
  expect(notes).toEqual([]);
});

test("the same servers, written another way, are the running stack", () => {
  const env = {
    KAFKA_BROKER: "other.example:9092, localhost:9093",
    POSTGRES_HOST: "localhost",
    POSTGRES_PORT: "5433",
  };
  const { environment, notes } = choosePipeline(env, found);
  expect(environment).toMatchObject(running.environment);
  expect(notes).toEqual([]);
});

test("another topic, rule or source than the running stack's is said, with both values, and not used", () => {
  const env = {
    KAFKA_TOPIC_SENSOR_DATA: "smartgrid-sensor-data",
    AMENDMENT_HORIZON_DAYS: "30",
    KAFKA_BROKER: "127.0.0.1:9093",
    MSK_CLUSTER_ARN: "arn:other",
  };
  const { environment, notes } = choosePipeline(env, found);
  expect(environment).toEqual(running.environment);
  expect(notes).toHaveLength(3);
  expect(notes).toContain("AMENDMENT_HORIZON_DAYS: 30 here, 3 in the running `npm start`; 3 is used");
  expect(notes).toContain(
    "KAFKA_TOPIC_SENSOR_DATA: smartgrid-sensor-data here, my-sensors in the running `npm start`; my-sensors is used",
  );
});

test("a password is never said", () => {
  const { environment, notes } = choosePipeline({ POSTGRES_PASSWORD: "mine" }, found);
  expect(environment.POSTGRES_PASSWORD).toBe("own");
  expect(notes).toEqual([
    "POSTGRES_PASSWORD: another one here than in the running `npm start`, whose one is used",
  ]);
});

test("another user of the same database logs in as himself", () => {
  const env = {
    POSTGRES_HOST: "127.0.0.1",
    POSTGRES_PORT: "5433",
    POSTGRES_USER: "reader",
    POSTGRES_PASSWORD: "r",
  };
  const { environment } = choosePipeline(env, found);
  expect(environment).toEqual({ ...running.environment, POSTGRES_USER: "reader", POSTGRES_PASSWORD: "r" });
});

test("other servers are another pipeline, nothing of the running one is used, and that is said", () => {
  const env = { KAFKA_BROKER: "kafka.example:9092", POSTGRES_HOST: "db.example" };
  const { environment, notes } = choosePipeline(env, found);
  expect(environment).toEqual(env);
  expect(notes).toEqual([
    "KAFKA_BROKER: kafka.example:9092 here, 127.0.0.1:9093 in the running `npm start`; the pipeline that the environment names is used",
    "POSTGRES_HOST: db.example:5432/smartgrid_db here, 127.0.0.1:5433/smartgrid_db in the running `npm start`; the pipeline that the environment names is used",
  ]);
});

test.each([
  ["the port", { POSTGRES_HOST: "127.0.0.1" }],
  ["the name", { POSTGRES_HOST: "127.0.0.1", POSTGRES_PORT: "5433", POSTGRES_DB: "other" }],
  ["the host", { POSTGRES_HOST: "db.example", POSTGRES_PORT: "5433" }],
])("a database that differs by %s is never paired with the running stack's Kafka", (_, env) => {
  expect(() => choosePipeline(env, found)).toThrow(NoPipelineError);
  expect(() => choosePipeline(env, found)).toThrow(
    "POSTGRES_HOST alone names half of a pipeline: set KAFKA_BROKER (or MSK_CLUSTER_ARN) as well",
  );
  const { environment } = choosePipeline(env, found, { kafka: false, database: true });
  expect(environment).toEqual(env);
});

test.each(["KAFKA_BROKER", "MSK_CLUSTER_ARN"])("nor another %s with its database", (variable) => {
  const env = { [variable]: "other:9092" };
  expect(() => choosePipeline(env, found)).toThrow(
    `${variable} alone names half of a pipeline: set POSTGRES_HOST`,
  );
});

test("where nothing runs, what is missing is named; half a pipeline is none", () => {
  expect(() => choosePipeline({}, nothing)).toThrow(
    "no pipeline is running: start one with `npm start`, or set KAFKA_BROKER (or MSK_CLUSTER_ARN) and POSTGRES_HOST",
  );
  expect(() => choosePipeline({ KAFKA_BROKER: "k:9092" }, nothing)).toThrow("set POSTGRES_HOST as well");
  const env = { MSK_CLUSTER_ARN: "arn", POSTGRES_HOST: "db" };
  expect(choosePipeline(env, nothing)).toEqual({ environment: env, notes: [] });
});

test("what a killed start has left is said, whether or not it matters", () => {
  const killed = { stack: null, left: ".local/stack.json is left of …" };
  expect(() => choosePipeline({}, killed)).toThrow(
    /^\.local\/stack\.json is left of …\nno pipeline is running/,
  );
  const env = { KAFKA_BROKER: "k:9092", POSTGRES_HOST: "db" };
  expect(choosePipeline(env, killed).notes).toEqual([killed.left]);
});

const folders: string[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  vi.resetModules();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** What is found where the file names this process. */
async function findOf(pid: number, program: string) {
  const folder = mkdtempSync(join(tmpdir(), "running-stack-"));
  folders.push(folder);
  writeFileSync(join(folder, "stack.json"), JSON.stringify({ ...running, pid, program }));
  vi.stubEnv("SMARTGRID_FOLDER", folder);
  vi.resetModules();
  const { findRunningStack } = await import("../../../commands/running-stack/running-stack.ts");
  return findRunningStack();
}

test("a stack file is believed as long as its process runs", async () => {
  expect(await findOf(process.pid, "node")).toMatchObject({ stack: { pid: process.pid }, left: null });
});

test.each([
  ["is gone", 2 ** 22 + 1, "node"],
  ["is another program's by now", process.pid, "commands/start/index.ts --of-a-killed-run"],
])("one whose process %s is told as left", async (_, pid, program) => {
  const { stack, left } = await findOf(pid, program);
  expect(stack).toBeNull();
  expect(left).toMatch(`is left of an \`npm start\` (process ${pid}) that was killed`);
});
