// The functions run from their packaged zips, on a real Kafka behind MSK's login and a real PostgreSQL behind RDS's: the
// steps of a deployment, then the everyday path, each function with its own role, and as its own user of the database.

import { afterAll, beforeAll, expect, test } from "vitest";
import { openArchive } from "../../lib/kafka/archive.ts";
import { until } from "../integration/topics.ts";
import { type Deployment, startDeployment } from "./deployment.ts";
import { deliveryOf, topics, work } from "./events.ts";
import { without } from "./identities.ts";
import { failureIn } from "./lambda.ts";
import { aclsOf } from "./msk/acls.ts";
import { CREATE_TOPICS, LIST_OFFSETS } from "./msk/frames.ts";

let deployment: Deployment;
beforeAll(async () => {
  deployment = await startDeployment();
});
afterAll(() => deployment?.close());

/** The first record that a topic has, in whichever partition. */
async function firstRecord(topic: string) {
  const archive = openArchive({
    ...{ brokers: [deployment.kafka.plainBrokers], clusterArn: null },
    ...{ clientId: "test", iam: false },
  });
  try {
    for (const { partition, first, end } of await archive.partitions(topic, 0))
      for await (const [record] of archive.read(topic, partition, [{ from: first, to: end }]))
        if (record !== undefined) return { partition, offset: record.offset, value: record.value };
    throw new Error(`${topic} has no record`);
  } finally {
    await archive.close();
  }
}

test("create-topics fails the deployment where Kafka refuses, with its reason", async () => {
  const Topics = [{ Name: topics.sensor, Partitions: "-7" }];
  expect(await deployment.step("create-topics", { Topics })).toMatchObject({
    Status: "FAILED",
    Reason: expect.stringMatching(/^topic smartgrid-sensor-data: .*partitions/i),
  });
});

test("create-topics creates what is missing, and then nothing", async () => {
  const Topics = Object.values(topics).map((Name) => ({ Name, Partitions: "2" }));
  expect(await deployment.step("create-topics", { Topics })).toMatchObject({
    Status: "SUCCESS",
    Data: {
      Result: `created ${Object.values(topics).join(", ")}`,
      At: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d$/),
    },
  });
  const { topics: made } = await deployment.kafka.admin.fetchTopicMetadata({ topics: [topics.sensor] });
  expect(made[0]?.partitions).toHaveLength(2);
  expect(await deployment.step("create-topics", { Topics })).toMatchObject({
    Status: "SUCCESS",
    Data: { Result: "nothing to create: all topics are there" },
  });
});

test("create-topics says where topics that were there have too few partitions", async () => {
  const Topics = Object.values(topics).map((Name) => ({
    Name,
    Partitions: Name === topics.sensor ? "3" : "1",
  }));
  expect(await deployment.step("create-topics", { Topics })).toMatchObject({
    Status: "SUCCESS",
    Data: {
      Result:
        "nothing to create: all topics are there; smartgrid-sensor-data has 2 partitions, 3 are wanted: " +
        "kafka-topics.sh --bootstrap-server $BROKERS --command-config iam.properties " +
        "--alter --topic smartgrid-sensor-data --partitions 3; $BROKERS and iam.properties: docs/runbook.md, lag-high",
    },
  });
});

const sensorTopic = { Topics: [{ Name: topics.sensor, Partitions: "2" }] };

test("create-topics fails the deployment on a cluster that cannot be asked for offsets", async () => {
  const { withheld } = deployment.kafka.front;
  withheld.add(LIST_OFFSETS);
  try {
    expect(await deployment.step("create-topics", sensorTopic)).toMatchObject({
      Status: "FAILED",
      Reason: expect.stringMatching(/does not support/),
    });
  } finally {
    withheld.clear();
  }
});

async function deleteSensorTopic(): Promise<void> {
  const { admin } = deployment.kafka;
  await admin.deleteTopics({ topics: [topics.sensor] });
  await until(
    () => admin.listTopics(),
    (listed) => !listed.includes(topics.sensor),
  );
}
const created = { Status: "SUCCESS", Data: { Result: `created ${topics.sensor}` } };

test("create-topics has more patience with a new cluster than functions with callers have", async () => {
  const { delaysMs } = deployment.kafka.front;
  await deleteSensorTopic();
  delaysMs.set(CREATE_TOPICS, 4_000);
  try {
    expect(await deployment.step("create-topics", sensorTopic)).toMatchObject(created);
  } finally {
    delaysMs.clear();
  }
});

/** Enough for a refusal to be waited out. */
const LONG_MS = 200_000;

test("create-topics waits until its role's rights are known to Kafka", async () => {
  const principal = without("create-topics", "CreateTopic");
  const { admin, front } = deployment.kafka;
  await deleteSensorTopic();
  const before = front.logins.length;
  const step = deployment.step("create-topics", sensorTopic, {
    credentials: deployment.identityOf(principal),
    remainingMs: LONG_MS,
  });
  // The second login is that of another try.
  await until(
    async () => front.logins.slice(before).filter((login) => login.principal === principal),
    (logins) => logins.length > 1,
  );
  const { allowed } = deployment.identityOf("create-topics");
  await admin.createAcls({ acl: aclsOf(principal, allowed) });
  expect(await step).toMatchObject(created);
});

const migration = { Migrations: "any" };

test("migrate-database migrates an empty database and gives each kind of function a user without a password", async () => {
  expect(await deployment.step("migrate-database", migration)).toMatchObject({
    Status: "SUCCESS",
    Data: { Result: expect.stringMatching(/^applied 0001_roles\.sql, 0002_finality\.sql, /) },
  });
  const { rows } = await deployment.postgres.observer.query(
    `SELECT rolname, rolcanlogin, rolpassword FROM pg_authid WHERE rolname LIKE '%\\_prod' ORDER BY 1`,
  );
  expect(rows).toEqual(
    ["api", "ingest", "read", "sweep"].map((kind) => ({
      rolname: `smartgrid_${kind}_prod`,
      rolcanlogin: true,
      rolpassword: null,
    })),
  );
  expect(await deployment.step("migrate-database", migration)).toMatchObject({
    Status: "SUCCESS",
    Data: { Result: "nothing to apply: the database has all migrations of this version" },
  });
});

test("migrate-database waits until RDS lets its role in", async () => {
  const { observer, front } = deployment.postgres;
  const before = front.refusals.length;
  await observer.query("REVOKE rds_iam FROM smartgrid CASCADE");
  const step = deployment.step("migrate-database", migration, { remainingMs: LONG_MS });
  await until(
    async () => front.refusals.slice(before),
    (refusals) => refusals.length > 0,
  );
  await observer.query("GRANT rds_iam TO smartgrid WITH ADMIN OPTION");
  expect(await step).toMatchObject({ Status: "SUCCESS" });
  expect(front.refusals[before]).toMatch(/no member of rds_iam/);
});

test("a user that had a password loses it", async () => {
  await deployment.postgres.observer.query(
    "ALTER ROLE smartgrid_ingest_prod PASSWORD 'of an earlier version'",
  );
  expect(await deployment.step("migrate-database", migration)).toMatchObject({ Status: "SUCCESS" });
  const { rows } = await deployment.postgres.observer.query(
    "SELECT FROM pg_authid WHERE rolpassword IS NOT NULL",
  );
  expect(rows).toHaveLength(1); // rdsadmin, who is the test's own
});

test("removing the stack removes no table: the step says so without asking the database", async () => {
  const loginsBefore = deployment.postgres.front.logins.length;
  expect(await deployment.step("migrate-database", migration, { requestType: "Delete" })).toMatchObject({
    Status: "SUCCESS",
    Data: { Result: "kept" },
  });
  expect(deployment.postgres.front.logins).toHaveLength(loginsBefore);
});

test("the everyday path: a reading over HTTP becomes a row, with each function's own user and role", async () => {
  const { kafka, postgres } = deployment;
  const call = async (name: string, event = work[name]?.()) =>
    failureIn(await deployment.call(name, event)) ?? "done";
  const lastLogin = () => postgres.front.logins.at(-1);
  const login = (principal: string, kind: string) => ({ principal, user: `smartgrid_${kind}_prod` });
  const kafkaLoginsBefore = kafka.front.logins.length;
  const refusalsBefore = postgres.front.refusals.length;

  expect(await call("ingest-sensor")).toBe("done");
  const delivery = deliveryOf(deployment.clusterArn, topics.sensor, await firstRecord(topics.sensor));
  expect(await call("aggregate-sensor", delivery)).toBe("done");
  expect(lastLogin()).toEqual(login("aggregate-sensor", "ingest"));
  const { rows } = await postgres.observer.query(
    "SELECT sensor_id, count, avg_value, state FROM sensor_aggregates_realtime",
  );
  expect(rows).toMatchObject([{ sensor_id: "s1", state: "open" }]);

  expect(await call("produce-weather")).toBe("done");
  expect(await call("sweep-windows")).toBe("done");
  expect(lastLogin()).toEqual(login("sweep-windows", "sweep"));
  expect(await call("health")).toBe("done");
  expect(lastLogin()).toEqual(login("health", "api"));
  expect(postgres.front.refusals.slice(refusalsBefore)).toEqual([]);
  const onKafka = kafka.front.logins.slice(kafkaLoginsBefore).map(({ principal }) => principal);
  expect([...new Set(onKafka)]).toEqual(["ingest-sensor", "produce-weather", "sweep-windows", "health"]);
});

test("brokers without IAM are asked of MSK, too, where none are named", async () => {
  const loginsBefore = deployment.kafka.front.logins.length;
  const { error, log } = await deployment.call(
    "produce-weather",
    {},
    { environment: { KAFKA_AUTH: "none" } },
  );
  expect(error).toBeUndefined();
  expect(log).toContain('"message":"weather sent"');
  expect(deployment.kafka.front.logins).toHaveLength(loginsBefore);
});
