// Functions from their packaged zips log in to Kafka as they would to MSK, with TLS and IAM, and do their work with the
// policy of their own role; with any one action less they are refused.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openArchive } from "../../lib/kafka/archive.ts";
import { REGION } from "../../scripts/deploy-check/template.ts";
import { actionsOf, type IamClients, startIamClients, topics, without } from "./msk/clients.ts";
import type { Credentials } from "./msk/cluster.ts";
import { pollOnce } from "./msk/trigger.ts";

const DENIED = /Access denied \(\S+ may not kafka-cluster:Connect\)/;
const TOPIC = /Topic authorization failed/;
const GROUP = /Group authorization failed/;

const producing = { Connect: DENIED, DescribeTopic: TOPIC, WriteData: TOPIC };
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
  "sweep-windows": { Connect: DENIED, DescribeTopic: TOPIC, ReadData: TOPIC },
  "aggregate-sensor": polling,
  "aggregate-consumption": polling,
  "aggregate-weather": polling,
};
const groups: Readonly<Record<string, string>> = {
  "aggregate-sensor": topics.sensor,
  "aggregate-consumption": topics.consumption,
  "aggregate-weather": topics.weather,
};
const producers = Object.keys(refusals).filter((name) => refusals[name] === producing);

let clients: IamClients;
beforeAll(async () => {
  clients = await startIamClients();
});
afterAll(() => clients?.close());
afterEach(() => {
  clients.cluster.front.aheadMs = 0;
  clients.cluster.front.maxSessionMs = Number.POSITIVE_INFINITY;
});

const keyOf = (principal: string) => clients.cluster.credentialsOf(principal);

/** The function once, or its trigger. @returns null where the work was done, else why not */
async function attempt(
  name: string,
  credentials: Credentials = keyOf(name),
  more: Readonly<Record<string, string>> = {},
): Promise<string | null> {
  const topic = groups[name];
  if (topic !== undefined) {
    const { brokers, caFile } = clients.cluster;
    return pollOnce(
      { brokers, caFile, region: REGION, credentials },
      topic,
      `smartgrid-prod-${name}-${topic}`,
    ).then(
      () => null,
      (error) => String(error),
    );
  }
  const running = await clients.start(name, credentials, more);
  try {
    return await clients.failureOf(name, running);
  } finally {
    await running.stop();
  }
}

test("create-topics creates them with its own policy, and not with an action less", async () => {
  const { admin } = clients.cluster;
  for (const [action, reason] of Object.entries(refusals["create-topics"] ?? {}))
    expect(await attempt("create-topics", keyOf(without("create-topics", action))), action).toMatch(reason);
  // Without describing them it has made them and could not see that they are there.
  await admin.deleteTopics({ topics: Object.values(topics) });
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
    expect(await attempt(name, keyOf(without(name, action)))).toMatch(reason);
  });

  test("these are all actions of all policies, but for one that shows nothing", () => {
    const named = clients.identities.filter(({ principal }) => !principal.includes("-without-"));
    const actual = named.map(({ principal, allowed }) => [principal, actionsOf(allowed).sort()] as const);
    const shown = Object.entries(refusals).map(([name, reasons]) => {
      const idempotently = producers.includes(name) ? ["WriteDataIdempotently"] : [];
      return [name, [...Object.keys(reasons), ...idempotently].sort()] as const;
    });
    expect(Object.fromEntries(actual)).toEqual({ "migrate-database": [], ...Object.fromEntries(shown) });
  });

  // Only an idempotent producer asks for a producer's id, which is all that this action allows, and ours is none. Kafka
  // itself would not show it either: since 3.0 whoever may write to any topic may write idempotently (KIP-679).
  test.each(producers)("%s without WriteDataIdempotently sends all the same", async (name) => {
    expect(await attempt(name, keyOf(without(name, "WriteDataIdempotently")))).toBeNull();
  });

  test("ingest-sensor cannot write to the meters' topic", async () => {
    const swapped = { KAFKA_TOPIC_SENSOR_DATA: topics.consumption };
    expect(await attempt("ingest-sensor", undefined, swapped)).toMatch(TOPIC);
  });
});

describe("a login that is refused names its cause", () => {
  test("a wrong secret access key", async () => {
    const wrong = { ...keyOf("ingest-sensor"), secretAccessKey: "another" };
    expect(await attempt("ingest-sensor", wrong)).toMatch(
      /authentication failed: .*the signature is not that of/,
    );
  });

  test("an expired token", async () => {
    clients.cluster.front.aheadMs = 16 * 60_000;
    expect(await attempt("ingest-sensor")).toMatch(/authentication failed: .*the token expired at/);
  });

  test("a certificate that nobody vouches for: then no token is sent", async () => {
    const before = clients.cluster.front.logins.length;
    expect(await attempt("ingest-sensor", undefined, { NODE_EXTRA_CA_CERTS: "" })).toMatch(
      /self-signed certificate/,
    );
    const settings = { brokers: [clients.cluster.brokers], clusterArn: null, clientId: "archive", iam: true };
    const archive = openArchive(settings); // in this process, which trusts nobody else either
    await expect(archive.partitions(topics.sensor, 0)).rejects.toThrow(/self-signed certificate/);
    await archive.close();
    expect(clients.cluster.front.logins).toHaveLength(before);
  });
});

describe.each(["ingest-sensor", "health"])("%s, warm, does not notice the end of its session", (name) => {
  /** Two invocations of one execution environment. @returns the logins for them */
  async function twice(between: (running: Awaited<ReturnType<IamClients["start"]>>) => void) {
    const { logins } = clients.cluster.front;
    const before = logins.length;
    const running = await clients.start(name, keyOf(name));
    try {
      expect(await clients.failureOf(name, running)).toBeNull();
      between(running);
      expect(await clients.failureOf(name, running)).toBeNull();
      expect(running.log()).not.toContain('"level":"error"');
    } finally {
      await running.stop();
    }
    return logins.slice(before);
  }

  test("that is near: it logs in anew on the same connection", async () => {
    clients.cluster.front.maxSessionMs = 5_000; // less than the 10 s before the end from which kafkajs does
    expect(await twice(() => undefined)).toContainEqual({ principal: name, isAgain: true });
  });

  test("that came while it was frozen: it logs in anew", async () => {
    const logins = await twice((running) => {
      running.freeze();
      clients.cluster.front.expireSessions();
      running.thaw();
    });
    expect(logins.length).toBeGreaterThan(1);
  });

  test("with the connection, while it was frozen", async () => {
    const logins = await twice((running) => {
      running.freeze();
      clients.cluster.front.endConnections();
      running.thaw();
    });
    expect(logins.length).toBeGreaterThan(1);
  });
});
