// The functions run from their packaged zips, on a real Kafka and a real PostgreSQL: the steps of a deployment, then the
// everyday path.

import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EachMessagePayload, Kafka, logLevel } from "kafkajs";
import pg from "pg";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type Packaged, readPackaged } from "../../scripts/deploy-check/assertions.ts";
import { connectKafka, type TestKafka } from "../integration/topics.ts";
import {
  type AwsAround,
  environmentOf,
  type Invocation,
  invoke,
  startAwsAround,
  unpackFunction,
} from "./lambda.ts";
import { type PackageRun, packageStage, parameters } from "./packaged.ts";

const names = [
  "create-topics",
  "migrate-database",
  "ingest-sensor",
  "aggregate-sensor",
  "produce-weather",
  "sweep-windows",
  "health",
];
const own = randomUUID().replaceAll("-", "");
const topics = { sensor: `sensor-${own}`, consumption: `consumption-${own}`, weather: `weather-${own}` };
const suffix = `packaged${own.slice(0, 8)}`;
const user = (kind: string) => ({ username: `smartgrid_${kind}_${suffix}`, password: `${kind}-${own}` });

let run: PackageRun;
let packaged: Packaged;
let folder: string;
let kafka: TestKafka;
let aws: AwsAround;
let owner: pg.Pool;
let database: URL;
const folders = new Map<string, string>();

beforeAll(async () => {
  const admin = new URL(inject("postgresUrl"));
  database = new URL(admin);
  database.pathname = `/packaged_${own}`;
  const client = new pg.Client({ connectionString: admin.href });
  await client.connect();
  await client.query(`CREATE DATABASE packaged_${own}`);
  await client.end();
  owner = new pg.Pool({ connectionString: database.href, max: 1 });
  aws = await startAwsAround(inject("kafkaBrokers"), {
    DatabaseSecret: {
      username: decodeURIComponent(admin.username),
      password: decodeURIComponent(admin.password),
    },
    IngestSecret: user("ingest"),
    SweepSecret: user("sweep"),
    ApiSecret: user("api"),
    ReadSecret: user("read"),
  });
  kafka = await connectKafka();
  run = await packageStage("prod", parameters);
  expect(run.output).toContain("Service packaged");
  packaged = await readPackaged(run.folder);
  folder = await mkdtemp(join(tmpdir(), "smartgrid-lambda-"));
  for (const name of names) folders.set(name, await unpackFunction(run.folder, folder, name));
});
afterAll(async () => {
  await Promise.all([kafka?.close(), owner?.end(), aws?.close(), run?.remove()]);
  if (folder) await rm(folder, { recursive: true, force: true });
});

/** With the template's variables, but for where Kafka, PostgreSQL and Secrets Manager are. */
function call(
  name: string,
  event: unknown,
  from = folders.get(name) ?? "",
  more: Readonly<Record<string, string>> = {},
): Promise<Invocation> {
  const kind = /_(ingest|sweep|api)_/.exec(environmentOf(packaged.template, name).POSTGRES_USER ?? "")?.[1];
  return invoke(
    from,
    name,
    {
      ...environmentOf(packaged.template, name),
      AWS_REGION: "eu-central-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url,
      KAFKA_BROKER: kafka.brokers,
      KAFKA_TOPIC_SENSOR_DATA: topics.sensor,
      KAFKA_TOPIC_METER_READINGS: topics.consumption,
      KAFKA_TOPIC_WEATHER: topics.weather,
      POSTGRES_HOST: database.hostname,
      POSTGRES_PORT: database.port,
      POSTGRES_DB: database.pathname.slice(1),
      POSTGRES_CA_FILE: "",
      LOGIN_SUFFIX: suffix,
      ...(kind === undefined ? {} : { POSTGRES_USER: user(kind).username }),
      ...more,
    },
    event,
  );
}

async function step(name: string, properties: unknown, from?: string): Promise<unknown> {
  const event = {
    RequestType: "Create",
    ResponseURL: `${aws.url}/answer`,
    StackId: "stack",
    RequestId: randomUUID(),
    LogicalResourceId: name,
    ResourceProperties: properties,
  };
  const { code, log } = await call(name, event, from);
  expect(code, log).toBe(0);
  const answer = aws.answers.at(-1);
  expect(answer).toMatchObject({ RequestId: event.RequestId, PhysicalResourceId: name, StackId: "stack" });
  return answer;
}

const request = (method: string, path: string, body?: unknown) => ({
  version: "2.0",
  rawPath: path,
  rawQueryString: "",
  headers: { "content-type": "application/json", host: "localhost" },
  requestContext: { http: { method, path }, domainName: "localhost", stage: "$default" },
  ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  isBase64Encoded: false,
});

/** The first record that a topic has, in whichever partition. */
async function firstRecord(topic: string): Promise<EachMessagePayload> {
  const client = new Kafka({ brokers: kafka.brokers.split(","), logLevel: logLevel.NOTHING });
  const consumer = client.consumer({ groupId: `first-${randomUUID()}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  try {
    return await new Promise((resolve, reject) => {
      consumer.run({ eachMessage: async (payload) => resolve(payload) }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
}

const migrateProperties = { Migrations: "any" };

test("create-topics creates what is missing, and then nothing", async () => {
  const Topics = Object.values(topics).map((Name) => ({ Name, Partitions: "2" }));
  expect(await step("create-topics", { Topics })).toMatchObject({
    Status: "SUCCESS",
    Data: { Result: `created ${Object.values(topics).join(", ")}` },
  });
  expect(
    (await kafka.admin.fetchTopicMetadata({ topics: [topics.sensor] })).topics[0]?.partitions,
  ).toHaveLength(2);
  expect(await step("create-topics", { Topics })).toMatchObject({
    Status: "SUCCESS",
    Data: { Result: "nothing to create: all topics are there" },
  });
});

test("create-topics fails the deployment where Kafka refuses, with its reason", async () => {
  expect(await step("create-topics", { Topics: [{ Name: `none-${own}`, Partitions: "-7" }] })).toMatchObject({
    Status: "FAILED",
    Reason: expect.stringMatching(/^topic none-\w+: .*partitions/i),
  });
});

test("migrate-database migrates an empty database and gives each kind of function its user", async () => {
  expect(await step("migrate-database", migrateProperties)).toMatchObject({
    Status: "SUCCESS",
    Data: { Result: expect.stringMatching(/^applied 0001_aggregates\.sql, .*0005_roles\.sql/) },
  });
  const { rows } = await owner.query("SELECT rolname FROM pg_roles WHERE rolname LIKE $1 AND rolcanlogin", [
    `%\\_${suffix}`,
  ]);
  expect(rows).toHaveLength(4);
  expect(await step("migrate-database", migrateProperties)).toMatchObject({
    Status: "SUCCESS",
    Data: { Result: "nothing to apply: the database is at the newest migration" },
  });
});

test("a migration that fails fails the deployment with its reason, and changes nothing", async () => {
  const broken = await unpackFunction(run.folder, join(folder, "broken"), "migrate-database");
  const { rows } = await owner.query<{ newest: number }>(
    "SELECT max(version) AS newest FROM schema_migration",
  );
  const name = `${String((rows[0]?.newest ?? 0) + 1).padStart(4, "0")}_broken.sql`;
  await writeFile(
    join(broken, "infra/migrations", name),
    "CREATE TABLE half (x int); SELECT no_such_function();",
  );
  expect(await step("migrate-database", migrateProperties, broken)).toMatchObject({
    Status: "FAILED",
    Reason: expect.stringContaining(
      `migration ${name} failed and was rolled back: function no_such_function() does not exist`,
    ),
  });
  expect((await owner.query("SELECT to_regclass('half') AS half")).rows).toEqual([{ half: null }]);
});

test("removing the stack removes no table: the step says so without asking the database", async () => {
  const event = {
    RequestType: "Delete",
    ResponseURL: aws.url,
    StackId: "s",
    RequestId: "r",
    LogicalResourceId: "l",
  };
  const askedBefore = aws.asked.length;
  expect((await call("migrate-database", event)).code).toBe(0);
  expect(aws.answers.at(-1)).toMatchObject({ Status: "SUCCESS", Data: { Result: "kept" } });
  expect(aws.asked).toHaveLength(askedBefore);
});

test("the everyday path: a reading over HTTP becomes a row, with each function's own user and secret", async () => {
  const now = new Date();
  const reading = {
    sensor_id: "s1",
    sensor_type: "voltage",
    value: 230.5,
    unit: "V",
    timestamp: now.toISOString(),
    location: { lat: 41.33, lon: 19.82 },
  };
  const posted = await call("ingest-sensor", request("POST", "/api/v1/ingest/sensor", reading));
  expect(posted.answer, posted.log).toMatchObject({
    statusCode: expect.toSatisfy((status) => status >= 200 && status < 300),
  });

  const { partition, message } = await firstRecord(topics.sensor);
  const record = {
    ...{ topic: topics.sensor, partition, offset: 0, timestamp: Number(message.timestamp) },
    ...{ timestampType: "CREATE_TIME", key: message.key?.toString("base64") ?? "", headers: [] },
    value: message.value?.toString("base64") ?? "",
  };
  const event = {
    eventSource: "aws:kafka",
    eventSourceArn: environmentOf(packaged.template, "aggregate-sensor").MSK_CLUSTER_ARN,
    bootstrapServers: kafka.brokers,
    records: { [`${topics.sensor}-${partition}`]: [record] },
  };
  const folded = await call("aggregate-sensor", event);
  expect(folded.code, folded.log).toBe(0);
  expect(aws.asked.at(-1)).toBe("IngestSecret");
  const { rows } = await owner.query(
    "SELECT sensor_id, count, avg_value, state FROM sensor_aggregates_realtime",
  );
  expect(rows).toMatchObject([{ sensor_id: "s1", state: "open" }]);

  for (const [name, secret] of [
    ["produce-weather", undefined],
    ["sweep-windows", "SweepSecret"],
  ] as const) {
    const { code, log } = await call(name, { time: now.toISOString() });
    expect(code, log).toBe(0);
    if (secret !== undefined) expect(aws.asked.at(-1)).toBe(secret);
  }
  const ready = await call("health", request("GET", "/ready"));
  expect(ready.answer, ready.log).toMatchObject({ statusCode: 200 });
  expect(aws.asked.at(-1)).toBe("ApiSecret");
});

test("brokers are asked of MSK where none are named", async () => {
  const { code, log } = await call("produce-weather", {}, undefined, {
    KAFKA_BROKER: "",
    KAFKA_AUTH: "none",
    AWS_ENDPOINT_URL_KAFKA: aws.url,
  });
  expect(code, log).toBe(0);
  expect(log).toContain('"message":"weather sent"');
});

test("a password that is refused is trouble with infrastructure: the batch comes again", async () => {
  await owner.query(`ALTER ROLE smartgrid_ingest_${suffix} PASSWORD 'another'`);
  const value = Buffer.from("{}").toString("base64");
  const records = {
    [`${topics.sensor}-0`]: [
      {
        topic: topics.sensor,
        partition: 0,
        offset: 5,
        timestamp: Date.now(),
        timestampType: "CREATE_TIME",
        key: "",
        value,
        headers: [],
      },
    ],
  };
  const { code, log } = await call("aggregate-sensor", {
    eventSource: "aws:kafka",
    eventSourceArn: "arn:aws:kafka:a:1:cluster/c/u",
    bootstrapServers: "b",
    records,
  });
  expect(code).toBe(1);
  expect(log).toContain("password authentication failed");
});
