// The functions run from their packaged zips, on a real Kafka and a real PostgreSQL behind RDS's login: the steps of a
// deployment, then the everyday path, each function as its own user of the database.

import { randomUUID } from "node:crypto";
import { type EachMessagePayload, Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { connectKafka, type TestKafka } from "../integration/topics.ts";
import { type Deployment, startDeployment } from "./deployment.ts";
import { environmentOf } from "./lambda.ts";

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

let deployment: Deployment;
let kafka: TestKafka;

beforeAll(async () => {
  kafka = await connectKafka();
  deployment = await startDeployment(names, inject("kafkaBrokers"));
});
afterAll(() => Promise.all([kafka?.close(), deployment?.close()]));

const call: Deployment["call"] = (name, event, more = {}) =>
  deployment.call(name, event, { ...more, environment: { ...onKafka(), ...more.environment } });
const step: Deployment["step"] = (name, properties, more = {}) =>
  deployment.step(name, properties, { ...more, environment: { ...onKafka(), ...more.environment } });

/** Kafka without IAM, and topics of this file's own. */
const onKafka = () => ({
  KAFKA_BROKER: kafka.brokers,
  KAFKA_TOPIC_SENSOR_DATA: topics.sensor,
  KAFKA_TOPIC_METER_READINGS: topics.consumption,
  KAFKA_TOPIC_WEATHER: topics.weather,
});

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

test("migrate-database migrates an empty database and gives each kind of function a user without a password", async () => {
  expect(await step("migrate-database", migrateProperties)).toMatchObject({
    Status: "SUCCESS",
    Data: { Result: expect.stringMatching(/^applied 0001_aggregates\.sql, .*0005_roles\.sql/) },
  });
  const { rows } = await deployment.observer.query(
    `SELECT rolname, rolcanlogin, rolpassword FROM pg_authid WHERE rolname LIKE '%\\_prod' ORDER BY 1`,
  );
  expect(rows).toEqual(
    ["api", "ingest", "read", "sweep"].map((kind) => ({
      rolname: `smartgrid_${kind}_prod`,
      rolcanlogin: true,
      rolpassword: null,
    })),
  );
  expect(await step("migrate-database", migrateProperties)).toMatchObject({
    Status: "SUCCESS",
    Data: { Result: "nothing to apply: the database has all migrations of this version" },
  });
});

test("a user that had a password loses it", async () => {
  await deployment.observer.query("ALTER ROLE smartgrid_ingest_prod PASSWORD 'of an earlier version'");
  expect(await step("migrate-database", migrateProperties)).toMatchObject({ Status: "SUCCESS" });
  const { rows } = await deployment.observer.query("SELECT FROM pg_authid WHERE rolpassword IS NOT NULL");
  expect(rows).toHaveLength(1); // rdsadmin, who is the test's own
});

test("removing the stack removes no table: the step says so without asking the database", async () => {
  const event = {
    RequestType: "Delete",
    ResponseURL: deployment.aws.url,
    StackId: "s",
    RequestId: "r",
    LogicalResourceId: "l",
  };
  const loginsBefore = deployment.front.logins.length;
  expect((await call("migrate-database", event)).code).toBe(0);
  expect(deployment.aws.answers.at(-1)).toMatchObject({ Status: "SUCCESS", Data: { Result: "kept" } });
  expect(deployment.front.logins).toHaveLength(loginsBefore);
});

test("the everyday path: a reading over HTTP becomes a row, with each function's own user", async () => {
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
    eventSourceArn: environmentOf(deployment.packaged.template, "aggregate-sensor").MSK_CLUSTER_ARN,
    bootstrapServers: kafka.brokers,
    records: { [`${topics.sensor}-${partition}`]: [record] },
  };
  const folded = await call("aggregate-sensor", event);
  expect(folded.code, folded.log).toBe(0);
  const login = (principal: string, kind: string) => ({ principal, user: `smartgrid_${kind}_prod` });
  expect(deployment.front.logins.at(-1)).toEqual(login("aggregate-sensor", "ingest"));
  const { rows } = await deployment.observer.query(
    "SELECT sensor_id, count, avg_value, state FROM sensor_aggregates_realtime",
  );
  expect(rows).toMatchObject([{ sensor_id: "s1", state: "open" }]);

  for (const name of ["produce-weather", "sweep-windows"]) {
    const { code, log } = await call(name, { time: now.toISOString() });
    expect(code, log).toBe(0);
  }
  expect(deployment.front.logins.at(-1)).toEqual(login("sweep-windows", "sweep"));
  const ready = await call("health", request("GET", "/ready"));
  expect(ready.answer, ready.log).toMatchObject({ statusCode: 200 });
  expect(deployment.front.logins.at(-1)).toEqual(login("health", "api"));
  expect(deployment.front.refusals).toEqual([]);
});

test("brokers are asked of MSK where none are named", async () => {
  const { code, log } = await call(
    "produce-weather",
    {},
    { environment: { KAFKA_BROKER: "", KAFKA_AUTH: "none", AWS_ENDPOINT_URL_KAFKA: deployment.aws.url } },
  );
  expect(code, log).toBe(0);
  expect(log).toContain('"message":"weather sent"');
});
