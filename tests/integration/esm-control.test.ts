// The control planes (rules 12, 24, 25, 26) through the control port, on the wire and with AWS's own clients.

import { createServer, type Server } from "node:http";
import {
  DescribeClusterV2Command,
  GetBootstrapBrokersCommand,
  KafkaClient,
  ListClustersV2Command,
  ListNodesCommand,
} from "@aws-sdk/client-kafka";
import {
  CreateEventSourceMappingCommand,
  DeleteEventSourceMappingCommand,
  GetEventSourceMappingCommand,
  LambdaClient,
  paginateListEventSourceMappings,
  UpdateEventSourceMappingCommand,
} from "@aws-sdk/client-lambda";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startControlServer } from "../../localstack/control-plane/server.ts";
import { switchableFaults } from "../../localstack/event-source-mapping/faults.ts";
import type { Invoke } from "../../localstack/event-source-mapping/invoke.ts";
import { type Cluster, openCluster } from "../../localstack/event-source-mapping/kafka-cluster.ts";
import { logMetrics } from "../../localstack/event-source-mapping/metrics.ts";
import { MappingRegistry } from "../../localstack/event-source-mapping/registry.ts";
import { connectKafka, type TestKafka, until } from "./topics.ts";

const clusterArn =
  "arn:aws:kafka:eu-south-1:000000000000:cluster/local/00000000-0000-4000-8000-000000000000-s1";
const provisionedArn = `${clusterArn.slice(0, -3)}-2`;
const delivered: string[] = [];
/** What the functions wait for, and whether they fail then. */
let answering: () => Promise<void> = async () => undefined;
const invoke: Invoke = async (name, payload) => {
  delivered.push(`${name} ${Object.keys(JSON.parse(payload).records)}`);
  await answering();
  return "null";
};

let kafka: TestKafka;
let cluster: Cluster;
let registry: MappingRegistry;
let server: Server;
let lambda: Server;
let url: string;
const portOf = (one: Server) => {
  const address = one.address();
  return address !== null && typeof address === "object" ? address.port : 0;
};

beforeAll(async () => {
  kafka = await connectKafka();
  cluster = openCluster([kafka.brokers]);
  registry = new MappingRegistry({ brokers: [kafka.brokers], invoke, log: () => undefined });
  lambda = createServer((request, response) =>
    response.writeHead(200, { "x-seen": request.url ?? "" }).end('"called"'),
  );
  await new Promise<void>((resolve) => lambda.listen(0, "127.0.0.1", resolve));
  server = await startControlServer({
    port: 0,
    lambdaEndpoint: `http://127.0.0.1:${portOf(lambda)}`,
    faults: switchableFaults(null, () => undefined),
    lambda: { registry, functionNames: ["f", "g"], log: () => undefined },
    msk: {
      clusterArns: [clusterArn, provisionedArn],
      bootstrapServers: kafka.brokers,
      brokers: cluster.brokers,
      startedMs: Date.now(),
    },
  });
  url = `http://127.0.0.1:${portOf(server)}`;
});
afterEach(async () => {
  answering = async () => undefined;
  await Promise.all(registry.all.map((mapping) => registry.delete(mapping)));
});
afterAll(async () => {
  server.close();
  lambda.close();
  server.closeAllConnections();
  await Promise.all([registry.close(), cluster.close(), kafka.close()]);
});

interface Answer {
  readonly status: number;
  readonly errorType: string | null;
  readonly body: Record<string, unknown>;
}
async function call(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return {
    status: response.status,
    errorType: response.headers.get("x-amzn-errortype"),
    body: JSON.parse(await response.text()),
  };
}
const mappings = "/2015-03-31/event-source-mappings/";
const creation = (topic: string, more: Record<string, unknown> = {}) => ({
  EventSourceArn: clusterArn,
  FunctionName: "f",
  Topics: [topic],
  StartingPosition: "TRIM_HORIZON",
  MaximumBatchingWindowInSeconds: 0,
  ...more,
});
const stateOf = async (id: unknown) => (await call("GET", `${mappings}${id}`)).body.State;

describe("Lambda's API", () => {
  test("rule 25, rule 12: created, delivering, disabled, enabled with other settings, deleted, with AWS's states", async () => {
    const topic = await kafka.createTopic(1);
    const created = await call("POST", mappings, creation(topic));
    expect(created).toMatchObject({
      status: 202,
      body: { State: "Creating", Topics: [topic], BatchSize: 100 },
    });
    const id = created.body.UUID;
    await until(
      () => stateOf(id),
      (state) => state === "Enabled",
    );
    await kafka.producer.send({ topic, messages: [{ value: "a" }] });
    await until(
      async () => delivered.length,
      (count) => count > 0,
    );
    expect((await call("GET", `${mappings}${id}`)).body.LastProcessingResult).toMatch(/^OK$|^No records/);

    expect((await call("PUT", `${mappings}${id}`, { Enabled: false })).body.State).toBe("Disabling");
    await until(
      () => stateOf(id),
      (state) => state === "Disabled",
    );
    const before = delivered.length;
    await kafka.producer.send({ topic, messages: [{ value: "b" }] });
    const updated = await call("PUT", `${mappings}${id}`, { Enabled: true, BatchSize: 7 });
    expect(updated.body.State).toBe("Enabling");
    await until(
      async () => delivered.length,
      (count) => count > before,
    );
    expect((await call("GET", `${mappings}${id}`)).body).toMatchObject({ BatchSize: 7, State: "Enabled" });

    expect((await call("DELETE", `${mappings}${id}`)).body.State).toBe("Deleting");
    await until(
      async () => (await call("GET", `${mappings}${id}`)).errorType,
      (error) => error === "ResourceNotFoundException",
    );
  });

  test("rule 25: lists by function and source, in pages", async () => {
    const topics = await Promise.all([kafka.createTopic(1), kafka.createTopic(1)]);
    await call("POST", mappings, creation(topics[0] ?? "", { Enabled: false }));
    await call(
      "POST",
      mappings,
      creation(topics[1] ?? "", { Enabled: false, FunctionName: "arn:aws:lambda:x:1:function:g" }),
    );
    const list = async (query: string) => (await call("GET", `${mappings}?${query}`)).body;
    expect((await list("")).EventSourceMappings).toHaveLength(2);
    expect((await list("FunctionName=g")).EventSourceMappings).toMatchObject([
      { Topics: [topics[1]], State: "Disabled" },
    ]);
    const page = await list("MaxItems=1");
    expect(page.EventSourceMappings).toHaveLength(1);
    expect((await list(`MaxItems=1&Marker=${page.NextMarker}`)).NextMarker).toBeUndefined();
  });

  test("rule 25, rule 23: AWS's error names", async () => {
    const topic = await kafka.createTopic(1);
    const made = await call("POST", mappings, creation(topic, { Enabled: false }));
    expect(await call("POST", mappings, creation(topic))).toMatchObject({
      status: 409,
      errorType: "ResourceConflictException",
    });
    expect(await call("POST", mappings, creation("t", { FunctionName: "nobody" }))).toMatchObject({
      status: 404,
      errorType: "ResourceNotFoundException",
    });
    expect(await call("GET", `${mappings}none`)).toMatchObject({
      status: 404,
      errorType: "ResourceNotFoundException",
    });
    for (const change of [{ BatchSize: 10_001 }, { MaximumRetryAttempts: 1 }, { Topics: ["other"] }])
      expect(await call("PUT", `${mappings}${made.body.UUID}`, change)).toMatchObject({
        status: 400,
        errorType: "InvalidParameterValueException",
        body: { message: expect.stringContaining(Object.keys(change)[0] ?? "") },
      });
  });

  test("rule 25: invocations are passed on to where the functions run", async () => {
    const response = await fetch(`${url}/2015-03-31/functions/f/invocations`, { method: "POST", body: "{}" });
    expect([response.status, response.headers.get("x-seen"), await response.text()]).toEqual([
      200,
      "/2015-03-31/functions/f/invocations",
      '"called"',
    ]);
  });

  test("rule 24: /metrics counts, and /status tells offsets and lag", async () => {
    const topic = await kafka.createTopic(2);
    await call("POST", mappings, creation(topic));
    await kafka.producer.send({ topic, messages: [0, 1, 1].map((partition) => ({ partition, value: "x" })) });
    await until(
      async () => (await call("GET", "/metrics")).body.mappings,
      (metrics) => JSON.stringify(metrics).includes('"CommittedEventCount":3'),
    );
    expect((await call("GET", "/metrics")).body.mappings).toMatchObject([
      {
        Topic: topic,
        PolledEventCount: 3,
        FilteredOutEventCount: 0,
        InvokedEventCount: 3,
        FailedInvokeEventCount: 0,
        DroppedEventCount: 0,
        OnFailureDestinationDeliveredEventCount: 0,
        OffsetLag: { 0: 0, 1: 0 },
      },
    ]);
    expect((await call("GET", "/status")).body.mappings).toMatchObject([
      {
        topic,
        state: "Enabled",
        partitions: [
          { partition: 0, nextOffset: 1, lag: 0 },
          { partition: 1, nextOffset: 2, endOffset: 2 },
        ],
      },
    ]);
  });

  test("faults are switched on and off; a plan that is none is refused", async () => {
    expect(await call("PUT", "/faults", { seed: 1, probability: { duplicate: 0.5 } })).toMatchObject({
      status: 200,
    });
    expect(await call("PUT", "/faults", { seed: 1, probability: { doubled: 0.5 } })).toMatchObject({
      status: 400,
    });
    expect(await call("DELETE", "/faults")).toMatchObject({ status: 200 });
  });
});

const clientSettings = () => ({
  endpoint: url,
  region: "eu-south-1",
  credentials: { accessKeyId: "x", secretAccessKey: "x" },
});

describe("Lambda's API for AWS's own client", () => {
  let client: LambdaClient;
  beforeAll(() => {
    client = new LambdaClient({ ...clientSettings(), maxAttempts: 1 });
  });
  afterAll(() => client.destroy());
  const get = (UUID: string | undefined) => client.send(new GetEventSourceMappingCommand({ UUID }));
  const minimal = (topic: string) => ({
    EventSourceArn: clusterArn,
    FunctionName: "f",
    Topics: [topic],
    StartingPosition: "TRIM_HORIZON" as const,
  });

  test("rule 25: every field of a mapping comes back as it was given, also after an update", async () => {
    const topic = await kafka.createTopic(1);
    const handling = {
      BisectBatchOnFunctionError: true,
      DestinationConfig: { OnFailure: { Destination: "arn:aws:sqs:local:000000000000:failed" } },
      FunctionResponseTypes: ["ReportBatchItemFailures" as const],
      MaximumRecordAgeInSeconds: 600,
      MaximumRetryAttempts: 3,
    };
    const given = {
      ...handling,
      EventSourceArn: clusterArn,
      Topics: [topic],
      BatchSize: 50,
      MaximumBatchingWindowInSeconds: 1,
      StartingPosition: "AT_TIMESTAMP" as const,
      StartingPositionTimestamp: new Date(1_700_000_000_000),
      FilterCriteria: { Filters: [{ Pattern: '{"value":{"a":[1]}}' }] },
      ProvisionedPollerConfig: { MinimumPollers: 1, MaximumPollers: 2 },
      AmazonManagedKafkaEventSourceConfig: { ConsumerGroupId: `group-${topic}` },
    };
    const { UUID } = await client.send(
      new CreateEventSourceMappingCommand({ ...given, FunctionName: "f", Enabled: false }),
    );
    const expected = {
      ...given,
      UUID,
      EventSourceMappingArn: expect.stringContaining(`:event-source-mapping:${UUID}`),
      FunctionArn: "arn:aws:lambda:local:000000000000:function:f",
      State: "Disabled",
      StateTransitionReason: "USER_INITIATED",
      LastProcessingResult: "No records processed",
      LastModified: expect.any(Date),
    };
    expect(await get(UUID)).toMatchObject(expected);
    const changes = { BatchSize: 7, MaximumBatchingWindowInSeconds: 0, MaximumRetryAttempts: 0 };
    await client.send(new UpdateEventSourceMappingCommand({ UUID, ...changes }));
    expect(
      await until(
        () => get(UUID),
        ({ State }) => State === "Disabled",
      ),
    ).toMatchObject({ ...expected, ...changes });
  });

  test("rule 12, rule 25: the states while it is created, updated, disabled, enabled and deleted", async () => {
    const topic = await kafka.createTopic(1);
    let release: () => void = () => undefined;
    const created = await client.send(new CreateEventSourceMappingCommand(minimal(topic)));
    const { UUID } = created;
    const states = [created.State];
    const isNow = async (wanted: string) => {
      await until(
        async () => {
          const { State } = await get(UUID);
          if (State !== states.at(-1)) states.push(State);
          return State;
        },
        (state) => state === wanted,
      );
    };
    const running = async () => {
      const before = delivered.length;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      answering = () => held;
      await kafka.producer.send({ topic, messages: [{ value: "v" }] });
      await until(
        async () => delivered.length,
        (count) => count > before,
      );
    };
    const change = (changes: { Enabled?: boolean; BatchSize?: number }) =>
      client.send(new UpdateEventSourceMappingCommand({ UUID, ...changes }));
    await isNow("Enabled");
    await running();
    await change({ BatchSize: 9 });
    await isNow("Updating");
    await expect(change({ BatchSize: 8 })).rejects.toMatchObject({ name: "ResourceInUseException" });
    release();
    await isNow("Enabled");
    await running();
    await change({ Enabled: false });
    await isNow("Disabling");
    release();
    await isNow("Disabled");
    const before = delivered.length;
    await kafka.producer.send({ topic, messages: [{ value: "while disabled" }] });
    expect((await change({ Enabled: true })).State).toBe("Enabling");
    expect(delivered.length).toBe(before);
    await isNow("Enabled");
    await until(
      async () => delivered.length,
      (count) => count === before + 1,
    );
    await running();
    expect((await client.send(new DeleteEventSourceMappingCommand({ UUID }))).State).toBe("Deleting");
    await isNow("Deleting");
    release();
    await until(
      () =>
        get(UUID).then(
          () => "there",
          (error: unknown) => (error instanceof Error ? error.name : ""),
        ),
      (name) => name === "ResourceNotFoundException",
    );
    const inOrder = [
      "Creating",
      "Enabled",
      "Updating",
      "Enabled",
      "Disabling",
      "Disabled",
      "Enabled",
      "Deleting",
    ];
    expect(states.filter((state) => state !== "Enabling")).toEqual(inOrder);
  });

  test("rule 8, rule 25: AWS's errors: a group that another mapping has, no starting position, an unknown function", async () => {
    const [topic, other] = [await kafka.createTopic(1), await kafka.createTopic(1)];
    const group = { AmazonManagedKafkaEventSourceConfig: { ConsumerGroupId: `group-${topic}` } };
    const create = (changes: object) =>
      client.send(new CreateEventSourceMappingCommand({ ...minimal(topic), Enabled: false, ...changes }));
    await create(group);
    await expect(create({ ...group, Topics: [other] })).rejects.toMatchObject({
      name: "ResourceConflictException",
    });
    await expect(create({ Topics: [other], StartingPosition: undefined })).rejects.toMatchObject({
      name: "InvalidParameterValueException",
      message: expect.stringContaining("StartingPosition"),
    });
    await expect(create({ Topics: [other], FunctionName: "nobody" })).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
    await expect(create({ Topics: [other], ParallelizationFactor: 2 })).rejects.toMatchObject({
      name: "InvalidParameterValueException",
      message: expect.stringContaining("ParallelizationFactor: expected nothing for a Kafka source, got 2"),
    });
  });

  test("rule 25: the client's paginator finds all mappings", async () => {
    const topics = await Promise.all([1, 2, 3].map(() => kafka.createTopic(1)));
    for (const topic of topics)
      await client.send(new CreateEventSourceMappingCommand({ ...minimal(topic), Enabled: false }));
    const found: unknown[] = [];
    for await (const page of paginateListEventSourceMappings({ client, pageSize: 2 }, { FunctionName: "f" }))
      found.push(page.EventSourceMappings?.flatMap(({ Topics }) => Topics ?? []));
    expect(found).toEqual([topics.slice(0, 2), topics.slice(2)]);
  });

  test("rule 24: every metric at /metrics and as a line of JSON", async () => {
    const topic = await kafka.createTopic(2);
    const lines: string[] = [];
    const stop = logMetrics(
      () => registry.metrics(),
      (line) => lines.push(line),
      20,
    );
    answering = () => Promise.reject(new Error("never"));
    const { UUID } = await client.send(
      new CreateEventSourceMappingCommand({
        ...minimal(topic),
        MaximumBatchingWindowInSeconds: 0,
        MaximumRetryAttempts: 1,
        FilterCriteria: { Filters: [{ Pattern: '{"value":{"a":[1]}}' }] },
        ProvisionedPollerConfig: { MinimumPollers: 2, MaximumPollers: 3 },
      }),
    );
    const send = (partition: number, values: readonly string[]) =>
      kafka.producer.send({ topic, messages: values.map((value) => ({ partition, value })) });
    await send(0, ['{"a":1}', '{"a":2}']);
    const metrics = () => Promise.resolve(registry.metrics()[0] ?? {});
    await until(metrics, ({ CommittedEventCount }) => CommittedEventCount === 2);
    answering = async () => undefined;
    await send(1, ['{"a":1}']);
    const last = await until(metrics, ({ CommittedEventCount }) => CommittedEventCount === 3);
    expect(last).toEqual({
      EventSourceMappingUUID: UUID,
      FunctionName: "f",
      Topic: topic,
      PolledEventCount: 3,
      FilteredOutEventCount: 1,
      InvokedEventCount: 1,
      FailedInvokeEventCount: 2,
      DroppedEventCount: 1,
      OnFailureDestinationDeliveredEventCount: 0,
      CommittedEventCount: 3,
      OffsetGapCount: 0,
      OffsetLag: { 0: 0, 1: 0 },
      ProvisionedPollers: 2,
    });
    expect((await call("GET", "/metrics")).body.mappings).toEqual([last]);
    await until(
      async () => JSON.parse(lines.at(-1) ?? "{}"),
      (line) => line.CommittedEventCount === 3,
    );
    stop();
    expect(JSON.parse(lines.at(-1) ?? "")).toEqual(last);
  });
});

describe("MSK's API", () => {
  const client = () => new KafkaClient(clientSettings());

  test("rule 26: clusters, bootstrap brokers and nodes of the running cluster, for AWS's client", async () => {
    const msk = client();
    const { ClusterInfoList } = await msk.send(new ListClustersV2Command({}));
    const expected = {
      ClusterArn: clusterArn,
      ClusterName: "local",
      ClusterType: "SERVERLESS",
      State: "ACTIVE",
      CreationTime: expect.any(Date),
    };
    expect(ClusterInfoList).toMatchObject([expected, { ClusterType: "PROVISIONED" }]);
    expect(ClusterInfoList?.[0]?.CreationTime?.getTime()).toBeLessThanOrEqual(Date.now());
    expect(
      (await msk.send(new DescribeClusterV2Command({ ClusterArn: clusterArn }))).ClusterInfo,
    ).toMatchObject({
      ...expected,
      Serverless: { ClientAuthentication: { Sasl: { Iam: { Enabled: true } } } },
    });
    expect(await msk.send(new GetBootstrapBrokersCommand({ ClusterArn: clusterArn }))).toMatchObject({
      BootstrapBrokerStringSaslIam: kafka.brokers,
    });
    const { NodeInfoList } = await msk.send(new ListNodesCommand({ ClusterArn: clusterArn }));
    expect(NodeInfoList).toMatchObject([
      { NodeType: "BROKER", BrokerNodeInfo: { BrokerId: 1, Endpoints: [kafka.brokers] } },
    ]);
    msk.destroy();
  });

  test("rule 26: a provisioned cluster, the filters, and times with a zone on the wire", async () => {
    const msk = client();
    const { ClusterInfo } = await msk.send(new DescribeClusterV2Command({ ClusterArn: provisionedArn }));
    expect(ClusterInfo).toMatchObject({
      ClusterArn: provisionedArn,
      ClusterName: "local",
      ClusterType: "PROVISIONED",
      State: "ACTIVE",
      CurrentVersion: expect.any(String),
      CreationTime: expect.any(Date),
      Provisioned: { NumberOfBrokerNodes: 1, BrokerNodeGroupInfo: {}, ClientAuthentication: {} },
    });
    expect(ClusterInfo).not.toHaveProperty("Serverless");
    for (const [filter, arns] of [
      [{ ClusterTypeFilter: "SERVERLESS" }, [clusterArn]],
      [{ ClusterTypeFilter: "PROVISIONED" }, [provisionedArn]],
      [{ ClusterNameFilter: "lo" }, [clusterArn, provisionedArn]],
      [{ ClusterNameFilter: "other" }, []],
    ] as const) {
      const { ClusterInfoList } = await msk.send(new ListClustersV2Command(filter));
      expect(ClusterInfoList?.map((one) => one.ClusterArn)).toEqual(arns);
    }
    msk.destroy();
    const { body } = await call("GET", `/api/v2/clusters/${encodeURIComponent(clusterArn)}`);
    expect(body.clusterInfo).toMatchObject({
      clusterType: "SERVERLESS",
      creationTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      serverless: { vpcConfigs: [], clientAuthentication: { sasl: { iam: { enabled: true } } } },
    });
  });

  test("rule 26: an unknown cluster is NotFoundException", async () => {
    const msk = client();
    const unknown = msk.send(new GetBootstrapBrokersCommand({ ClusterArn: `${clusterArn}x` }));
    await expect(unknown).rejects.toMatchObject({ name: "NotFoundException" });
    msk.destroy();
  });
});
