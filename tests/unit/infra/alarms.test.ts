// Alarms and runbook are one set, and every alarm and widget looks at something that is there.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { monitoringItems } from "../../../commands/cost/platform.ts";
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
    readonly MetricStat?: { readonly Metric: Metric; readonly Period: number };
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
const usual = {
  clusterName: null,
  database: { connections: 100, volumeGib: 100 },
  email: "grid@example.org",
};
const alarmsOf = (resources: Resources): Alarm[] =>
  Object.values(resources)
    .filter(({ Type }) => Type === "AWS::CloudWatch::Alarm")
    .map(({ Properties }) => Properties);
const metricsOf = (alarms: readonly Alarm[]): Metric[] =>
  alarms.flatMap((alarm) => alarm.Metrics.flatMap((m) => m.MetricStat?.Metric ?? []));

/** All that there are: with brokers of the stack's own. */
const alarms = alarmsOf(alarmResources(PREFIX, { ...usual, clusterName: "grid" }));
const metrics = metricsOf(alarms);
const serverless = parse(await readFile(new URL("serverless.yml", root), "utf8"), {
  merge: true,
  logLevel: "silent",
});

describe("alarms", () => {
  test("are the sections of the runbook, none more and none less", async () => {
    const runbook = await readFile(new URL("docs/runbook.md", root), "utf8");
    const sections = [...runbook.matchAll(/^## (.+)$/gm)].map((match) => match[1]);
    const named = alarms.map((alarm) => alarm.AlarmName.slice(PREFIX.length + 1).replace(/-\d+$/, ""));
    expect(sections).toEqual([...new Set(named)]); // one with many series is in parts: function-errors-2
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
    const billed = metricsOf(alarmsOf(alarmResources(PREFIX, usual))).length;
    expect(monitoringItems).toContainEqual([expect.stringContaining("alarms"), billed, "alarm"]);
  });

  test("look at the disk of each broker, where the stack has brokers of its own", () => {
    const disks = metrics.filter(({ MetricName }) => MetricName === "KafkaDataLogsDiskUsed");
    expect(disks.map(({ Dimensions }) => Dimensions)).toEqual(
      ["1", "2", "3"].map((broker) => [
        { Name: "Cluster Name", Value: "grid" },
        { Name: "Broker ID", Value: broker },
      ]),
    );
    const serverless = metricsOf(alarmsOf(alarmResources(PREFIX, usual)));
    expect(serverless.filter(({ Namespace }) => Namespace === "AWS/Kafka")).toEqual([]);
  });

  test("that look at one series compute nothing", () => {
    for (const { AlarmName, Metrics } of alarms)
      for (const { Expression = "" } of Metrics) expect(Expression, AlarmName).not.toMatch(/^[ab]\d$/);
  });

  test("look no more often than there are figures", () => {
    const volume = alarms
      .flatMap((alarm) => alarm.Metrics)
      .filter((m) => m.MetricStat?.Metric.MetricName === "VolumeBytesUsed");
    expect(volume.map((m) => m.MetricStat?.Period)).toEqual([3600]);
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
    const existing: Resources = alarmResources(PREFIX, { clusterName: null, database: null, email: "" });
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
