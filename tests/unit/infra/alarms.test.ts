// Alarms and runbook are one set, and every alarm and widget looks at something that is there.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { monitoringItems } from "../../../cost/platform.ts";
import { METRIC_NAMESPACE, metricUnits } from "../../../lib/embedded-metrics.ts";

interface Metric {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions: readonly { readonly Name: string; readonly Value: unknown }[];
}

interface Alarm {
  readonly AlarmName: string;
  readonly AlarmActions: unknown;
  readonly OKActions: unknown;
  readonly TreatMissingData: string;
  readonly Metrics: readonly {
    readonly Id: string;
    readonly ReturnData: boolean;
    readonly Expression?: string;
    readonly MetricStat?: { readonly Metric: Metric };
  }[];
}

interface Resource<Properties> {
  readonly Type: string;
  readonly Properties: Properties;
}

type Resources = Readonly<Record<string, Resource<Alarm>>>;

const root = new URL("../../../", import.meta.url);
const require = createRequire(import.meta.url);
const { alarmResources, FUNCTIONS } = require("../../../infra/alarms.cjs");
const { dashboardResources } = require("../../../infra/dashboard.cjs");

const PREFIX = "smartgrid-prod";
const database = { connections: 100, volumeGib: 100 };
const resources: Resources = alarmResources(PREFIX, { database, brokers: 3 }, "grid@example.org");
const alarms = Object.values(resources)
  .filter(({ Type }) => Type === "AWS::CloudWatch::Alarm")
  .map(({ Properties }) => Properties);
const metrics = alarms.flatMap((alarm) => alarm.Metrics.flatMap((m) => m.MetricStat?.Metric ?? []));
const serverless = parse(await readFile(new URL("serverless.yml", root), "utf8"), {
  merge: true,
  logLevel: "silent",
});

describe("alarms", () => {
  test("are the sections of the runbook, none more and none less", async () => {
    const runbook = await readFile(new URL("docs/runbook.md", root), "utf8");
    const sections = [...runbook.matchAll(/^## (.+)$/gm)].map((match) => match[1]);
    expect(sections).toEqual(alarms.map((alarm) => alarm.AlarmName.slice(PREFIX.length + 1)));
  });

  test.each(alarms.map((alarm) => [alarm.AlarmName, alarm] as const))("%s is sound", (name, alarm) => {
    expect(alarm.AlarmActions, name).toEqual([{ Ref: "AlarmTopic" }]);
    expect(alarm.OKActions, name).toEqual([{ Ref: "AlarmTopic" }]);
    expect(alarm.Metrics.filter((metric) => metric.ReturnData)).toHaveLength(1);
    expect(alarm.Metrics.length, "CloudWatch takes 10").toBeLessThanOrEqual(10);
    const ids = alarm.Metrics.map((metric) => metric.Id);
    expect(new Set(ids).size).toBe(ids.length);
    const named = alarm.Metrics.flatMap((metric) => metric.Expression?.match(/\b[ab]\d\b/g) ?? []);
    expect(ids, "what the expression names").toEqual(expect.arrayContaining(named));
  });

  test("look at metrics that the functions write, of functions that there are", () => {
    const own = metrics.filter((metric) => metric.Namespace === METRIC_NAMESPACE);
    expect(own.length).toBeGreaterThan(0);
    for (const { MetricName } of own) expect(Object.keys(metricUnits)).toContain(MetricName);
    const names = metrics.flatMap((metric) =>
      metric.Dimensions.filter(({ Name }) => Name === "FunctionName").map(({ Value }) => String(Value)),
    );
    const known = Object.keys(serverless.functions).map((name) => `${PREFIX}-${name}`);
    for (const name of names) expect(known).toContain(name);
  });

  test("are in the bill, which has them by the metrics that they look at", () => {
    const serverlessKafka = metrics.filter(({ Namespace }) => Namespace !== "AWS/Kafka");
    expect(monitoringItems).toContainEqual([
      expect.stringContaining("alarms"),
      serverlessKafka.length,
      "alarm",
    ]);
  });

  test("see errors of every function with a trigger", () => {
    const withTrigger = Object.entries<{ events?: readonly unknown[] }>(serverless.functions)
      .filter(([, settings]) => (settings.events ?? []).length > 0)
      .map(([name]) => name);
    expect([...FUNCTIONS].sort()).toEqual(withTrigger.sort());
  });

  test("take silence for a fault where it is one, and nowhere else", () => {
    const breaching = alarms.filter((alarm) => alarm.TreatMissingData === "breaching");
    expect(breaching.map((alarm) => alarm.AlarmName)).toEqual([`${PREFIX}-sweeper-silent`]);
  });

  test("leave a database that exists to its owner", () => {
    const existing: Resources = alarmResources(PREFIX, { database: null, brokers: 0 }, undefined);
    expect(JSON.stringify(existing)).not.toContain("DatabaseCluster");
    expect(Object.keys(existing)).not.toContain("AlarmEmail");
  });
});

test("the dashboard shows metrics that there are, in widgets that do not overlap", () => {
  const { Dashboard } = dashboardResources(PREFIX, true);
  const { widgets } = JSON.parse(Dashboard.Properties.DashboardBody["Fn::Sub"]);
  const places = new Set(widgets.map((widget: { x: number; y: number }) => `${widget.x},${widget.y}`));
  expect(places.size).toBe(widgets.length);
  for (const { properties } of widgets)
    for (const [namespace, metric] of properties.metrics)
      if (namespace === METRIC_NAMESPACE) expect(Object.keys(metricUnits)).toContain(metric);
});
