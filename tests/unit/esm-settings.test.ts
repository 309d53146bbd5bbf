// Settings as AWS refuses them (rule 23), read from serverless.yml's events and the template's extensions.

import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { lanesFor } from "../../localstack/event-source-mapping/lanes.ts";
import { lineOf, type SettingPath } from "../../localstack/event-source-mapping/serverless-lines.ts";
import {
  logicalIdOf,
  readMappings,
  type ServiceView,
} from "../../localstack/event-source-mapping/serverless-mappings.ts";
import { MappingError } from "../../localstack/event-source-mapping/settings.ts";

const arn = "arn:aws:kafka:local:000000000000:cluster/smart-grid/1-s1";
const pollers = { minimumPollers: 1, maximumPollers: 2 };
const read = (msk: object, resources?: unknown, more: Pick<ServiceView, "lineOf"> = {}) =>
  readMappings({
    ...more,
    service: "s",
    stage: "local",
    functions: {
      "my-f": { name: "s-local-my-f", events: [{ httpApi: "GET /" }, { msk: { arn, topic: "t", ...msk } }] },
    },
    resources,
  })[0]?.settings;
const logicalId = "MyDashfEventSourceMappingMSKSmartgridT";
const extended = (Properties: object, msk: object = { provisionedPollerConfig: pollers }) =>
  read(msk, [{ extensions: { [logicalId]: { Properties } } }]);

describe("rule 23: settings", () => {
  test("rule 23, rule 4, rule 6, rule 8: defaults", () => {
    expect(read({})).toEqual({
      functionKey: "my-f",
      functionName: "s-local-my-f",
      eventSourceArn: arn,
      topic: "t",
      groupId: "s-local-my-f-t",
      batchSize: 100,
      batchingWindowMs: 500,
      startingPosition: "TRIM_HORIZON",
      startingTimestampMs: null,
      failureHandling: {
        maximumRetryAttempts: -1,
        maximumRecordAgeMs: null,
        bisects: false,
        reportsItemFailures: false,
        destination: null,
      },
      filterPatterns: [],
      isEnabled: true,
    });
  });

  test.each([
    [{ batchSize: 0 }, "BatchSize", "1 to 10000"],
    [{ batchSize: 10_001 }, "BatchSize", "1 to 10000"],
    [{ batchSize: 1.5 }, "BatchSize", "1 to 10000"],
    [{ maximumBatchingWindow: 301 }, "MaximumBatchingWindowInSeconds", "0 to 300"],
    [{ maximumBatchingWindow: -1 }, "MaximumBatchingWindowInSeconds", "0 to 300"],
    [{ startingPosition: "EARLIEST" }, "StartingPosition", "TRIM_HORIZON"],
    [{ startingPosition: "AT_TIMESTAMP" }, "StartingPositionTimestamp", "Unix seconds"],
    [
      { startingPosition: "AT_TIMESTAMP", startingPositionTimestamp: 1e11 },
      "StartingPositionTimestamp",
      "not in the future",
    ],
    [{ startingPositionTimestamp: 1 }, "StartingPositionTimestamp", "nothing without AT_TIMESTAMP"],
    [{ provisionedPollerConfig: { minimumPollers: 0 } }, "MinimumPollers", "1 to 200"],
    [{ provisionedPollerConfig: { minimumPollers: 201 } }, "MinimumPollers", "1 to 200"],
    [{ provisionedPollerConfig: { maximumPollers: 2_001 } }, "MaximumPollers", "1 to 2000"],
    [
      { provisionedPollerConfig: { minimumPollers: 3, maximumPollers: 2 } },
      "MinimumPollers",
      "at most MaximumPollers (2)",
    ],
    [{ topic: undefined }, "Topics", "exactly one topic"],
    [{ arn: { Ref: "Cluster" } }, "EventSourceArn", "a plain value in the local stage"],
    [{ consumerGroupId: "no spaces" }, "ConsumerGroupId", "1 to 200"],
    [{ filterPatterns: [{ key: ["a"] }] }, "FilterCriteria", "patterns that AWS accepts"],
  ])("rule 23: %j is refused by property and range", (msk, property, expected) => {
    expect(() => read(msk)).toThrow(MappingError);
    expect(() => read(msk)).toThrow("functions.my-f.events.msk");
    expect(() => read(msk)).toThrow(`: ${property}: expected `);
    expect(() => read(msk)).toThrow(expected);
    expect(() => read(msk)).toThrow(/, got (nothing|[[{"\d-].*)$/);
  });

  test("rule 23: window 0 with a batch size above 10 is allowed for Kafka", () => {
    expect(read({ batchSize: 10_000, maximumBatchingWindow: 0 })).toMatchObject({ batchingWindowMs: 0 });
  });

  test.each([
    ["an event", "BatchSize", 9, { batchSize: 0 }],
    ["an event's inner property", "MinimumPollers", 11, { provisionedPollerConfig: { minimumPollers: 0 } }],
    ["an event that lacks it", "StartingPositionTimestamp", 6, { startingPosition: "AT_TIMESTAMP" }],
    ["an extension", "MaximumRetryAttempts", 18, {}],
  ])("rule 23: a refusal names the line of serverless.yml: %s", (_, property, line, msk) => {
    const yaml = `service: s
functions:
  my-f:
    events:
      - httpApi: GET /
      - msk:
          arn: ${arn}
          topic: t
          batchSize: 0
          provisionedPollerConfig:
            minimumPollers: 0
resources:
  - Resources: { Failed: { Arn: !GetAtt Failed.Arn } }
  - extensions:
      Other: { Properties: { MaximumRetryAttempts: 1 } }
      ${logicalId}:
        Properties:
          MaximumRetryAttempts: -2
`;
    const resources =
      property === "MaximumRetryAttempts"
        ? [{ extensions: { [logicalId]: { Properties: { MaximumRetryAttempts: -2 } } } }]
        : undefined;
    const lines = { lineOf: (paths: readonly SettingPath[]) => lineOf(yaml, paths) };
    expect(() => read(msk, resources, lines)).toThrow(
      `serverless.yml:${line}: functions.my-f.events.msk: ${property}: expected`,
    );
  });

  test("rule 23: a line is found through anchors, and none where nothing is written", () => {
    const yaml = "functions:\n  f: &f\n    events:\n      - msk: { topic: t }\n  g: *f\n";
    expect(lineOf(yaml, [["functions", "g", "events", 0, "msk", "topic"]])).toBe(4);
    expect(
      lineOf(yaml, [
        ["functions", "h"],
        ["functions", "g"],
      ]),
    ).toBe(5);
    expect(lineOf(yaml, [["resources"]])).toBeNull();
  });

  test.each([
    [{ Topics: ["a", "b"] }, "Topics"],
    [{ ParallelizationFactor: 2 }, "ParallelizationFactor"],
    [{ TumblingWindowInSeconds: 5 }, "TumblingWindowInSeconds"],
    [{ MaximumRetryAttempts: -2 }, "MaximumRetryAttempts"],
    [{ MaximumRetryAttempts: 10_001 }, "MaximumRetryAttempts"],
    [{ MaximumRecordAgeInSeconds: 59 }, "MaximumRecordAgeInSeconds"],
    [{ MaximumRecordAgeInSeconds: 604_801 }, "MaximumRecordAgeInSeconds"],
    [{ FunctionResponseTypes: ["Other"] }, "FunctionResponseTypes"],
    [{ DestinationConfig: { OnFailure: { Destination: "arn:aws:lambda:a:b:function:c" } } }, "Destination"],
  ])("rule 23: extension %j is refused", (properties, property) => {
    expect(() => extended(properties)).toThrow(`functions.my-f.events.msk: ${property}: expected`);
  });

  test.each([
    { MaximumRetryAttempts: 1 },
    { MaximumRecordAgeInSeconds: 60 },
    { BisectBatchOnFunctionError: true },
    { FunctionResponseTypes: ["ReportBatchItemFailures"] },
    { DestinationConfig: { OnFailure: { Destination: "kafka://t" } } },
  ])("rule 14: %j needs provisioned pollers", (properties) => {
    expect(() => extended(properties, {})).toThrow("ProvisionedPollerConfig");
    expect(() => extended(properties)).not.toThrow();
  });

  test("rule 14: a destination alone may be on demand; with infinite retries it means 10", () => {
    const resources = { Resources: { Failed: { Type: "AWS::SQS::Queue" } }, extensions: {} };
    const DestinationConfig = { OnFailure: { Destination: { "Fn::GetAtt": ["Failed", "Arn"] } } };
    const settings = read({}, [
      resources,
      { extensions: { [logicalId]: { Properties: { DestinationConfig } } } },
    ]);
    expect(settings?.failureHandling).toMatchObject({
      maximumRetryAttempts: 10,
      destination: { kind: "sqs", name: "Failed", text: "arn:aws:sqs:local:000000000000:Failed" },
    });
  });

  test.each([
    ["misspelt", "MyDashfEventSourceMappingMSKSmartgridTopic", { Properties: { MaximumRetryAttempts: 3 } }],
    ["in another case", logicalId.toLowerCase(), { Properties: { MaximumRetryAttempts: 3 } }],
    ["the function's key", "my-f", { Properties: { BatchSize: 3 } }],
    ["any other, with settings of a mapping", "Mapping", { Properties: { FilterCriteria: {} } }],
    ["without Properties", "my-f", { MaximumRecordAgeInSeconds: 60 }],
  ])("an extension that belongs to no mapping is refused with the ids there are: %s", (_, id, extension) => {
    const lineAt: (paths: readonly SettingPath[]) => number | null = ([path]) =>
      path?.join(".") === `resources.extensions.${id}` ? 7 : null;
    expect(() => read({}, { extensions: { [id]: extension } }, { lineOf: lineAt })).toThrow(
      `serverless.yml:7: resources.extensions: logical id: expected a mapping's, which are ${logicalId}, got "${id}"`,
    );
  });

  test("where there is no mapping at all, that is said", () => {
    const resources = { extensions: { FEventSourceMappingKafkaT: { Properties: { Enabled: false } } } };
    expect(() =>
      readMappings({ service: "s", stage: "x", functions: { f: { name: "f" } }, resources }),
    ).toThrow("expected a mapping's, but there is none");
  });

  test.each([
    [
      "a function's",
      "MyDashfLambdaFunction",
      { Properties: { Tags: [], LoggingConfig: {}, MemorySize: 256 } },
    ],
    ["asynchronous invocation's", "MyDashfLambdaEvConf", { Properties: { MaximumRetryAttempts: 0 } }],
    ["a queue's mapping", "MyDashfEventSourceMappingSQSQueue", { Properties: { BatchSize: 1 } }],
    ["a log group's", "MyDashfLogGroup", { DeletionPolicy: "Retain" }],
  ])("extensions of other resources are none of the trigger's affair: %s", (_, id, extension) => {
    expect(read({}, { extensions: { [id]: extension } })?.topic).toBe("t");
  });

  test.each([
    [
      { Properties: { MaximumRetryAttempt: 3 } },
      "MaximumRetryAttempt: expected a property of AWS::Lambda::Event",
    ],
    [{ MaximumRetryAttempts: 3 }, "MaximumRetryAttempts: expected one of Properties, Condition"],
    [{ Properties: [] }, "Properties: expected an object"],
    ["none", "Properties: expected settings of the mapping"],
  ])("an extension of the mapping with what a mapping does not have is refused: %j", (extension, message) => {
    expect(() => read({}, { extensions: { [logicalId]: extension } })).toThrow(message);
  });

  test("a local concurrency of a function without a Kafka trigger is refused with those that have one", () => {
    const functions = {
      f: { name: "f", events: [{ msk: { arn, topic: "t" } }] },
      http: { name: "http", events: [{ httpApi: "GET /" }] },
    };
    expect(() => readMappings({ service: "s", stage: "x", functions, concurrency: { http: 2 } })).toThrow(
      'custom.eventSourceMapping: concurrency: expected functions with a Kafka trigger, which are f, got "http"',
    );
  });

  test("rule 7: at most one invocation for each partition, five for each provisioned poller", () => {
    const settings = read({ provisionedPollerConfig: pollers });
    if (settings === undefined) throw new Error("no settings");
    expect([1, 4, 10, 64].map((partitions) => lanesFor(settings, partitions))).toEqual([1, 4, 10, 10]);
    expect(lanesFor({ ...settings, concurrency: 2 }, 64)).toBe(2);
  });

  test("rule 8: two mappings with one consumer group are refused", () => {
    const events = [0, 1].map((i) => ({ msk: { arn, topic: `t${i}`, consumerGroupId: "one" } }));
    expect(() => readMappings({ service: "s", stage: "x", functions: { f: { name: "f", events } } })).toThrow(
      "a group of its own for each mapping",
    );
  });

  test("the logical ids are those of osls", () => {
    const naming: Record<string, (...names: string[]) => string> = createRequire(import.meta.url)(
      "serverless/lib/plugins/aws/lib/naming.js",
    );
    for (const [key, topic] of [
      ["aggregate-sensor_x", "smart.grid-sensor_data"],
      ["f", "-t"],
      ["F2", "x".repeat(300)],
    ] as const) {
      expect(logicalIdOf(key, { msk: { arn, topic } })).toBe(
        naming.getMSKEventLogicalId?.(key, "smart-grid", topic),
      );
      expect(logicalIdOf(key, { msk: { arn: { Ref: "Msk-1" }, topic } })).toBe(
        naming.getMSKEventLogicalId?.(key, "Msk-1", topic),
      );
      expect(logicalIdOf(key, { kafka: { topic } })).toBe(naming.getKafkaEventLogicalId?.(key, topic));
    }
  });
});
