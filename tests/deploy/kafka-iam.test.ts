// Functions from their packaged zips log in to Kafka as they would to MSK, with TLS and IAM, and do their work with the
// policy of their own role; with any one action less they are refused.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { REGION } from "../../commands/deploy-check/template.ts";
import { openArchive } from "../../lib/kafka/archive.ts";
import { until } from "../integration/topics.ts";
import { type CallOptions, type Deployment, startDeployment } from "./deployment.ts";
import { topics, work } from "./events.ts";
import { actionsOf, without } from "./identities.ts";
import { failureIn, type WarmFunction } from "./lambda.ts";
import { pollOnce } from "./msk/trigger.ts";

const DENIED = /Access denied \(\S+ may not kafka-cluster:Connect\)/;
const TOPIC = /Topic authorization failed/;
const GROUP = /Group authorization failed/;
const CLUSTER = /Cluster authorization failed/;

const producing = { Connect: DENIED, WriteDataIdempotently: CLUSTER, DescribeTopic: TOPIC, WriteData: TOPIC };
const polling = {
  Connect: DENIED,
  DescribeTopic: TOPIC,
  ReadData: TOPIC,
  DescribeGroup: GROUP,
  AlterGroup: GROUP,
};

/** What each function says without each of its actions. */
const refusals: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  "create-topics": { Connect: DENIED, CreateTopic: TOPIC, DescribeTopic: TOPIC },
  "ingest-sensor": producing,
  "ingest-meter": producing,
  "generate-weather": producing,
  "produce-weather": producing,
  health: { Connect: DENIED, DescribeTopic: TOPIC },
  "sweep-windows": {
    ...{ Connect: DENIED, DescribeTopic: TOPIC, ReadData: TOPIC },
    DescribeGroup:
      /the group \S+ has no coordinator, or may not be described: with IAM, kafka-cluster:DescribeGroup/,
  },
  "aggregate-sensor": polling,
  "aggregate-consumption": polling,
  "aggregate-weather": polling,
};
/** Without these it does its work all the same, and warns of no compacted topic. */
const optional: Readonly<Record<string, readonly string[]>> = {
  "sweep-windows": ["DescribeTopicDynamicConfiguration"],
};
const groups: Readonly<Record<string, string>> = {
  "aggregate-sensor": topics.sensor,
  "aggregate-consumption": topics.consumption,
  "aggregate-weather": topics.weather,
};

let deployment: Deployment;
beforeAll(async () => {
  deployment = await startDeployment();
  expect(await deployment.step("migrate-database", {})).toMatchObject({ Status: "SUCCESS" });
});
afterAll(() => deployment?.close());
afterEach(() => {
  expect(deployment.kafka.front.refusals).toEqual([]);
  deployment.kafka.front.aheadMs = 0;
  deployment.kafka.front.maxSessionMs = Number.POSITIVE_INFINITY;
});

const withoutAction = (name: string, action: string) => ({
  credentials: deployment.identityOf(without(name, action)),
});

const Topics = Object.values(topics).map((Name) => ({ Name, Partitions: "2" }));

/** The function once, or its trigger. @returns null where the work was done, else why not */
async function attempt(name: string, options: CallOptions = {}): Promise<string | null> {
  const topic = groups[name];
  if (topic !== undefined) {
    const poller = {
      ...{ brokers: deployment.kafka.brokers, region: REGION },
      credentials: options.credentials ?? deployment.identityOf(name),
    };
    return pollOnce(poller, topic, `smartgrid-prod-${name}-${topic}`).then(() => null, String);
  }
  if (name === "create-topics") {
    const { Status, Reason } = await deployment.step(name, { Topics }, options);
    return Status === "SUCCESS" ? null : String(Reason);
  }
  return failureIn(await deployment.call(name, work[name]?.(), options));
}

test("create-topics creates them with its own policy, and not with an action less", async () => {
  const { admin } = deployment.kafka;
  for (const [action, reason] of Object.entries(refusals["create-topics"] ?? {}))
    expect(await attempt("create-topics", withoutAction("create-topics", action)), action).toMatch(reason);
  // Without describing them it has made them and could not see that they are there.
  await admin.deleteTopics({ topics: Object.values(topics) });
  await until(
    () => admin.listTopics(),
    (listed) => Object.values(topics).every((topic) => !listed.includes(topic)),
  );
  expect(await attempt("create-topics")).toBeNull();
  expect(await admin.listTopics()).toEqual(expect.arrayContaining(Object.values(topics)));
});

describe("with its own policy", () => {
  const users = Object.keys(refusals).filter((name) => name !== "create-topics");
  test.each(users)("%s does its work", async (name) => {
    expect(await attempt(name)).toBeNull();
  });
});

describe("with an action less", () => {
  const rows = Object.entries(refusals)
    .filter(([name]) => name !== "create-topics")
    .flatMap(([name, reasons]) =>
      Object.entries(reasons).map(([action, reason]) => [name, action, reason] as const),
    );
  test.each(rows)("%s without %s is refused", async (name, action, reason) => {
    expect(await attempt(name, withoutAction(name, action))).toMatch(reason);
  });

  test.each(
    Object.entries(optional).flatMap(([name, actions]) => actions.map((action) => [name, action] as const)),
  )("%s without %s does its work all the same", async (name, action) => {
    expect(await attempt(name, withoutAction(name, action))).toBeNull();
  });

  test("these are all actions of all policies", () => {
    const named = deployment.identities.filter(({ principal }) => !principal.includes("-without-"));
    const actual = named.map(({ principal, allowed }) => [principal, actionsOf(allowed).sort()] as const);
    const shown = Object.entries(refusals).map(
      ([name, reasons]) => [name, [...Object.keys(reasons), ...(optional[name] ?? [])].sort()] as const,
    );
    expect(Object.fromEntries(actual)).toEqual({ "migrate-database": [], ...Object.fromEntries(shown) });
  });

  test("ingest-sensor cannot write to the meters' topic", async () => {
    const { sensor, consumption } = topics;
    const environment = { KAFKA_TOPIC_SENSOR_DATA: consumption, KAFKA_TOPIC_METER_READINGS: sensor };
    expect(await attempt("ingest-sensor", { environment })).toMatch(TOPIC);
  });
});

describe("a login that is refused names its cause", () => {
  test("a wrong secret access key", async () => {
    const credentials = { ...deployment.identityOf("ingest-sensor"), secretAccessKey: "another" };
    expect(await attempt("ingest-sensor", { credentials })).toMatch(
      /authentication failed: .*the signature is not that of/,
    );
  });

  test("an expired token", async () => {
    deployment.kafka.front.aheadMs = 16 * 60_000;
    expect(await attempt("ingest-sensor")).toMatch(/authentication failed: .*the token expired at/);
  });

  test("a certificate that nobody vouches for: then no token is sent", async () => {
    const before = deployment.kafka.front.logins.length;
    expect(await attempt("ingest-sensor", { environment: { NODE_EXTRA_CA_CERTS: "" } })).toMatch(
      /self-signed certificate/,
    );
    const settings = {
      brokers: [deployment.kafka.brokers],
      clusterArn: null,
      clientId: "archive",
      iam: true,
    };
    const archive = openArchive(settings); // in this process, which trusts nobody else either
    await expect(archive.partitions(topics.sensor, 0)).rejects.toThrow(/self-signed certificate/);
    await archive.close();
    expect(deployment.kafka.front.logins).toHaveLength(before);
  });
});

describe.each(["ingest-sensor", "health"])("%s, warm, does not notice the end of its session", (name) => {
  /** Two invocations of one execution environment. @returns the logins for them */
  async function twice(between: (running: WarmFunction) => void) {
    const { logins } = deployment.kafka.front;
    const before = logins.length;
    const running = await deployment.start(name);
    try {
      expect(failureIn(await running.invoke(work[name]?.()))).toBeNull();
      between(running);
      expect(failureIn(await running.invoke(work[name]?.()))).toBeNull();
    } finally {
      expect(await running.stop()).not.toContain('"level":"error"');
    }
    return logins.slice(before);
  }

  test("that is near: it logs in anew on the same connection", async () => {
    deployment.kafka.front.maxSessionMs = 5_000; // less than the 10 s before the end from which kafkajs does
    expect(await twice(() => undefined)).toContainEqual({ principal: name, isAgain: true });
  });

  test("that came while it was frozen: it logs in anew", async () => {
    const logins = await twice((running) => {
      running.freeze();
      deployment.kafka.front.expireSessions();
      running.thaw();
    });
    expect(logins.length).toBeGreaterThan(1);
  });

  test("with the connection, while it was frozen", async () => {
    const logins = await twice((running) => {
      running.freeze();
      deployment.kafka.front.endConnections();
      running.thaw();
    });
    expect(logins.length).toBeGreaterThan(1);
  });
});
